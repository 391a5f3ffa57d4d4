import { expect, test, vi } from "vitest";
import { cut, ending, judge, tryingOf } from "../src/panels/trying";
import { Store } from "../src/store";
import { pageHost } from "./course";

test("losses within a tenth are about the same", () => {
  expect(judge(1, 0.95, 2)).toBe("same");
  expect(judge(1, 0.5, 2)).toBe("lower");
  expect(judge(1, 1.5, 2)).toBe("higher");
  expect(judge(1, 5, 2)).toBe("explodes");
  expect(judge(1, NaN, 2)).toBe("explodes");
});

test("the end of a curve is its last fifth", () => {
  const curves = { updates: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], lines: { loss: [9, 9, 9, 9, 9, 9, 9, 9, 9, 2, 4] } };
  expect(ending(cut(curves as never, 0, 10))).toBe(3);
});

test("a guess is tried on a fork, then both runs are compared as far", async () => {
  vi.stubGlobal("requestAnimationFrame", (f: () => void) => setTimeout(f, 2));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  const host = pageHost();
  const store = new Store(host);
  await vi.waitUntil(() => store.frame.value);
  const trying = tryingOf(store);
  trying.begin({ title: "rate", change: { rate: 1 }, outcome: "higher", words: "", updates: 60 });
  await vi.waitUntil(() => trying.seen.value.length, { timeout: 8000 });
  const { lines, from, changed, without, guess } = trying.seen.value[0]!;
  expect([from, guess.outcome, trying.stage.value]).toEqual([0, "higher", "idle"]);
  for (const { update } of lines) {
    expect(update[0]).toBe(1);
    expect(update.at(-1)).toBeGreaterThan(56); // points lie further apart with time
  }
  expect(changed).toBeLessThan(without); // ten times the rate, on a plateau
  expect(store.frames.value.a!.settings.rate).toBe(0.1);
  host.close();
});
