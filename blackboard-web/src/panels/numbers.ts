/** Numbers and entries as text. */
import { unravel, type Pass } from "../anatomy";

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

/** An entry as code has it: `d_W_h[12, 3]`, `(1 - h)[0, 3]`. */
export function entry(name: string, index: number, shape: number[]): string {
  if (shape.length === 0) return name;
  return `${/^\w+$/.test(name) ? name : `(${name})`}[${unravel(index, shape).join(", ")}]`;
}

/** An entry of a value in a pass, as the lines have it. */
export const entryOf = ({ body }: Pass, { name, index }: { name: string; index: number }): string => entry(body.label(name), index, body.shape(name));

export const shapeText = (shape: number[]): string => (shape.length ? shape.join(" × ") : "a number");
