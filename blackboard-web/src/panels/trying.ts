/** Guess, then see: a change is tried on a fork, from here on, for some updates; then both runs are compared. */
import { effect, signal } from "@preact/signals";
import type { Curves } from "../curves";
import type { Flight } from "../host";
import type { Store } from "../store";

export const OUTCOMES = {
  lower: "a lower loss",
  same: "about the same loss",
  higher: "a higher loss",
  explodes: "a loss that explodes",
} as const;
export type Outcome = keyof typeof OUTCOMES;

export interface Guess {
  title: string;
  change: Flight;
  outcome: Outcome;
  words: string;
  updates: number;
}

export interface Line {
  update: number[];
  loss: number[];
}

export interface Seen {
  guess: Guess;
  outcome: Outcome;
  /** Mean losses at the end. */
  without: number;
  changed: number;
  from: number;
  lines: [Line, Line];
}

const NEAR = 1.1; // losses within a tenth are about the same
const SECONDS = 2; // that a run takes
const END = 0.2; // of the updates, over which the loss is averaged

/** A curve between two updates. */
export function cut(curves: Curves | undefined, from: number, to: number): Line {
  const line: Line = { update: [], loss: [] };
  curves?.updates.forEach((update, k) => {
    if (update <= from || update > to) return;
    line.update.push(update);
    line.loss.push(curves.lines.loss?.[k] ?? NaN);
  });
  return line;
}

const first = ({ update, loss }: Line): Line => ({ update: update.slice(0, 1), loss: loss.slice(0, 1) });

/** The mean of the last fifth. */
export function ending({ loss }: Line): number {
  const last = loss.slice(-Math.max(1, Math.round(END * loss.length)));
  return last.reduce((sum, x) => sum + x, 0) / last.length;
}

export function judge(without: number, changed: number, start: number): Outcome {
  if (!Number.isFinite(changed) || changed > 2 * Math.max(start, without)) return "explodes";
  if (changed * NEAR < without) return "lower";
  return changed > NEAR * without ? "higher" : "same";
}

/** So many updates a second that there is something to watch, and points enough to compare. */
export const pace = (updates: number): number => updates / SECONDS;

type Stage = "idle" | "changed" | "without";

/** Tries one guess after another. */
export class Trying {
  readonly stage = signal<Stage>("idle");
  readonly seen = signal<Seen[]>([]);
  private guess: Guess | null = null;
  private from = 0;

  constructor(private readonly store: Store) {
    effect(() => this.watch());
  }

  begin(guess: Guess): void {
    const { store } = this;
    const frame = store.frame.peek();
    if (!frame) return;
    this.guess = guess;
    this.from = frame.update;
    store.send({ do: "pause" });
    store.send({ do: "fork" });
    store.send({ do: "set", ...guess.change });
    store.send({ do: "play", rate: pace(guess.updates) });
    this.stage.value = "changed";
  }

  /** Give up: what was trained stays. */
  end(): void {
    this.store.send({ do: "pause" });
    this.stage.value = "idle";
  }

  /** First the changed run, then the one without the change, both as far. */
  private watch(): void {
    const [{ a, b }, shown] = [this.store.frames.value, this.store.branch.value];
    const goal = this.from + (this.guess?.updates ?? 0);
    if (this.stage.value === "changed" && shown === "b" && b && (b.update >= goal || (b.loss === null && b.update > this.from))) {
      this.store.send({ do: "pause" });
      this.store.send({ do: "show", branch: "a" });
      this.store.send({ do: "play", rate: pace(this.guess!.updates) });
      this.stage.value = "without";
    } else if (this.stage.value === "without" && shown === "a" && a && a.head >= goal) {
      this.store.send({ do: "pause" });
      this.stage.value = "idle";
      this.compare(goal);
    }
  }

  private compare(goal: number): void {
    const { curves } = this.store;
    const lines: [Line, Line] = [cut(curves.a, this.from, goal), cut(curves.b, this.from, goal)];
    if (!lines[0].loss.length) lines[0] = first(cut(curves.a, goal, Infinity)); // trained too fast for points in between
    const [without, changed] = lines.map(ending) as [number, number];
    const outcome = judge(without, changed, lines[0].loss[0] ?? without);
    this.seen.value = [{ guess: this.guess!, outcome, without, changed, from: this.from, lines }, ...this.seen.value];
  }
}

const known = new WeakMap<Store, Trying>();
export function tryingOf(store: Store): Trying {
  let trying = known.get(store);
  if (!trying) known.set(store, (trying = new Trying(store)));
  return trying;
}
