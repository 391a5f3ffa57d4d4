import { expect, test } from "vitest";
import { bitmap, seen, slant, type Stroke } from "../src/digits";
import lab from "./lab.json";
import { STROKES } from "./strokes";

/** The lab's network on 64 numbers from 0 to 1 (weights of 15 epochs, rounded). */
function classify(raw: ArrayLike<number>): number {
  const x = Array.from(raw, (v, j) => (16 * v - lab.mean[j]!) / lab.scale[j]!);
  const through = (from: number[], W: number[], b: number[]) => b.map((c, k) => from.reduce((sum, v, j) => sum + v * W[j * b.length + k]!, c));
  const h = through(x, lab.W_h, lab.b_h).map((z) => 1 / (1 + Math.exp(-z)));
  const z = through(h, lab.W_o, lab.b_o);
  return z.indexOf(Math.max(...z));
}

test("drawn digits are classified like those of the data", () => {
  const data = lab.held.filter((text, k) => classify(Array.from(text, (c) => parseInt(c, 17) / 16)) === lab.labels[k]).length;
  expect(data / lab.held.length).toBeGreaterThan(0.94);
  const wrong = STROKES.filter(({ strokes, digit }) => classify(seen(strokes)) !== digit);
  expect(wrong.map(({ hand, digit }) => `${hand} ${digit}`)).toEqual(["narrow 7"]); // without a bar: few of the data are
});

test("where, how large and how thick it is written makes no difference", () => {
  for (const { strokes } of STROKES.slice(0, 10)) {
    const moved = strokes.map((stroke) => stroke.map(([x, y]) => [30 + 7 * x, 7 * y - 4] as [number, number]));
    const apart = seen(moved).map((x, k) => Math.abs(x - seen(strokes)[k]!));
    expect(apart.reduce((sum, x) => sum + x, 0)).toBeLessThanOrEqual(2 / 16); // pixels at the edge, by rounding
  }
});

test("it has as much ink as the data, from top to bottom", () => {
  for (const { strokes } of STROKES) {
    const picture = bitmap(strokes);
    const ink = picture.reduce((sum, on) => sum + on, 0);
    expect(ink).toBeGreaterThan(240);
    expect(ink).toBeLessThan(340);
    const rows = Array.from({ length: 8 }, (_, r) => seen(strokes).slice(8 * r, 8 * r + 8).some((x) => x > 0));
    expect(rows).toEqual(Array(8).fill(true));
  }
});

test("slant is how far x goes with y", () => {
  const leaning: Stroke = [[0, 0], [1, 4], [2, 8]];
  expect(slant([leaning])).toBeCloseTo(0.25, 12);
  expect(slant([[[0, 0], [0, 1]]])).toBe(0);
});

test("nothing drawn is nothing seen, a dot is something", () => {
  expect(Math.max(...seen([]))).toBe(0);
  expect(Math.max(...seen([[[0.5, 0.5]]]))).toBe(1);
  expect(seen([[[0.5, 0.5], [0.5, 0.5]]]).every(Number.isFinite)).toBe(true);
});

test("other pictures keep the form of what is drawn", () => {
  const ring: Stroke = Array.from({ length: 33 }, (_, k) => [Math.cos((k * Math.PI) / 16), Math.sin((k * Math.PI) / 16)]);
  const picture = seen([ring], 28, 28);
  const row = (r: number) => picture.slice(28 * r, 28 * r + 28);
  expect(Math.max(...row(14))).toBe(1);
  expect(row(14)[14]).toBe(0);
  expect(Math.max(...row(1))).toBe(0);
});
