/** From raw numbers to those that the network takes, and back: x = (raw − mean) / scale. */
import type { Setup } from "../host";

export interface Scaling {
  mean: ArrayLike<number>;
  scale: ArrayLike<number>;
  /** The largest raw number of a picture; the smallest is 0. */
  ink: number;
}

const known = new WeakMap<Setup, Scaling>();

/** How the data were scaled: as the host tells, or as the training data show. */
export function scaling(setup: Setup): Scaling {
  let found = known.get(setup);
  if (!found) known.set(setup, (found = told(setup) ?? guessed(setup)));
  return found;
}

function told({ arrays, data }: Setup): Scaling | null {
  const { mean, scale } = arrays;
  const ink = data.ink ?? 1;
  return mean && scale ? { mean: mean.data, scale: scale.data, ink } : null;
}

/** Each feature from its smallest number, which is no ink, by the largest step of all. */
function guessed({ arrays: { X } }: Setup): Scaling {
  const width = X?.shape[1] ?? 0;
  const [low, high] = [new Float64Array(width).fill(Infinity), new Float64Array(width).fill(-Infinity)];
  X?.data.forEach((x, at) => {
    low[at % width] = Math.min(low[at % width]!, x);
    high[at % width] = Math.max(high[at % width]!, x);
  });
  const span = low.map((x, j) => high[j]! - x);
  // In raw numbers where nothing is said: 0 is no ink, 1 the most that the feature had.
  return { mean: low.map((x, j) => -x / (span[j] || 1)), scale: span.map((x) => 1 / (x || 1)), ink: 1 };
}

/** What the network takes of raw numbers. */
export function scaled(setup: Setup, numbers: ArrayLike<number>): Float64Array {
  const { mean, scale } = scaling(setup);
  return Float64Array.from(numbers, (x, j) => (x - mean[j]!) / scale[j]!);
}

/** Raw numbers of a sample as shares of full ink. */
export function raw(setup: Setup, x: ArrayLike<number>): Float64Array {
  const { mean, scale, ink } = scaling(setup);
  return Float64Array.from(x, (value, j) => (value * scale[j]! + mean[j]!) / ink);
}
