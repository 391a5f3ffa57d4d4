/** How many tiles go side by side, so that they are as large as the room lets them. */

export interface Places {
  columns: number;
  rows: number;
  width: number;
  height: number;
  gap: number;
  /** Room under each tile, for its activation. */
  under: number;
  at(index: number): [x: number, y: number];
}

const LARGEST = 240;

/** For `count` tiles of `aspect` (height / width) in a room of `wide` × `tall` pixels, with names in pixels of the page. */
export function places(count: number, wide: number, tall: number, aspect = 1, px = 1, largest = LARGEST * px): Places {
  const gap = count > 144 ? 2 : count > 40 ? 4 : 10;
  const under = count > 144 ? 3 : count > 40 ? 5 : Math.round(20 * px);
  let [columns, width, best] = [1, 0, 0];
  for (let n = 1; n <= count; n++) {
    const rows = Math.ceil(count / n);
    const fit = Math.min((wide - gap * (n - 1)) / n, (tall - rows * (gap + under)) / rows / aspect, largest);
    // A full last row is calmer, and worth a little size; so are fewer columns where nothing is lost.
    const worth = count % n ? fit : 1.2 * fit;
    if (worth > best + 0.5) [columns, width, best] = [n, fit, worth];
  }
  width = Math.max(4, Math.floor(width));
  const height = Math.max(4, Math.floor(width * aspect));
  const at = (index: number): [number, number] => [
    (index % columns) * (width + gap),
    Math.floor(index / columns) * (height + under + gap),
  ];
  return { columns, rows: Math.ceil(count / columns), width, height, gap, under, at };
}
