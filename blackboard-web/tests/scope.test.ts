import { expect, test } from "vitest";
import { Body } from "../src/anatomy";
import type { Setup } from "../src/host";
import { layout } from "../src/panels/grids";
import { unitOf } from "../src/panels/scope";
import { fmt, percent, plain } from "../src/panels/numbers";
import { PARAMETERS, TINY } from "./tiny";

const pass = new Body(TINY).pass(PARAMETERS, [0.7, -1.1], [0.25]);
const setup = { units: [{ name: "h", weights: "W", bias: "b", out: "V" }] } as unknown as Setup;

test("an entry belongs to a hidden unit", () => {
  expect(unitOf(setup, pass, { name: "d_W", index: 5 })).toEqual({ layer: 0, index: 2 });
  expect(unitOf(setup, pass, { name: "h", index: 1 })).toEqual({ layer: 0, index: 1 });
  expect(unitOf(setup, pass, { name: "X", index: 1 })).toBeNull();
});

test.each([
  [[1, 64], [8, 8] as [number, number]],
  [[64, 10], [8, 8] as [number, number]],
  [[10, 10], [8, 8] as [number, number]],
  [[3, 5], null],
  [[100], null],
  [[], null],
])("every entry of %j has one cell", (shape, image) => {
  const grid = layout(shape, image);
  const count = shape.reduce((a, b) => a * b, 1);
  const places = Array.from({ length: count }, (_, index) => grid.place(index));
  expect(places.map(([row, column]) => grid.at(row, column))).toEqual([...places.keys()]);
  const cells = Array.from({ length: grid.rows * grid.columns }, (_, k) => grid.at(Math.floor(k / grid.columns), k % grid.columns));
  expect(cells.filter((index) => index >= 0).length).toBe(count);
  expect([grid.at(-1, 0), grid.at(0, grid.columns)]).toEqual([-1, -1]);
});

test("numbers as text", () => {
  expect([fmt(0), fmt(-0.5), fmt(1234567.8), fmt(1e-9, 2), fmt(NaN), fmt(-Infinity)]).toEqual(["0", "−0.5000", "1.23e+6", "1.0e−9", "nan", "−∞"]);
  expect([plain(0.1 * 10), plain(0.30000000000000004), plain(1e-7)]).toEqual(["1", "0.3", "1e−7"]);
  expect([percent(0.5), percent(0), percent(1e-6), percent(1), percent(0.9999999)]).toEqual(["50.0 %", "0.0 %", "<0.1 %", "100.0 %", ">99.9 %"]);
});
