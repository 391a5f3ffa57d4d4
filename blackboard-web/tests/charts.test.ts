import { expect, test } from "vitest";
import { KINDS, merged, present, smooth, under } from "../src/charts/lines";
import { Curves } from "../src/curves";
import type { Setup } from "../src/host";

function curves(updates: number[], loss: number[]): Curves {
  const made = new Curves();
  made.updates = updates;
  made.lines = { loss };
  return made;
}

test("two runs lie over the same updates, with nothing where one of them has no point", () => {
  const both = { b: curves([2, 3, 4], [7, NaN, 9]), a: curves([0, 2, 5], [1, 2, 3]) };
  const { updates, lines } = merged(both, [["loss", "batch", 0], ["held_loss", "held out", 1]]);
  expect(updates).toEqual([0, 2, 3, 4, 5]);
  expect(lines.map(({ branch, name }) => branch + name)).toEqual(["aloss", "aheld_loss", "bloss", "bheld_loss"]);
  expect(lines[0]!.values).toEqual([1, 2, null, null, 3]);
  expect(lines[1]!.values).toEqual([null, null, null, null, null]);
  expect(lines[2]!.values).toEqual([null, 7, null, 9, null]);
});

test("the mean begins at the first value, follows, and skips what was not measured", () => {
  expect(smooth([4, null, 4, 4], 3)).toEqual([4, null, 4, 4]);
  const steps = smooth([0, ...Array<number>(40).fill(1)], 4);
  expect(steps[0]).toBe(0);
  expect(steps.at(-1)).toBeCloseTo(1, 3);
  expect(steps[3]!).toBeLessThan(steps[9]!);
});

test("a line has its colour whether the others are there or not", () => {
  const made = curves([0], []);
  made.lines = { loss: [NaN], held_loss: [2.3] };
  expect(present({ a: made }, {} as never, KINDS[0]!)).toEqual([["held_loss", "held out", 1]]);
  expect(present({}, {} as never, KINDS[0]!)).toHaveLength(2);
});

test("under the pointer stands what the lines say at the nearest update", () => {
  const one = curves([0, 10, 30], [2.5, 1.25, 0.5]);
  one.lines.held_loss = [2.25, NaN, 0.75];
  const loss = KINDS[0]!;
  expect(under({ a: one }, {} as Setup, loss, 27.5)).toEqual(["update 30", "batch 0.500", "held out 0.750"]);
  expect(under({ a: one }, {} as Setup, loss, 12)).toEqual(["update 10", "batch 1.25"]);
  expect(under({ a: one, b: one }, {} as Setup, loss, 0)[1]).toBe("A batch 2.50");
  expect(under({}, {} as Setup, loss, 0)).toEqual([]);
});
