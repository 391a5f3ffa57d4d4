// Pictures of strokes, made of handwriting as the training pictures were.
import { range } from "./elements.js";
//
// scikit-learn's digits are bitmaps of 32 × 32, each character scaled to the full height and put in
// the middle, its lines brought to an even width, counted in blocks of 4 × 4. Other pictures keep a
// character's form, and have a margin.

/** By the size of a picture: how it was made of handwriting. Lengths are in pixels of the bitmap. */
function hand(height, width) {
  if (height === 8 && width === 8)
    return { box: [15, 26], stretch: 1.5, upright: 0.5, lean: 0.04, ink: 312, pen: [1.5, 5.2] };
  const pen = 0.05 * BLOCK * height;
  return { box: [0.62 * BLOCK * width, 0.62 * BLOCK * height], stretch: 1, upright: 0, lean: 0, ink: 0, pen: [pen, pen] };
}

const BLOCK = 4; // pixels of the bitmap along each side of one pixel of the picture

/** Return the slope of the line x = slope · y that comes nearest to strokes. */
export function slant(strokes) {
  let [weight, mx, my, xy, yy] = [0, 0, 0, 0, 0];
  for (const stroke of strokes)
    stroke.slice(1).forEach((to, k) => {
      const from = stroke[k];
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

/** Return strokes moved and scaled so that they fill the box around the middle. */
function fitted(strokes, { box, stretch }, middle) {
  const [[left, right], [top, bottom]] = [0, 1].map((axis) => range(strokes.flat().map((point) => point[axis])));
  const width = Math.max(right - left, 1e-9);
  const height = Math.max(bottom - top, 1e-9);
  const down = Math.min(box[1] / height, (stretch * box[0]) / width);
  const across = Math.min(box[0] / width, stretch * down);
  return strokes.map((stroke) =>
    stroke.map(([x, y]) => [middle[0] + (x - (left + right) / 2) * across, middle[1] + (y - (top + bottom) / 2) * down]));
}

/** Return the squared distance of each pixel from the strokes, as far as a pen reaches. */
function distances(strokes, tall, wide, reach) {
  const far = new Float64Array(tall * wide).fill(Infinity);
  const between = (a, b, end) => [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(end, Math.ceil(Math.max(a, b) + reach))];
  for (const stroke of strokes)
    for (let k = 0; k < Math.max(1, stroke.length - 1); k++) {
      const [a, b] = [stroke[k], stroke[Math.min(k + 1, stroke.length - 1)]];
      const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
      const length = dx * dx + dy * dy || 1;
      const [left, right] = between(a[0], b[0], wide);
      const [top, bottom] = between(a[1], b[1], tall);
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) {
          const [x, y] = [column + 0.5 - a[0], row + 0.5 - a[1]];
          const t = Math.max(0, Math.min(1, (x * dx + y * dy) / length));
          const d = (x - t * dx) ** 2 + (y - t * dy) ** 2;
          if (d < far[row * wide + column]) far[row * wide + column] = d;
        }
    }
  return far;
}

/** Leave out points that are closer together than half a pixel: they add nothing to a bitmap. */
function thinned(stroke) {
  const points = [];
  stroke.forEach((point, k) => {
    const last = points.at(-1);
    if (!last || k === stroke.length - 1 || Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.5) points.push(point);
  });
  return points;
}

/** Return the bitmap of strokes: the pixels nearest to them, as many as handwriting has. */
export function bitmapOf(strokes, height, width) {
  const made = hand(height, width);
  const [tall, wide] = [BLOCK * height, BLOCK * width];
  const drawn = strokes.filter((stroke) => stroke.length);
  if (!drawn.length) return new Uint8Array(tall * wide);
  const lean = made.upright && made.upright * (slant(drawn) - made.lean);
  const upright = drawn.map((stroke) => stroke.map(([x, y]) => [x - lean * y, y]));
  const lines = fitted(upright, made, [wide / 2, tall / 2]).map(thinned);
  const far = distances(lines, tall, wide, made.pen[1]);
  const pen = made.ink ? Math.sqrt(Float64Array.from(far).sort()[made.ink - 1]) : made.pen[0];
  const radius = Math.max(made.pen[0], Math.min(made.pen[1], pen)) ** 2;
  return Uint8Array.from(far, (d) => Number(d <= radius));
}

/** Return the shares of ink of strokes, from 0 to 1, a pixel each. */
export function inkOf(strokes, height, width) {
  const shares = new Float64Array(height * width);
  bitmapOf(strokes, height, width).forEach((on, at) => {
    const [row, column] = [Math.floor(at / (width * BLOCK) / BLOCK), Math.floor((at % (width * BLOCK)) / BLOCK)];
    shares[row * width + column] += on / BLOCK ** 2;
  });
  return shares;
}

/** A two and a four, drawn by hand, for a pad that has no example. */
export const DRAWN = [
  [[[0.3, 0.32], [0.36, 0.22], [0.5, 0.17], [0.64, 0.22], [0.69, 0.34], [0.64, 0.47], [0.52, 0.6], [0.38, 0.73], [0.29, 0.83], [0.45, 0.83], [0.6, 0.83], [0.73, 0.83]]],
  [[[0.52, 0.16], [0.43, 0.33], [0.34, 0.48], [0.26, 0.6], [0.42, 0.6], [0.6, 0.6], [0.76, 0.6]], [[0.6, 0.4], [0.59, 0.56], [0.58, 0.7], [0.57, 0.86]]],
];
