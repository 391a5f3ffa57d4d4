/** NumPy's random numbers, bit for bit. */
import { Random } from "../../../src/chainrule/_src/export/web/runtime/random.js";

/** Return a number from 0 to 1 of 53 random bits. */
function double(random: Random): number {
  random.half = -1;
  const low = random.bits();
  const high = random.half;
  random.half = -1;
  return (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
}

/** Return `default_rng(seed)`. */
export const generator = (seed: number): Random => new Random(seed);

/** Return uniform numbers up to a limit on both sides, times a scale; with limit 0, zeros, and nothing is drawn. */
export function uniform(random: Random, limit: number, scale: number, count: number): Float64Array {
  if (!limit) return new Float64Array(count);
  return Float64Array.from({ length: count }, () => scale * (-limit + 2 * limit * double(random)));
}

/** Return the order of samples in an epoch: `default_rng((seed, epoch)).permutation(count)`. */
export function permutation(seed: number, epoch: number, count: number): Int32Array {
  const random = new Random(BigInt(seed) + (BigInt(epoch) << 32n));
  return random.shuffle(inOrder(count));
}

export const inOrder = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
