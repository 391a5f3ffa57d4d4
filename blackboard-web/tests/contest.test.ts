import { expect, test, vi } from "vitest";
import { contestOf } from "../src/panels/contest";
import { Store } from "../src/store";
import { pageHost } from "./course";

test("the right and the wrong gradient are trained from the same weights, as far", async () => {
  vi.stubGlobal("requestAnimationFrame", (f: () => void) => setTimeout(f, 2));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  const host = pageHost();
  const store = new Store(host);
  await vi.waitUntil(() => store.frame.value);
  const contest = contestOf(store);
  contest.begin("mean", "explodes");
  await vi.waitUntil(() => contest.result.value, { timeout: 15000 });
  const { right, wrong, name, said } = contest.result.value!;
  expect([name, said]).toEqual(["mean", "explodes"]);
  for (const { update } of [right, wrong]) expect(update.at(-1)).toBeGreaterThan(285);
  expect(wrong.loss[0]).toBe(right.loss[0]); // before any update
  expect(wrong.loss[20]).not.toBe(right.loss[20]);
  contest.mend();
  expect(contest.name.value).toBeNull();
  host.close();
}, 20000);
