/**
 * Ten digits in three hands: strokes with known answers. In strokes.json a digit is "x,y x,y … | next stroke", written
 * in a square of 100 × 100, y downwards: the corners of each stroke, made round between them.
 */
import type { Point, Stroke } from "../src/digits";
import HANDS from "./strokes.json";

/** A curve through points; a point that is said twice is a corner. */
function curve(text: string): Stroke {
  const corners = text.trim().split(" ").map((pair) => pair.split(",").map((n) => Number(n) / 100) as Point);
  const stroke: Stroke = [corners[0]!];
  for (let k = 0; k + 1 < corners.length; k++) {
    const [a, b, c, d] = [corners[k - 1], corners[k]!, corners[k + 1]!, corners[k + 2]];
    if (b[0] === c[0] && b[1] === c[1]) continue;
    for (let t = 0.125; t <= 1; t += 0.125) stroke.push([0, 1].map((i) => between(a?.[i] ?? b[i]!, b[i]!, c[i]!, d?.[i] ?? c[i]!, t)) as Point);
  }
  return stroke;
}

/** Catmull and Rom's cubic from b to c. */
function between(a: number, b: number, c: number, d: number, t: number): number {
  return b + (t / 2) * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

export const STROKES: { hand: string; digit: number; strokes: Stroke[] }[] = Object.entries(HANDS).flatMap(([hand, digits]) =>
  digits.map((text, digit) => ({ hand, digit, strokes: text.split("|").map(curve) })),
);
