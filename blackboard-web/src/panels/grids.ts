/** How an array is laid out as a picture of cells. */
import { size } from "../anatomy";

export interface Grid {
  rows: number;
  columns: number;
  /** The entry in a cell; -1 where there is none. */
  at(row: number, column: number): number;
  place(index: number): [number, number];
}

const inside = (grid: Omit<Grid, "at">, at: Grid["at"]): Grid => ({
  ...grid,
  at: (row, column) => (row < 0 || column < 0 || row >= grid.rows || column >= grid.columns ? -1 : at(row, column)),
});

const matrix = (rows: number, columns: number): Grid =>
  inside(
    { rows, columns, place: (index) => [Math.floor(index / columns), index % columns] },
    (row, column) => row * columns + column,
  );

/** A matrix whose rows are pixels: a picture for each column, side by side. */
function tiles(count: number, [height, width]: [number, number], across: number): Grid {
  const lines = Math.ceil(count / across);
  const [down, right] = [height + 1, width + 1];
  const grid = {
    rows: lines * down - 1,
    columns: across * right - 1,
    place: (index: number): [number, number] => {
      const [pixel, tile] = [Math.floor(index / count), index % count];
      return [Math.floor(tile / across) * down + Math.floor(pixel / width), (tile % across) * right + (pixel % width)];
    },
  };
  return inside(grid, (row, column) => {
    const [y, x] = [row % down, column % right];
    const tile = Math.floor(row / down) * across + Math.floor(column / right);
    return y === height || x === width || tile >= count ? -1 : (y * width + x) * count + tile;
  });
}

/** A picture where entries are pixels, else a row or a matrix. */
export function layout(shape: number[], image: [number, number] | null): Grid {
  const wide = shape.filter((length) => length !== 1);
  const pixels = image ? image[0] * image[1] : 0;
  if (wide.length === 1 && wide[0] === pixels) return matrix(...image!);
  if (wide.length === 2 && wide[0] === pixels && wide[1]! <= 64)
    return tiles(wide[1]!, image!, Math.min(wide[1]!, wide[1]! > 12 ? 16 : wide[1]! > 6 ? Math.ceil(wide[1]! / 2) : wide[1]!));
  if (wide.length === 2) return matrix(wide[0]!, wide[1]!);
  const count = size(shape);
  return count > 32 && wide.length === 1 ? ragged(count, 32) : matrix(count / (wide[wide.length - 1] ?? 1), wide[wide.length - 1] ?? 1);
}

/** A long row, broken. */
const ragged = (count: number, columns: number): Grid =>
  inside(
    { rows: Math.ceil(count / columns), columns, place: (index) => [Math.floor(index / columns), index % columns] },
    (row, column) => (row * columns + column < count ? row * columns + column : -1),
  );
