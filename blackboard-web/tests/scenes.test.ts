import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { holds, readScene } from "../src/panels/scene";

const now = { playing: true, accuracy: 0.91, loss: 0.5, update: 300, epoch: 3 };

test("what is waited for", () => {
  expect(holds("paused", now)).toBe(false);
  expect(holds("paused", { ...now, playing: false })).toBe(true);
  expect(holds("accuracy>0.9", now)).toBe(true);
  expect(holds("accuracy > 0.95", now)).toBe(false);
  expect(holds("loss<=0.5", now)).toBe(true);
  expect(holds("update>=301", now)).toBe(false);
  expect(holds("accuracy>0.9", { ...now, accuracy: NaN })).toBe(false);
});

test("a list of steps is a scene", () => {
  expect(readScene('[{"text": "look"}]', "mine.json")).toEqual({ title: "mine.json", steps: [{ text: "look" }] });
});

test("what is wrong with a scene is said", () => {
  const said = (steps: unknown) => () => readScene(JSON.stringify({ title: "t", steps }), "mine");
  expect(() => readScene("{", "mine")).toThrow(/mine is not JSON/);
  expect(said([])).toThrow(/list of steps/);
  expect(said([{ text: "a" }, { text: 3 }])).toThrow(/mine, step 2: "text"/);
  expect(said([{ text: "a", do: ["pause"] }])).toThrow(/step 1: "do"/);
  expect(said([{ text: "a", point: "moon" }])).toThrow(/"point" should be one of bar, /);
  expect(said([{ text: "a", wait: "tea" }])).toThrow(/"wait"/);
});

const folder = new URL("../../src/chainrule/_src/blackboard/scenes/", import.meta.url);
test.each(readdirSync(folder).filter((name) => name.endsWith(".json")))("%s can be read", (name) => {
  const { steps } = readScene(readFileSync(new URL(name, folder), "utf8"), name);
  expect(steps.length).toBeGreaterThanOrEqual(6);
  expect(steps.length).toBeLessThanOrEqual(10);
});
