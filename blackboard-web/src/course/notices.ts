/** Warnings about a run, each sent once when it begins (`blackboard/notices.py`, which has their texts). */
import type { NoticeRules } from "./content";
import type { Carry } from "./engine";
import type { Network } from "./network";
import type { Point } from "./points";

export interface Said {
  update: number;
  kind: string;
  text: string;
}

export class Notices {
  said: Said[] = [];
  private on = new Set<string>();
  private best = Infinity;

  constructor(private readonly rules: NoticeRules) {}

  /** Return the notices that begin at a point of the curves. */
  look(network: Network, point: Point, carry: Carry): Said[] {
    if (point.update <= (this.said.at(-1)?.update ?? -1)) return [];
    const present = new Map(this.conditions(network, point, carry));
    const begun = [...present].filter(([kind]) => !this.on.has(kind)).map(([kind, text]) => ({ update: point.update, kind, text }));
    this.on = new Set(present.keys());
    this.said.push(...begun);
    return begun;
  }

  /** Remove the notices after an update. */
  cut(update: number): void {
    this.said = this.said.filter((each) => each.update <= update);
    this.on = new Set();
    this.best = Infinity;
  }

  private *conditions({ document, names }: Network, point: Point, carry: Carry): Generator<[string, string]> {
    const { texts, limits } = this.rules;
    const { units } = document.setup;
    const tell = (kind: string, ...values: (number | string)[]): [string, string] => [kind, filled(texts[kind]!, values)];
    if (point.saturated >= limits.saturated!) yield tell("saturated", point.saturated);
    if (point.dead >= limits.dead!) yield tell("dead", point.dead);
    if (!Number.isNaN(point.loss)) this.best = Math.min(this.best, point.loss);
    if (point.update && point.loss > limits.rising! * this.best + 0.5) yield tell("rising", point.loss, this.best);
    const [first, last] = [units[0]?.weights, units.at(-1)?.out];
    if (point.norm && point.ratio && units.length > 1) {
      const [at, end] = [names.indexOf(first!), names.indexOf(last!)];
      const [near, far] = [point.norm[end]!, point.norm[at]!];
      if (near > 0 && far < limits.vanishing! * near) yield tell("vanishing", near, last!, far, first!);
      if (point.ratio[end]! > limits.large! && point.update > 10) yield tell("large", last!, point.ratio[end]!);
    }
    const width = document.setup.parameters.find(({ name }) => name === first)?.shape.at(-1) ?? 0;
    if (point.update && first && alike(carry[`params/${first}`] as Float64Array, width, limits.alike!)) yield tell("alike", units[0]!.name);
  }
}

/** Whether all of several units have equal weights; those of an input lie side by side. */
function alike(W: Float64Array, units: number, least: number): boolean {
  return units > 1 && W.every((weight, i) => Math.abs(weight - W[i - (i % units)]!) <= least);
}

/** Write values into a text of Python: `{}`, `{:.0%}`, `{:.3g}`. */
export function filled(text: string, values: (number | string)[]): string {
  let next = 0;
  return text.replace(/\{(?::\.(\d)([%g]))?\}/g, (_, digits?: string, kind?: string) => {
    const value = values[next++]!;
    if (typeof value === "string" || !kind) return String(value);
    return kind === "%" ? `${(100 * value).toFixed(Number(digits))}%` : general(value, Number(digits));
  });
}

/** Return a number as Python's format g writes it. */
export function general(value: number, digits: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e") as [string, string];
  const power = Number(exponent);
  const plain = (number: string) => (number.includes(".") ? number.replace(/\.?0+$/, "") : number);
  if (power >= -4 && power < digits) return plain(value.toFixed(Math.max(digits - 1 - power, 0)));
  return `${plain(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
