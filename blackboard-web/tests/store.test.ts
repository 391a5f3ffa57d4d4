import { beforeEach, expect, test, vi } from "vitest";
import { Curves, MOST } from "../src/curves";
import { encode, shaped } from "../src/frames";
import type { Ask, Bytes, Model } from "../src/host";
import { Store } from "../src/store";

class Host implements Model {
  asked: Ask[] = [];
  hear: (content: unknown, buffers: Bytes[]) => void = () => {};
  send(ask: Ask) {
    this.asked.push(ask);
  }
  on(_event: string, heard: (content: unknown, buffers: Bytes[]) => void) {
    this.hear = heard;
  }
  off() {}
  tell(message: object, arrays = {}) {
    this.hear(null, [encode(message, arrays)]);
  }
}
let [host, store] = [] as unknown as [Host, Store];
let next: (() => void)[] = [];
beforeEach(() => {
  next = [];
  vi.stubGlobal("requestAnimationFrame", (f: () => void) => next.push(f));
  vi.stubGlobal("cancelAnimationFrame", () => {});
  store = new Store((host = new Host()));
});
const setup = { type: "setup", data: { name: "d", count: 2, held: 2, classes: null, features: [], image: null } };
const data = { X_held: shaped(new Float64Array([1, 2, 3, 4]), 2, 2), y_held: shaped(new Int32Array([7, 8]), 2) };

test("it says hello, and the setup selects the first held sample", () => {
  expect(host.asked).toEqual([{ do: "hello" }]);
  host.tell(setup, data);
  expect(store.sample.value).toEqual({ set: "held", index: 0, x: new Float64Array([1, 2]), y: 7 });
  store.look("held", -1);
  expect(store.sample.value).toMatchObject({ index: 1, y: 8 });
});

test("of the frames between two pictures the newest is shown", () => {
  host.tell(setup, data);
  for (const update of [1, 2, 3]) host.tell({ type: "frame", branch: "a", update });
  host.tell({ type: "frame", branch: "b", update: 9 });
  host.tell({ type: "frame", branch: "a", update: 4 });
  expect(store.frame.value).toBe(null);
  expect(next.length).toBe(1);
  next[0]!();
  expect(store.frame.value!.update).toBe(4);
  expect(store.frames.value.b!.update).toBe(9);
  expect(host.asked.at(-1)).toEqual({ do: "drawn" });
  host.tell({ type: "frame", branch: "b", update: 10 });
  next[1]!();
  expect(store.branch.value).toBe("b");
});

test("each host that is met is told what pictures show, and what they show from then on", () => {
  const told = () => host.asked.filter((ask) => ask.do === "pictures").map((ask) => ask.of);
  expect(told()).toEqual([]);
  host.tell(setup, data);
  expect(told()).toEqual(["weights"]);
  store.view.value = "gradient";
  store.view.value = "evidence";
  host.tell(setup, data);
  expect(told()).toEqual(["weights", "gradient", "weights", "weights"]);
  store.close();
  store.view.value = "change";
  expect(told().length).toBe(4);
});

test("notices go with what they told of", () => {
  for (const update of [10, 20]) host.tell({ type: "notice", branch: "a", update, kind: "k", text: "t" });
  host.tell({ type: "notices_cleared", branch: "a", from: 15 });
  expect(store.notices.value.map(({ update }) => update)).toEqual([10]);
});

test("what was recorded behind a change of settings leaves the curves at once", () => {
  host.tell({ type: "curves", branch: "a", start: 0 }, part(0, 20).arrays);
  host.tell({ type: "notices_cleared", branch: "a", from: 7 });
  expect(store.curves.a!.updates.at(-1)).toBe(7);
  host.tell({ type: "curves", branch: "a", start: 8 }, part(8, 2).arrays);
  expect(store.curves.a!.updates).toEqual([...Array(10).keys()]);
});

test("an error is a line once, until it is dismissed", () => {
  for (const _ of [1, 2]) host.tell({ type: "error", id: null, message: "rate should be above 0" });
  expect(store.errors.value.map(({ text }) => text)).toEqual(["rate should be above 0"]);
  store.dismiss(store.errors.value[0]!.key);
  expect(store.errors.value).toEqual([]);
});

const part = (start: number, count: number) => ({
  start,
  arrays: {
    update: shaped(Int32Array.from({ length: count }, (_, i) => start + i), count),
    loss: shaped(Float32Array.from({ length: count }, (_, i) => (start + i) / 2), count),
    norm: shaped(Float32Array.from({ length: 2 * count }, (_, i) => 2 * start + i), count, 2),
  },
});

test("curves grow, and are cut where a run goes another way", () => {
  const curves = new Curves();
  curves.put(part(0, 10));
  curves.put(part(10, 5));
  expect(curves.updates.length).toBe(15);
  expect(curves.lines["norm.1"]![12]).toBe(25);
  curves.put(part(4, 2));
  expect(curves.updates).toEqual([0, 1, 2, 3, 4, 5]);
  expect(curves.lines.loss!.at(-1)).toBe(2.5);
});

test("long curves are thinned: bounded memory, the same points however they came", () => {
  const [whole, parts] = [new Curves(), new Curves()];
  whole.put(part(0, 30011));
  for (let start = 0; start < 30011; start += 97) parts.put(part(start, Math.min(97, 30011 - start)));
  expect(whole.updates.length).toBeLessThanOrEqual(MOST);
  expect(parts.updates).toEqual(whole.updates);
  expect(parts.lines).toEqual(whole.lines);
  whole.put(part(0, 3));
  expect(whole.updates).toEqual([0, 1, 2]);
});
