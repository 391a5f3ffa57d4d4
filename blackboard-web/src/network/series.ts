/** A sequence as a curve over time: one line for each value per step. */
import { magnitude } from "../colors";
import type { Palette } from "../theme";

const HUES = ["accent", "plus", "good", "second"] as const;

/** The points of a sequence's lines in a room; each step has a column of the same width, its point in the middle. */
export function points(x: ArrayLike<number>, [steps, values]: [number, number], width: number, height: number): [number, number][][] {
  const most = magnitude(x);
  return Array.from({ length: values }, (_, k) =>
    Array.from({ length: steps }, (_, t): [number, number] => [((t + 0.5) * width) / steps, (height / 2) * (1 - (0.92 * x[t * values + k]!) / most)]),
  );
}

export function series(context: CanvasRenderingContext2D, x: ArrayLike<number>, sequence: [number, number], palette: Palette, width: number, height: number): void {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
  context.beginPath();
  context.moveTo(0, height / 2);
  context.lineTo(width, height / 2);
  context.stroke();
  context.lineWidth = 2;
  points(x, sequence, width, height).forEach((line, k) => {
    context.strokeStyle = palette[HUES[k % HUES.length]!];
    context.beginPath();
    line.forEach(([right, down]) => context.lineTo(right, down));
    context.stroke();
  });
}
