/** Which held samples are right and wrong, what was fixed and broken since a mark. */
import { computed, effect, signal } from "@preact/signals";
import type { Data } from "../host";
import type { Store } from "../store";
import { ranked } from "./scope";

export type Change = "fixed" | "broken";

export interface Scored {
  index: number;
  truth: number;
  guess: number;
  /** Probability of the true class. */
  sure: number;
  change: Change | null;
}

export interface Filter {
  truth?: number;
  guess?: number;
  change?: Change;
}

/** Held samples, the worst first. */
export function score(truth: ArrayLike<number>, guess: ArrayLike<number>, sure: ArrayLike<number>, before: ArrayLike<number> | null): Scored[] {
  return ranked(sure)
    .reverse()
    .map((index) => {
      const [is, was] = [guess[index] === truth[index], before ? before[index] === truth[index] : null];
      const change = was === null || was === is ? null : is ? "fixed" : "broken";
      return { index, truth: truth[index]!, guess: guess[index]!, sure: sure[index]!, change };
    });
}

/** How often each class was taken for each: a row a true class. */
export function confusion(scored: Scored[], classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { truth, guess } of scored) if (counts[truth]?.[guess] !== undefined) counts[truth]![guess]!++;
  return counts;
}

/** What is to be shown: the wrong ones; with a filter, those that it holds for. */
export function filtered(scored: Scored[], { truth, guess, change }: Filter): Scored[] {
  if (change) return scored.filter((one) => one.change === change);
  if (truth === undefined) return scored.filter((one) => one.guess !== one.truth);
  return scored.filter((one) => one.truth === truth && one.guess === guess);
}

/** The held sample whose true class has the least probability. */
export function worst(store: Store): number | null {
  const sure = store.frame.value?.arrays.sure?.data;
  return sure?.length ? ranked(sure)[sure.length - 1]! : null;
}

export class Scores {
  readonly filter = signal<Filter>({});
  /** Predictions at the update that is marked. */
  private readonly before = signal<{ marked: number; guess: Data } | null>(null);

  constructor(private readonly store: Store) {
    effect(() => {
      const frame = store.frame.value;
      const [marked, guess] = [frame?.marked ?? null, frame?.arrays.guess?.data];
      if (marked === null || !guess) this.before.value = null;
      else if (this.before.peek()?.marked !== marked) this.before.value = { marked, guess: guess.slice() };
    });
  }

  readonly all = computed<Scored[]>(() => {
    const frame = this.store.frame.value;
    const truth = this.store.setup.value?.arrays.y_held?.data;
    const [guess, sure] = [frame?.arrays.guess?.data, frame?.arrays.sure?.data];
    return truth && guess && sure ? score(truth, guess, sure, this.before.value?.guess ?? null) : [];
  });
}

const known = new WeakMap<Store, Scores>();
export function scoresOf(store: Store): Scores {
  let scores = known.get(store);
  if (!scores) known.set(store, (scores = new Scores(store)));
  return scores;
}
