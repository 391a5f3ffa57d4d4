import { expect, test } from "vitest";
import { Body, size } from "../src/anatomy";
import { compare } from "../src/panels/difference";
import { PARAMETERS, TINY } from "./tiny";

const body = new Body(TINY);
const pass = body.pass(PARAMETERS, [0.7, -1.1], [0.25]);
const names = TINY.equations.map(({ name }) => name);

test("the loss is what the formula says", () => {
  const h = [0, 1, 2].map((j) => Math.tanh(0.7 * PARAMETERS.W[j]! - 1.1 * PARAMETERS.W[3 + j]! + PARAMETERS.b[j]!));
  expect(pass.loss).toBeCloseTo(h.reduce((sum, x) => sum + (x - 0.25) ** 2 / 3, 0), 15);
});

test("the factors of every entry come to it", () => {
  for (const name of names)
    for (let i = 0; i < size(body.shape(name)); i++) {
      const factors = pass.factors(name, i)!;
      expect(Math.abs(factors.computed - pass.values[name]![i]!), `${name} ${i}`).toBeLessThan(1e-12);
    }
});

test("factors are named by where they stand", () => {
  expect(pass.factors("a", 1)!.terms.map(({ parts }) => parts.map(({ name, index }) => `${name} ${index}`))).toEqual([["X 0", "W 1"], ["X 1", "W 4"]]);
  expect(pass.factors("r", 2)!.terms[0]!.parts[0]).toEqual({ name: null, index: 0, value: 1 });
  expect(pass.factors("W", 0)).toBeNull();
});

test("a gradient is what moving its number does to the loss", () => {
  for (const name of ["d_W", "d_b", "d_X", "t1", "d_error"])
    for (let i = 0; i < size(body.shape(name)); i++) {
      const { difference, found } = compare(pass, { name, index: i })!;
      expect(Math.abs(difference - found!), `${name} ${i}`).toBeLessThan(1e-9);
    }
});

test("a value of the way forward has its gradient beside it, one of the way back has no difference", () => {
  expect(compare(pass, { name: "z", index: 2 })).toMatchObject({ moved: { name: "z", index: 2 }, gradient: { name: "t1", index: 2 } });
  expect(compare(pass, { name: "s", index: 0 })).toBeNull();
});

test("a number that is moved leaves the pass as it was", () => {
  const before = pass.values.W!.slice();
  const loss = pass.loss;
  expect(pass.lossWith("W", 0, 0.5)).not.toBe(loss);
  expect(pass.values.W).toEqual(before);
  expect(pass.loss).toBe(loss);
});

test("operands may be entries of a constant, products of any number", () => {
  const other = structuredClone(TINY);
  other.equations.find(({ name }) => name === "r")!.entry = {
    op: "multiply", reduce: null, axes: [],
    operands: [{ value: [2, 3, 5], offset: 0, strides: [0, 1] }, { value: 7, offset: 0, strides: [0, 0] }, { name: "h", offset: 0, strides: [3, 1] }],
  };
  const found = new Body(other).pass(PARAMETERS, [0.7, -1.1], [0.25]).factors("r", 2)!;
  expect(found.computed).toBe(35 * pass.values.h![2]!);
});

test("an index picks entries, negative ones from the end", () => {
  const other = structuredClone(TINY);
  const label = { value: [2, -3], offset: 0, strides: [0, 1], step: 1, size: 3 };
  other.equations.find(({ name }) => name === "r")!.entry = { op: "copy", reduce: null, axes: [], operands: [{ name: "h", offset: 0, strides: [3, 0], picks: [label] }] };
  const found = new Body(other).pass(PARAMETERS, [0.7, -1.1], [0.25]);
  expect([0, 1].map((i) => found.factors("r", i)!.terms[0]!.parts[0]!.index)).toEqual([2, 0]);
});

test("factors that are wrong are seen: the difference is not hidden", () => {
  const wrong = structuredClone(TINY);
  wrong.equations[0]!.entry!.operands[1]!.strides = [0, 1, 2];
  const found = new Body(wrong).pass(PARAMETERS, [0.7, -1.1], [0.25]).factors("a", 0)!;
  expect(Math.abs(found.computed - found.value)).toBeGreaterThan(0.1);
});
