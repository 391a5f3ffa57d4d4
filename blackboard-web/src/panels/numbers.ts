/** Numbers and entries as text. */
import { unravel } from "../anatomy";

const MINUS = "−";

/** A number with some significant digits; large and small ones with an exponent. */
export function fmt(x: number, digits = 4): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "∞" : `${MINUS}∞`;
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (Number.isInteger(x) && size < 1e6) return String(x).replace("-", MINUS);
  const text = size >= 1e5 || size < 1e-3 ? x.toExponential(Math.min(digits - 1, 2)) : x.toPrecision(digits);
  return text.replaceAll("-", MINUS);
}

/** A setting, as one would type it. */
export const plain = (x: number): string => String(Number(x.toPrecision(3))).replaceAll("-", MINUS);

export const percent = (p: number): string => {
  const share = 100 * p;
  return `${share > 99.9 && share < 100 ? ">99.9" : share < 0.1 && share > 0 ? "<0.1" : share.toFixed(1)} %`;
};

/** An entry as code has it: `d_W_h[12, 3]`. */
export function entry(name: string, index: number, shape: number[]): string {
  return shape.length === 0 ? name : `${name}[${unravel(index, shape).join(", ")}]`;
}

export const shapeText = (shape: number[]): string => (shape.length ? shape.join(" × ") : "a number");
