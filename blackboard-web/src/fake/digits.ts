/** Made-up handwriting: strokes of each digit, moved about at random and drawn with a soft pen. */
import { Random } from "./random";

/** Points (x, y) of one stroke each, in a square of side 1. */
const STROKES: [number, number][][] = [
  [[0.5, 0.08], [0.24, 0.25], [0.2, 0.6], [0.38, 0.9], [0.62, 0.9], [0.8, 0.6], [0.75, 0.25], [0.5, 0.08]],
  [[0.35, 0.25], [0.55, 0.08], [0.55, 0.92]],
  [[0.25, 0.28], [0.45, 0.08], [0.72, 0.18], [0.7, 0.42], [0.24, 0.9], [0.8, 0.88]],
  [[0.25, 0.12], [0.7, 0.14], [0.45, 0.44], [0.74, 0.6], [0.66, 0.86], [0.24, 0.88]],
  [[0.62, 0.92], [0.62, 0.08], [0.2, 0.64], [0.84, 0.64]],
  [[0.76, 0.1], [0.32, 0.1], [0.28, 0.45], [0.62, 0.42], [0.78, 0.64], [0.62, 0.9], [0.24, 0.88]],
  [[0.64, 0.08], [0.34, 0.36], [0.25, 0.7], [0.46, 0.92], [0.74, 0.76], [0.66, 0.54], [0.3, 0.62]],
  [[0.22, 0.12], [0.8, 0.12], [0.44, 0.92]],
  [[0.5, 0.46], [0.28, 0.28], [0.5, 0.08], [0.72, 0.28], [0.5, 0.46], [0.24, 0.72], [0.5, 0.92], [0.76, 0.72], [0.5, 0.46]],
  [[0.72, 0.4], [0.42, 0.48], [0.28, 0.26], [0.5, 0.08], [0.72, 0.22], [0.7, 0.5], [0.6, 0.92]],
];

export function digits(count: number, side: number, seed: number): { X: Float64Array; y: Int32Array } {
  const random = new Random(seed);
  const X = new Float64Array(count * side * side);
  const y = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    y[row] = Math.floor(random.uniform(0, 10));
    draw(X.subarray(row * side * side, (row + 1) * side * side), side, STROKES[y[row]!]!, random);
  }
  return { X, y };
}

function draw(image: Float64Array, side: number, stroke: [number, number][], random: Random): void {
  const [lean, wide, tall] = [random.normal() * 0.14, 0.85 + random.normal() * 0.1, 0.9 + random.normal() * 0.07];
  const [right, down, pen] = [random.normal() * 0.04, random.normal() * 0.03, random.uniform(0.075, 0.11)];
  const points = stroke.map(([x, y]) => [
    0.5 + (x - 0.5) * wide - (y - 0.5) * lean + right + random.normal() * 0.025,
    0.5 + (y - 0.5) * tall + down + random.normal() * 0.025,
  ]) as [number, number][];
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) {
      const place: [number, number] = [(j + 0.5) / side, (i + 0.5) / side];
      let near = Infinity;
      for (let k = 1; k < points.length; k++) near = Math.min(near, distance(place, points[k - 1]!, points[k]!));
      image[i * side + j] = Math.round(16 * Math.exp(-0.5 * (near / pen) ** 2)) / 16;
    }
}

function distance([x, y]: [number, number], [ax, ay]: [number, number], [bx, by]: [number, number]): number {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** Every column to mean 0 and standard deviation 1 of the first `rows`, in place. */
export function standardise(X: Float64Array, width: number, rows: number): void {
  for (let j = 0; j < width; j++) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < rows; i++) sum += X[i * width + j]!;
    const mean = sum / rows;
    for (let i = 0; i < rows; i++) squares += (X[i * width + j]! - mean) ** 2;
    const deviation = Math.sqrt(squares / rows) || 1;
    for (let i = j; i < X.length; i += width) X[i] = (X[i]! - mean) / deviation;
  }
}
