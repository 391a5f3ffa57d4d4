import { expect, test } from "vitest";
import { count, percent, short } from "../src/format";

test("numbers are short, whatever their size", () => {
  expect([0, 1, -0.25, 12.345, 123.4, 0.01, 2.30283].map((value) => short(value))).toEqual(
    ["0", "1.00", "−0.250", "12.3", "123", "0.010", "2.30"]);
  expect([1.5e-7, -2e9].map((value) => short(value))).toEqual(["1.5·10⁻⁷", "−2.0·10⁹"]);
  expect([NaN, null, Infinity, -Infinity].map((value) => short(value))).toEqual(["–", "–", "∞", "−∞"]);
  expect([percent(0.978), percent(0.978, 1), percent(NaN)]).toEqual(["98\u00a0%", "97.8\u00a0%", "–"]);
  expect([count(999), count(1234567)]).toEqual(["999", "1\u2009234\u2009567"]);
});
