/** The values that a page shows of a run after an update (`blackboard/views.py`). */
import { shaped } from "../frames";
import type { Arrays, Frame } from "../host";
import type { Carry } from "./engine";
import type { Network } from "./network";
import type { Point } from "./points";
import type { Run } from "./run";

const [SHARE, QUICK] = [0.04, 1]; // scoring's share of the time; milliseconds of scoring that do not count

interface Scores {
  update: number;
  loss: number;
  accuracy: number;
  guess: Arrays;
}

/** Scores a run from time to time, in a small share of the training time. */
export class Scorer {
  private scores: Scores | null = null;
  private next = 0;
  private took = 0;

  constructor(private readonly network: Network) {}

  /** Remove the scores if they belong to a later update. */
  cut(update: number): void {
    if (this.scores && this.scores.update > update) this.scores = null;
  }

  /** Return the latest scores; compute new ones if it is time, quick, or `now` is true. */
  look(update: number, carry: Carry, now: boolean): Scores {
    const began = performance.now();
    const rests = !now && this.took >= QUICK && began < this.next;
    if (this.scores && (this.scores.update === update || rests)) return this.scores;
    this.scores = scoresOf(this.network, update, carry);
    const ended = performance.now();
    this.took = ended - began;
    this.next = ended + this.took / SHARE;
    return this.scores;
  }
}

function scoresOf(network: Network, update: number, carry: Carry): Scores {
  const { loss, accuracy, guess, sure, value } = network.scores.of(carry, network.held);
  const numbers = (values: TypedArray) => Array.from(values as Float64Array, Number);
  const rows = network.held.rows;
  if (value) return { update, loss: Number(loss![0]), accuracy: NaN, guess: { value: shaped(Float64Array.from(numbers(value)), rows) } };
  return {
    update, loss: Number(loss![0]), accuracy: Number(accuracy![0]),
    guess: { guess: shaped(Int32Array.from(numbers(guess!)), rows), sure: shaped(Float32Array.from(numbers(sure!)), rows) },
  };
}

/** What pictures of weights show. */
export type Pictured = "weights" | "gradient" | "change";

export interface View {
  header: Omit<Frame, "type" | "branch" | "branches" | "playing" | "speed" | "stop" | "marked" | "arrays"> & { held_loss: number };
  arrays: Arrays;
  point: Point;
  carry: Carry;
}

/**
 * Return the view of a run at its present update; `mean` is the mean loss of the updates since the last view. Of gradient
 * and change it holds what pictures show: both if `pictured` is null.
 */
export function view(run: Run, scorer: Scorer, exact: boolean, mean: number | null, pictured: Pictured | null = null): View {
  const { network, last, place } = run;
  const { parameters } = network.document.setup;
  const carry = run.carry();
  const of = (source: Carry, name: string, shape: number[]) => network.shown(name, source[`params/${name}`] as Float64Array, shape);
  const scores = scorer.look(place.update, carry, exact);
  const arrays: Arrays = {};
  for (const { name, shape } of parameters) arrays[`p:${name}`] = shaped(of(carry, name, shape), ...shape);
  const [saturated, dead] = flatUnits(network, carry);
  const point: Point = { update: place.update, loss: mean ?? NaN, saturated, dead };
  if (last) {
    const results = network.gradient.of(last.carry, last.batch);
    point.loss = mean ?? last.loss;
    if (results.accuracy) point.accuracy = Number(results.accuracy[0]);
    point.norm = [];
    point.ratio = [];
    for (const { name, shape } of parameters) {
      const [now, before] = [of(carry, name, shape), of(last.carry, name, shape)];
      const gradient = network.shown(name, results[`gradient/${name}`] as Float64Array, shape);
      const change = now.map((value, i) => value - before[i]!);
      if (pictured === null || pictured === "gradient") arrays[`g:${name}`] = shaped(gradient, ...shape);
      if (pictured === null || pictured === "change") arrays[`d:${name}`] = shaped(change, ...shape);
      point.norm.push(norm(gradient));
      point.ratio.push(norm(change) / Math.max(norm(before), 1e-30));
    }
  }
  Object.assign(arrays, scores.guess);
  if (scores.update === place.update) {
    point.held_loss = scores.loss;
    point.held_accuracy = scores.accuracy;
  }
  const header = {
    update: place.update, head: run.head, epoch: place.epoch, epochs: run.epochs, loss: point.loss, settings: run.settings,
    exact: true, scored: scores.update, held_loss: scores.loss, held_accuracy: scores.accuracy,
  };
  return { header, arrays, point, carry };
}

/** The shares of saturated and of dead hidden units. */
function flatUnits({ slopes, train, document }: Network, carry: Carry): [number, number] {
  if (!slopes) return [NaN, NaN];
  const rows = Math.min(document.probed, train.rows);
  const X = train.X.subarray(0, (train.X.length / train.rows) * rows);
  const results = slopes.of(carry, { X, rows });
  return [Number(results["0"]![0]), Number(results["1"]![0])];
}

function norm(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value; // many weights: `reduce` takes ten times as long
  return Math.sqrt(sum);
}
