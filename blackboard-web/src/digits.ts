/**
 * What a network that learned scikit-learn's digits sees of strokes on a pad.
 *
 * The data are bitmaps of 32 × 32, each character scaled to the full height and put in the middle, its lines
 * brought to an even width; counted in blocks of 4 × 4: 64 numbers from 0 to 16.
 */

export type Point = [number, number];
export type Stroke = Point[];

const SIDE = 32;
const BLOCK = 4;
/** Black pixels of a bitmap, on average over the data: it sets the width of the pen. */
const INK = 312;
const PEN = { least: 1.5, most: 5.2 };
const BOX = { width: 15, height: 26 };
/** How much wider than its height tells a narrow character may be made. */
const STRETCH = 1.5;
/** How much of a slant is taken away; what is left of it, on average over the data. */
const UPRIGHT = 0.5;
const LEAN = 0.04;

/** How far strokes lean: the slope of the line x = slope · y that comes nearest to them, a length at a time. */
export function slant(strokes: Stroke[]): number {
  let [weight, mx, my, xy, yy] = [0, 0, 0, 0, 0];
  for (const stroke of strokes)
    stroke.slice(1).forEach((to, k) => {
      const from = stroke[k]!;
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
      const [x, y] = [(to[0] + from[0]) / 2, (to[1] + from[1]) / 2];
      weight += length;
      mx += length * x;
      my += length * y;
      xy += length * (x * y + ((to[0] - from[0]) * (to[1] - from[1])) / 12);
      yy += length * (y * y + (to[1] - from[1]) ** 2 / 12);
    });
  const spread = yy - (my * my) / weight;
  return spread > 0 ? (xy - (mx * my) / weight) / spread : 0;
}

/** Strokes that lean, set upright by most of it, as the data were. */
export function upright(strokes: Stroke[]): Stroke[] {
  const lean = UPRIGHT * (slant(strokes) - LEAN);
  return strokes.map((stroke) => stroke.map(([x, y]): Point => [x - lean * y, y]));
}

/** Strokes moved and scaled so that the whole fills the box in the middle. */
export function fit(strokes: Stroke[]): Stroke[] {
  const points = strokes.flat();
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const width = Math.max(right - left, 1e-9);
  const height = Math.max(bottom - top, 1e-9);
  const down = Math.min(BOX.height / height, (STRETCH * BOX.width) / width);
  const across = Math.min(BOX.width / width, STRETCH * down);
  return strokes.map((stroke) =>
    stroke.map(([x, y]): Point => [
      SIDE / 2 + (x - (left + right) / 2) * across,
      SIDE / 2 + (y - (top + bottom) / 2) * down,
    ]),
  );
}

function nearness(x: number, y: number, a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - a[0]) * dx + (y - a[1]) * dy) / length));
  return (x - a[0] - t * dx) ** 2 + (y - a[1] - t * dy) ** 2;
}

/** Squared distance of each pixel from the strokes. */
function distances(strokes: Stroke[]): Float64Array {
  const far = new Float64Array(SIDE * SIDE).fill(Infinity);
  for (const stroke of strokes)
    for (let k = 0; k < Math.max(1, stroke.length - 1); k++) {
      const [a, b] = [stroke[k]!, stroke[Math.min(k + 1, stroke.length - 1)]!];
      for (let row = 0; row < SIDE; row++)
        for (let column = 0; column < SIDE; column++) {
          const at = row * SIDE + column;
          const d = nearness(column + 0.5, row + 0.5, a, b);
          if (d < far[at]!) far[at] = d;
        }
    }
  return far;
}

/** Points closer together than half a pixel add nothing to a bitmap. */
function thin(stroke: Stroke): Stroke {
  const kept: Stroke = [];
  stroke.forEach((point, k) => {
    const last = kept[kept.length - 1];
    if (!last || k === stroke.length - 1 || Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.5) kept.push(point);
  });
  return kept;
}

/** The bitmap of strokes, 32 × 32: the pixels nearest to them, as many as the data have. */
export function bitmap(strokes: Stroke[]): Uint8Array {
  const drawn = strokes.filter((stroke) => stroke.length > 0);
  if (drawn.length === 0) return new Uint8Array(SIDE * SIDE);
  const far = distances(fit(upright(drawn)).map(thin));
  const pen = Math.sqrt(Float64Array.from(far).sort()[INK - 1]!);
  const radius = Math.max(PEN.least, Math.min(PEN.most, pen)) ** 2;
  return Uint8Array.from(far, (d) => Number(d <= radius));
}

/** 64 numbers from 0 to 16, as the data have them. */
export function seen(strokes: Stroke[]): Float64Array {
  const counts = new Float64Array((SIDE / BLOCK) ** 2);
  bitmap(strokes).forEach((on, at) => {
    const [row, column] = [Math.floor(at / SIDE / BLOCK), Math.floor((at % SIDE) / BLOCK)];
    counts[row * (SIDE / BLOCK) + column]! += on;
  });
  return counts;
}
