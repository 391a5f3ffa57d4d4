/** Features and targets as their table has them: in their own units, and categories as one choice. */
import { short } from "../format";
import type { Setup } from "../host";

/** A column of the table: one number, or the features of a category, of which one is 1. */
export interface Field {
  name: string;
  /** Its features. */
  at: number[];
  /** Names of the categories; null: a number. */
  options: string[] | null;
}

const known = new WeakMap<Setup, Field[]>();
const CATEGORY = /^(.+?)(?:=(.*)| \((other|missing)\))$/;

/** The columns that the features were made of: `city=Bern`, `city=Chur` and `city (other)` are one. */
export function fieldsOf(setup: Setup): Field[] {
  const before = known.get(setup);
  if (before) return before;
  const fields: Field[] = [];
  for (const [at, feature] of setup.data.features.entries()) {
    const [, name, category, kind] = CATEGORY.exec(feature) ?? [];
    const last = fields[fields.length - 1];
    if (last?.options && last.name === name) {
      last.at.push(at);
      last.options.push(category ?? kind!);
    } else if (name && category !== undefined) fields.push({ name, at: [at], options: [category] });
    else fields.push({ name: feature, at: [at], options: null });
  }
  known.set(setup, fields);
  return fields;
}

/** A feature in its own unit. */
export function unscaled({ arrays: { mean, scale } }: Setup, x: number, at: number): number {
  return mean && scale ? x * scale.data[at]! + mean.data[at]! : x;
}

/** What a field of a sample holds, as text: a number in its own unit, or the category. */
export function fieldText(setup: Setup, { at, options }: Field, x: ArrayLike<number>): string {
  if (!options) return short(unscaled(setup, x[at[0]!]!, at[0]!));
  const chosen = at.findIndex((feature) => x[feature]! > 0.5);
  return options[chosen] ?? "none";
}

/** A target or prediction in its own unit. */
export function target({ data }: Setup, y: number): number {
  return data.target ? y * data.target.scale + data.target.mean : y;
}
