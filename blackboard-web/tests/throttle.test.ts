import { expect, test, vi } from "vitest";
import { throttle } from "../src/throttle";

test("a drag says its first place at once, then the latest, and always the last", () => {
  vi.useFakeTimers();
  const said: number[] = [];
  const say = throttle((update: number) => said.push(update), 50);
  for (const update of [1, 2, 3]) say(update);
  expect(said).toEqual([1]);
  vi.advanceTimersByTime(50);
  expect(said).toEqual([1, 3]);
  say(4);
  vi.advanceTimersByTime(200);
  expect(said).toEqual([1, 3, 4]);
  say(5);
  expect(said).toEqual([1, 3, 4, 5]);
});
