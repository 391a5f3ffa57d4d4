import { expect, test } from "vitest";
import { confusion, filtered, score } from "../src/panels/scores";

const scored = score([0, 1, 1, 2], [0, 0, 1, 1], [0.9, 0.2, 0.5, 0.1], [1, 1, 1, 0]);

test("the worst come first", () => {
  expect(scored.map(({ index }) => index)).toEqual([3, 1, 2, 0]);
});

test("the confusion matrix counts truth by row", () => {
  expect(confusion(scored, 3)).toEqual([[1, 0, 0], [1, 1, 0], [0, 1, 0]]);
});

test("fixed were wrong, broken were right; what stays is neither", () => {
  expect(scored.map(({ change }) => change)).toEqual([null, "broken", null, "fixed"]);
  expect(score([0], [1], [0.1], null)[0]!.change).toBeNull();
});

test("a filter shows a cell of the matrix, or a change; without one, what is wrong", () => {
  const shown = (filter: object) => filtered(scored, filter).map(({ index }) => index);
  expect(shown({})).toEqual([3, 1]);
  expect(shown({ truth: 0, guess: 0 })).toEqual([0]);
  expect(shown({ change: "broken" })).toEqual([1]);
});
