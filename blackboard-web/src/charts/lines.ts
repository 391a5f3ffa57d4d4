/** What a chart draws: the lines of one run or two, over the same updates. */
import type { Curves } from "../curves";
import { count, percent, short } from "../format";
import type { Setup } from "../host";
import type { Branches } from "../store";

export interface ChartKind {
  id: string;
  title: string;
  log?: boolean;
  /** Shares: from 0 to 1. */
  share?: boolean;
  /** Lines by their names in the curves, and what they are called. */
  lines: (setup: Setup) => [name: string, label: string][];
}

const perParameter = (name: string) => (setup: Setup): [string, string][] =>
  setup.parameters
    .map(({ name: label, shape }, k): [string, string, number] => [`${name}.${k}`, label, shape.length])
    .filter(([, , dimensions]) => dimensions > 1 || setup.parameters.every(({ shape }) => shape.length < 2))
    .slice(0, 6)
    .map(([key, label]) => [key, label]);

export const KINDS: ChartKind[] = [
  { id: "loss", title: "Loss", lines: () => [["loss", "batch"], ["held_loss", "held out"]] },
  { id: "accuracy", title: "Accuracy", share: true, lines: () => [["accuracy", "batch"], ["held_accuracy", "held out"]] },
  { id: "norm", title: "Gradient norms", log: true, lines: perParameter("norm") },
  { id: "ratio", title: "Update / weight", log: true, lines: perParameter("ratio") },
  { id: "units", title: "Saturated, dead", share: true, lines: () => [["saturated", "saturated"], ["dead", "dead"]] },
];

/** A line, and its place among all of its kind: by which it has its colour, whichever are there. */
export type Named = [name: string, label: string, order: number];

/** The lines that say something in any run; all of them before there is anything to say. */
export function present(curves: Branches<Curves>, setup: Setup, kind: ChartKind): Named[] {
  const all = kind.lines(setup).map(([name, label], order): Named => [name, label, order]);
  const says = (name: string) => Object.values(curves).some(({ lines }) => lines[name]?.some(Number.isFinite));
  const found = all.filter(([name]) => says(name));
  return found.length ? found : all;
}

export interface Line {
  branch: string;
  order: number;
  name: string;
  label: string;
  values: (number | null)[];
}

/** Updates of all runs in order, and each line over them: null where it says nothing. */
export function merged(curves: Branches<Curves>, names: Named[]): { updates: number[]; lines: Line[] } {
  const branches = Object.keys(curves).sort();
  const updates = branches.map((branch) => curves[branch]!.updates).reduce(union, []);
  const lines = branches.flatMap((branch) => {
    const { updates: own, lines } = curves[branch]!;
    return names.map(([name, label, order]): Line => ({ branch, order, name, label, values: spread(updates, own, lines[name] ?? []) }));
  });
  return { updates, lines };
}

/** The values of all lines at the point nearest to an update, as text. */
export function under(curves: Branches<Curves>, setup: Setup, kind: ChartKind, update: number): string[] {
  const { updates, lines } = merged(curves, present(curves, setup, kind));
  if (!updates.length) return [];
  const nearest = updates.reduce((best, other, i) => (Math.abs(other - update) < Math.abs(updates[best]! - update) ? i : best), 0);
  const run = (branch: string) => (Object.keys(curves).length > 1 ? `${branch.toUpperCase()} ` : "");
  const said = (value: number) => (kind.share ? percent(value, 1) : short(value));
  const known = lines.filter(({ values }) => values[nearest] !== null);
  return [`update ${count(updates[nearest]!)}`, ...known.map(({ branch, label, values }) => `${run(branch)}${label} ${said(values[nearest]!)}`)];
}

function union(a: number[], b: number[]): number[] {
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const next = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    if (a[i] === next) i++;
    if (b[j] === next) j++;
    out.push(next);
  }
  return out;
}

function spread(updates: number[], own: number[], values: number[]): (number | null)[] {
  let i = 0;
  return updates.map((update) => {
    while (own[i]! < update) i++;
    const value = own[i] === update ? values[i] : undefined;
    return value === undefined || !Number.isFinite(value) ? null : value;
  });
}

/** Noise averaged away: an exponential mean over about `span` values, corrected at the start. */
export function smooth(values: (number | null)[], span: number): (number | null)[] {
  const keep = 1 - 1 / Math.max(1, span);
  let [mean, weight] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    mean = keep * mean + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return mean / weight;
  });
}
