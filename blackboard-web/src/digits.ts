/** Pictures of strokes on a pad, as exported pages make them, too. */
import { bitmapOf, inkOf } from "../../src/chainrule/_src/export/web/page/strokes.js";

export { slant } from "../../src/chainrule/_src/export/web/page/strokes.js";
export type Point = [number, number];
export type Stroke = Point[];

/** What a picture has of strokes: shares of ink from 0 to 1, a pixel each. */
export const seen = (strokes: Stroke[], height = 8, width = 8): Float64Array => inkOf(strokes, height, width);

/** The bitmap of strokes, four pixels along each side of one of the picture. */
export const bitmap = (strokes: Stroke[], height = 8, width = 8): Uint8Array => bitmapOf(strokes, height, width);
