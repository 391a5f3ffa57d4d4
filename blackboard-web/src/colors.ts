/** Colours of numbers: diverging maps for signed values, a sequential one for shares; both schemes. */

type Color = [number, number, number];
export interface Map256 {
  /** 256 colours as they lie in ImageData (little-endian ABGR). */
  words: Uint32Array;
  css(share: number): string;
}

const DIVERGING: Record<Scheme, Color[]> = {
  light: [[8, 64, 129], [33, 113, 181], [116, 169, 214], [205, 224, 240], [255, 255, 255],
    [253, 221, 187], [247, 166, 90], [222, 108, 21], [140, 58, 4]],
  dark: [[190, 226, 255], [106, 180, 245], [42, 116, 190], [20, 58, 104], [12, 14, 18],
    [98, 48, 10], [190, 92, 14], [250, 156, 62], [255, 222, 178]],
};
const SEQUENTIAL: Record<Scheme, Color[]> = {
  light: [[255, 255, 255], [201, 208, 216], [120, 131, 145], [24, 30, 38]],
  dark: [[12, 14, 18], [66, 74, 86], [150, 160, 174], [245, 248, 252]],
};
export type Scheme = "light" | "dark";

const made = new Map<Color[], Map256>();

/** Blue below zero, orange above; white (dark: black) is zero. */
export const diverging = (scheme: Scheme): Map256 => map256(DIVERGING[scheme]);

/** From paper to ink (dark: from board to chalk). */
export const sequential = (scheme: Scheme): Map256 => map256(SEQUENTIAL[scheme]);

function map256(stops: Color[]): Map256 {
  let map = made.get(stops);
  if (!map) {
    const words = new Uint32Array(256);
    for (let i = 0; i < 256; i++) {
      const [r, g, b] = between(stops, i / 255);
      words[i] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    }
    const css = (share: number) => `rgb(${between(stops, Math.min(1, Math.max(0, share))).join(" ")})`;
    made.set(stops, (map = { words, css }));
  }
  return map;
}

function between(stops: Color[], share: number): Color {
  const place = share * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(place));
  const [a, b, t] = [stops[low]!, stops[low + 1]!, place - low];
  return [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * t)) as Color;
}

/** Index into 256 colours: of a signed number in ±`most`, zero in the middle; not a number: the middle. */
export function signedIndex(value: number, most: number): number {
  const place = 128 + (127.5 * value) / most; // cut off, not rounded: five times as fast
  return place >= 256 ? 255 : place >= 0 ? place | 0 : place < 0 ? 0 : 128;
}

/** The largest magnitude among finite numbers; 1 where all are zero, so that it can divide. */
export function magnitude(data: ArrayLike<number>, start = 0, end = data.length, step = 1): number {
  let most = 0;
  for (let i = start; i < end; i += step) {
    const size = Math.abs(data[i]!);
    if (size > most && size < Infinity) most = size;
  }
  return most || 1;
}
