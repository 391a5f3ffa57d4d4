/** Numbers as they are shown: few digits, a real minus, no jumping. */

const EXPONENTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** About three significant digits; very large and very small ones as powers of ten. */
export function short(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e5) {
    const [mantissa, exponent] = value.toExponential(digits - 2).split("e") as [string, string];
    return minus(`${mantissa}·10${power(Number(exponent))}`);
  }
  const after = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return minus(value.toFixed(Math.min(after, digits)));
}

export const power = (exponent: number): string =>
  (exponent < 0 ? "⁻" : "") + [...String(Math.abs(exponent))].map((digit) => EXPONENTS[+digit]).join("");

export const percent = (share: number, digits = 0): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(digits)}\u00a0%` : "–";

/** 12 345, with thin spaces. */
export const count = (value: number): string =>
  String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");

const minus = (text: string): string => text.replace("-", "−");
