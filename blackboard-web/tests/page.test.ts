/** A page without Python trains as the server does, and comes back to the same bits. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { readWeights } from "../../src/chainrule/_src/export/web/runtime/arrays.js";
import { filled, general } from "../src/course/notices";
import type { Carry } from "../src/course/engine";
import type { Network } from "../src/course/network";
import { Run } from "../src/course/run";
import type { Frame, Values } from "../src/host";
import { pageHost, RUNS, Watcher } from "./course";

let page: Watcher;
beforeEach(() => {
  page = new Watcher();
});
afterEach(() => page.host.close());

const near = (now: number, then: number, what: string, within = 1e-9) =>
  expect(Math.abs(now - then), `${what}: ${now}, ${then}`).toBeLessThanOrEqual(within * Math.max(1e-3, Math.abs(then)));
const bits = (frame: Frame) =>
  Object.fromEntries(Object.entries(frame.arrays).filter(([name]) => name.startsWith("p:")).map(([name, { data }]) => [name, [...data]]));

test.each(RUNS)("every number is the server's: $lesson $settings", async ({ lesson, settings, frames }) => {
  await page.ask({ do: "lesson", name: lesson });
  await page.restart({ rate: 0.1, ...(settings as Values) });
  for (const then of frames) {
    const frame = await page.ask({ do: "step", count: then.update - page.last("frame").update });
    expect(frame.update).toBe(then.update);
    near(frame.loss!, then.loss, "loss");
    near((frame as unknown as { held_loss: number }).held_loss, then.held_loss, "held_loss");
    near(frame.held_accuracy!, then.held_accuracy, "held_accuracy");
    near(frame.epochs, then.epochs, "epochs");
    expect(Object.keys(frame.arrays).sort()).toEqual(Object.keys(then.sums).sort());
    for (const [name, sum] of Object.entries(then.sums))
      near([...frame.arrays[name]!.data].reduce((total, value) => total + Math.abs(value), 0), sum, name, name === "sure" ? 1e-6 : 1e-9);
    const { arrays } = page.last("curves");
    const end = (name: string) => [...arrays[name]!.data.slice(-then.norm.length)];
    end("norm").forEach((norm, i) => near(norm, then.norm[i]!, "norm", 1e-6));
    end("ratio").forEach((ratio, i) => near(ratio, then.ratio[i]!, "ratio", 1e-6));
    near(arrays.accuracy!.data.at(-1)!, then.accuracy, "accuracy", 1e-6);
    (["saturated", "dead"] as const).forEach((name, i) => {
      const share = arrays[name]!.data.at(-1)!;
      if (then.slopes[i] === null) expect(share).toBeNaN();
      else near(share, then.slopes[i]!, name, 1e-6);
    });
  }
});

test.each(["sgd", "adam"])("back and forth to the same bits, with %s", async (optimizer) => {
  await page.restart({ optimizer, momentum: 0.5, rate: optimizer === "sgd" ? 0.1 : 0.01, batch_size: 32 });
  const seen = new Map<number, ReturnType<typeof bits>>([[0, bits(page.last("frame"))]]);
  for (const count of [1, 7, 300, 1, 40, 1, 1, 1]) {
    const frame = await page.ask({ do: "step", count });
    seen.set(frame.update, bits(frame));
  }
  const updates = [...seen.keys()];
  for (const update of [...updates, ...[...updates].reverse(), 0]) {
    const frame = await page.ask({ do: "seek", update });
    expect(frame.update).toBe(update);
    expect(bits(frame), String(update)).toEqual(seen.get(update));
    expect(frame.head).toBe(352);
  }
});

test("settings change in flight, and what was trained behind them is gone; every change is made again", async () => {
  await page.ask({ do: "hello" });
  await page.ask({ do: "step", count: 20 });
  await page.ask({ do: "seek", update: 10 });
  const changed = await page.ask({ do: "set", rate: 1, batch_size: 1, momentum: 0.9 });
  expect([changed.head, changed.settings]).toEqual([10, { rate: 1, batch_size: 1, momentum: 0.9 }]);
  expect(page.last("notices_cleared")).toMatchObject({ branch: "a", from: 10 });
  const width = page.last("setup").arrays.X!.shape[1]!;
  await page.ask({ do: "train_on", x: Array<number>(width).fill(0.5), y: 3 });
  const end = await page.ask({ do: "step", count: 30 });
  expect(end.update).toBe(41);
  const before = await page.ask({ do: "seek", update: 5 });
  expect(before.settings).toEqual({ rate: 0.1, batch_size: 32, momentum: 0 });
  expect(bits(await page.ask({ do: "seek", update: 41 }))).toEqual(bits(end));
});

test("a fork goes its own way, and the first run is untouched", async () => {
  const ten = await page.ask({ do: "step", count: 10 });
  const forked = await page.ask({ do: "fork" });
  expect([forked.branch, forked.branches, bits(forked)]).toEqual(["b", ["a", "b"], bits(ten)]);
  await page.ask({ do: "set", rate: 2 });
  const other = await page.ask({ do: "step", count: 5 });
  await page.ask({ do: "show", branch: "a" });
  const first = await page.ask({ do: "step", count: 5 });
  expect([first.branch, first.update]).toEqual(["a", 15]);
  expect(bits(first)).not.toEqual(bits(other));
  await page.ask({ do: "show", branch: "b" });
  expect(bits(await page.ask({ do: "seek", update: 15 }))).toEqual(bits(other));
  const left = await page.ask({ do: "drop", branch: "b" });
  expect([left.branches, bits(left)]).toEqual([["a"], bits(first)]);
  await expect(page.ask({ do: "drop", branch: "a" })).rejects.toThrow("one run alone");
  await expect(page.ask({ do: "show", branch: "b" })).rejects.toThrow("no run b");
});

test("an epoch ends where it ends; training stops where it is to", async () => {
  expect((await page.ask({ do: "epoch" })).update).toBe(5);
  await page.ask({ do: "stop", loss: 1.5 });
  await page.ask({ do: "set", rate: 1 });
  page.host.send({ do: "play", rate: null });
  await expect.poll(() => page.last("frame").playing && page.last("frame").update > 0, { timeout: 10_000, interval: 1 }).toBe(false);
  await expect.poll(() => page.last("frame").loss, { timeout: 10_000 }).toBeLessThanOrEqual(1.5);
});

/** A network of one number that grows by 1 with every update; from 10 on its loss is not finite. */
function growing(start = 0): Network {
  let carry: Carry = {};
  const engine = {
    begin: (given: Carry) => (carry = { ...given }),
    read: () => ({ ...carry }),
    run: (order: Int32Array, size: number) => {
      let updates = 0;
      for (const goal = Math.ceil(order.length / size); updates < goal && carry["params/w"]![0]! < 10; updates++)
        carry["params/w"] = Float64Array.of(Number(carry["params/w"]![0]) + 1);
      return { updates, total: order.length };
    },
  };
  return {
    settings: { rate: 1, momentum: 0, batch_size: 1 }, initial: { "params/w": Float64Array.of(start) }, lesson: { shuffles: true },
    train: { X: new Float64Array(8), y: new Float64Array(8), rows: 8 }, engine: () => engine,
  } as never;
}

test("a run whose loss is no longer finite ends at the last update with a finite one", () => {
  const run = new Run(growing());
  const updates = [];
  for (let k = 0; k < 5; k++) updates.push(run.advance(8).updates);
  expect(updates.slice(0, 2)).toEqual([8, 0]);
  expect([run.place.update, run.head, run.hopeless, run.last?.loss]).toEqual([9, 9, false, 1]);
  run.seek(4);
  expect([run.place.update, run.carry()["params/w"]![0]]).toEqual([4, 4]);
  const never = new Run(growing(10));
  expect([never.advance(1).updates, never.hopeless, never.place.update]).toEqual([0, true, 0]);
});

test("each mistake is a gradient of its own, from the same start", async () => {
  const right = await page.ask({ do: "step", count: 3 });
  await page.ask({ do: "mistake", name: "sign" });
  const { mistakes } = page.last("setup");
  expect(mistakes.find(({ name }) => name === "sign")!.diagnosis).toContain("sign");
  const start = bits(page.last("frame"));
  const wrong = await page.ask({ do: "step", count: 3 });
  expect(bits(wrong)).not.toEqual(bits(right));
  expect(bits(await page.ask({ do: "seek", update: 0 }))).toEqual(start);
  await page.ask({ do: "mistake", name: "zeros" });
  const zeros = page.last("frame").arrays["p:W_h"]!.data;
  expect(zeros.every((weight) => weight === 0)).toBe(true);
  await page.ask({ do: "mistake", name: null });
  expect(bits(page.last("frame"))).toEqual(start);
});

test("what is not ready in the page is refused in a sentence, and nothing is lost", async () => {
  const before = await page.ask({ do: "step", count: 4 });
  for (const [message, why] of [
    [{ do: "restart", settings: { layers: [9] } }, "no kernels for 9 hidden units"],
    [{ do: "restart", settings: { init: "he_normal" } }, "no initial weights by he_normal"],
    [{ do: "set", rate: -1 }, "rate must be a number from"],
    [{ do: "set", batch_size: 1.5 }, "batch_size must be a whole number"],
    [{ do: "train_on", x: [1, 2], y: 0 }, "a sample has 64 numbers, received 2"],
    [{ do: "mistake", name: "nonsense" }, "no mistake nonsense"],
    [{ do: "take", what: "module" }, "gives weights; chainrule blackboard"],
  ] as const)
    await expect(page.ask(structuredClone(message) as never), JSON.stringify(message)).rejects.toThrow(why);
  expect(bits(await page.ask({ do: "seek", update: 4 }))).toEqual(bits(before));
});

test("another lesson begins, and the one before is left", async () => {
  await page.ask({ do: "step", count: 4 });
  const frame = await page.ask({ do: "lesson", name: "softmax" });
  const setup = page.last("setup");
  expect([frame.update, setup.lesson, setup.units.length]).toEqual([0, "softmax", 0]);
  expect(setup.lessons!.map(({ name }) => name)).toEqual(["lab", "softmax", "wine"]);
});

test("weights are taken away as a file", async () => {
  const frame = await page.ask({ do: "step", count: 2 });
  await page.ask({ do: "take", what: "weights" });
  const { name, arrays } = page.last("file");
  expect(name).toBe("weights.safetensors");
  const weights = readWeights(Uint8Array.from(arrays.bytes!.data));
  for (const [key, { data, shape }] of weights) {
    expect([...data]).toEqual([...frame.arrays[`p:${key}`]!.data]);
    expect(shape).toEqual(frame.arrays[`p:${key}`]!.shape);
  }
  expect(weights.size).toBe(4);
});

test("a run is made again from what was done to it", async () => {
  await page.ask({ do: "lesson", name: "lab" });
  await page.ask({ do: "step", count: 8 });
  await page.ask({ do: "set", rate: 0.5 });
  await page.ask({ do: "train_on", x: Array<number>(64).fill(0.25), y: 7 });
  const end = await page.ask({ do: "step", count: 20 });
  const there = await page.ask({ do: "seek", update: 12 });
  const first = JSON.parse(JSON.stringify(page.host.standing));
  const again = new Watcher(pageHost({}, { first }));
  await again.ask({ do: "hello" });
  await expect.poll(() => again.last("frame").playing, { timeout: 10_000 }).toBe(false);
  expect([again.last("frame").update, again.last("frame").head, bits(again.last("frame"))]).toEqual([12, 29, bits(there)]);
  expect(bits(await again.ask({ do: "seek", update: 29 }))).toEqual(bits(end));
  again.host.close();
});

test("numbers stand in sentences as Python writes them", () => {
  expect([0.5, 1234.5, 0.00001234, 1e20, 2, 0.001].map((value) => general(value, 3))).toEqual(["0.5", "1.23e+03", "1.23e-05", "1e+20", "2", "0.001"]);
  expect(filled("{:.0%} of {}: {:.2g}", [0.456, "W", 0.0123])).toBe("46% of W: 0.012");
});

test("frames hold what pictures show, and another choice brings it at once", async () => {
  const kinds = () => new Set(Object.keys(page.last("frame").arrays).map((name) => name.split(":")[0]!));
  await page.ask({ do: "step", count: 3 });
  expect(kinds()).toEqual(new Set(["p", "g", "d", "guess", "sure"]));
  await page.ask({ do: "pictures", of: "weights", page: 1 });
  await page.ask({ do: "step", count: 1 });
  expect(kinds()).toEqual(new Set(["p", "guess", "sure"]));
  const { update } = await page.ask({ do: "pictures", of: "gradient", page: 1 });
  expect([update, kinds()]).toEqual([4, new Set(["p", "g", "guess", "sure"])]);
  await page.ask({ do: "pictures", of: "change", page: 1 });
  expect(kinds()).toEqual(new Set(["p", "d", "guess", "sure"]));
});
