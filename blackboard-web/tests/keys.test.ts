import { expect, test } from "vitest";
import { KEYS } from "../src/keys";

test("no key means two things", () => {
  const keys = KEYS.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => /^[1-9]$/.test(key))).toEqual([]); // those are the panels'
});
