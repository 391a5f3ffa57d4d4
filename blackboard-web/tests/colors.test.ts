import { expect, test } from "vitest";
import { diverging, magnitude, sequential, signedIndex } from "../src/colors";

test("zero is white by day and nearly black at night", () => {
  expect(diverging("light").css(0.5)).toBe("rgb(255 255 255)");
  expect(diverging("dark").css(0.5)).toBe("rgb(12 14 18)");
});

test("signed numbers lie around the middle, and those outside or unknown have a colour", () => {
  expect([-1, 1].map((value) => signedIndex(value, 1))).toEqual([0, 255]);
  expect(signedIndex(0, 1)).toBe(128);
  expect([signedIndex(-9, 1), signedIndex(9, 1), signedIndex(NaN, 1)]).toEqual([0, 255, 128]);
});

test("maps are told apart by colour-blind eyes: lightness falls off zero on both sides", () => {
  const light = (word: number) =>
    0.2126 * (word & 255) + 0.7152 * ((word >> 8) & 255) + 0.0722 * ((word >> 16) & 255);
  for (const [map, sign] of [[diverging("light"), -1], [diverging("dark"), 1]] as const) {
    for (let i = 129; i < 255; i += 3) {
      expect(sign * (light(map.words[i + 1]!) - light(map.words[i]!))).toBeGreaterThanOrEqual(-1);
      expect(sign * (light(map.words[254 - i]!) - light(map.words[255 - i]!))).toBeGreaterThanOrEqual(-1);
    }
  }
  expect(sequential("light").css(0)).toBe("rgb(255 255 255)");
});

test("the largest magnitude can divide, whatever the numbers", () => {
  expect(magnitude([1, -3, 2])).toBe(3);
  expect(magnitude([0, NaN, Infinity])).toBe(1);
  expect(magnitude([5, 1, 9, 2], 1, 4, 2)).toBe(2);
});
