/**
 * What a network that learned scikit-learn's digits sees of strokes on a pad.
 *
 * The data are bitmaps of 32 × 32, each character scaled to the full height and put in the middle, its lines
 * brought to an even width; counted in blocks of 4 × 4: 64 numbers from 0 to 16.
 */

export type Point = [number, number];
export type Stroke = Point[];

/** How pictures of a data set were made of handwriting. */
export interface Hand {
  /** Pixels of the bitmap along each side of one pixel of the picture. */
  block: number;
  /** The lines lie within this box in the middle of the bitmap, in pixels of the bitmap. */
  box: { width: number; height: number };
  /** How much wider than its height tells a narrow character may be made; 1 keeps its form. */
  stretch: number;
  /** How much of a slant is taken away; what is left of it, on average over the data. */
  upright: number;
  lean: number;
  /** Black pixels, on average over the data: they set the width of the pen, between the least and the most. */
  ink: number;
  pen: { least: number; most: number };
}

const DIGITS: Hand = {
  block: 4, box: { width: 15, height: 26 }, stretch: 1.5, upright: 0.5, lean: 0.04, ink: 312, pen: { least: 1.5, most: 5.2 },
};

/** As scikit-learn's digits for 8 × 8; else a character that keeps its form, with an even pen and a margin. */
export function hand(height: number, width: number): Hand {
  if (height === 8 && width === 8) return DIGITS;
  const [tall, wide] = [4 * height, 4 * width];
  const pen = 0.05 * tall;
  return { block: 4, box: { width: 0.62 * wide, height: 0.62 * tall }, stretch: 1, upright: 0, lean: 0, ink: 0, pen: { least: pen, most: pen } };
}

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
export function upright(strokes: Stroke[], { upright: share, lean: left }: Hand): Stroke[] {
  const lean = share * (slant(strokes) - left);
  return strokes.map((stroke) => stroke.map(([x, y]): Point => [x - lean * y, y]));
}

/** Strokes moved and scaled so that the whole fills the box around a middle. */
function fit(strokes: Stroke[], { box, stretch }: Hand, middle: Point): Stroke[] {
  const points = strokes.flat();
  const along = (axis: 0 | 1) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  };
  const [[left, right], [top, bottom]] = [along(0), along(1)];
  const width = Math.max(right - left, 1e-9);
  const height = Math.max(bottom - top, 1e-9);
  const down = Math.min(box.height / height, (stretch * box.width) / width);
  const across = Math.min(box.width / width, stretch * down);
  return strokes.map((stroke) =>
    stroke.map(([x, y]): Point => [
      middle[0] + (x - (left + right) / 2) * across,
      middle[1] + (y - (top + bottom) / 2) * down,
    ]),
  );
}

function nearness(x: number, y: number, a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - a[0]) * dx + (y - a[1]) * dy) / length));
  return (x - a[0] - t * dx) ** 2 + (y - a[1] - t * dy) ** 2;
}

/** Squared distance of each pixel from the strokes, as far as a pen reaches. */
function distances(strokes: Stroke[], tall: number, wide: number, reach: number): Float64Array {
  const far = new Float64Array(tall * wide).fill(Infinity);
  for (const stroke of strokes)
    for (let k = 0; k < Math.max(1, stroke.length - 1); k++) {
      const [a, b] = [stroke[k]!, stroke[Math.min(k + 1, stroke.length - 1)]!];
      const [left, right] = between(a[0], b[0], reach, wide);
      const [top, bottom] = between(a[1], b[1], reach, tall);
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) {
          const d = nearness(column + 0.5, row + 0.5, a, b);
          if (d < far[row * wide + column]!) far[row * wide + column] = d;
        }
    }
  return far;
}

const between = (a: number, b: number, reach: number, end: number): [number, number] => [
  Math.max(0, Math.floor(Math.min(a, b) - reach)),
  Math.min(end, Math.ceil(Math.max(a, b) + reach)),
];

/** Points closer together than half a pixel add nothing to a bitmap. */
function thin(stroke: Stroke): Stroke {
  const kept: Stroke = [];
  stroke.forEach((point, k) => {
    const last = kept[kept.length - 1];
    if (!last || k === stroke.length - 1 || Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.5) kept.push(point);
  });
  return kept;
}

/** The bitmap of strokes: the pixels nearest to them, as many as the data have. */
export function bitmap(strokes: Stroke[], height = 8, width = 8): Uint8Array {
  const made = hand(height, width);
  const [tall, wide] = [made.block * height, made.block * width];
  const drawn = strokes.filter((stroke) => stroke.length > 0);
  if (drawn.length === 0) return new Uint8Array(tall * wide);
  const lines = fit(upright(drawn, made), made, [wide / 2, tall / 2]).map(thin);
  const far = distances(lines, tall, wide, made.pen.most);
  const pen = made.ink ? Math.sqrt(Float64Array.from(far).sort()[made.ink - 1]!) : made.pen.least;
  const radius = Math.max(made.pen.least, Math.min(made.pen.most, pen)) ** 2;
  return Uint8Array.from(far, (d) => Number(d <= radius));
}

/** What a picture has of strokes: shares of ink from 0 to 1, a pixel each. */
export function seen(strokes: Stroke[], height = 8, width = 8): Float64Array {
  const { block } = hand(height, width);
  const shares = new Float64Array(height * width);
  bitmap(strokes, height, width).forEach((on, at) => {
    const [row, column] = [Math.floor(at / (block * width) / block), Math.floor((at % (block * width)) / block)];
    shares[row * width + column]! += on / block ** 2;
  });
  return shares;
}
