/** How one tile is drawn: a picture or bars, its frame, its activation. */
import { signedIndex } from "../colors";
import type { Palette } from "../theme";
import type { Places } from "./grid";
import type { LayerView } from "./layers";
import type { Pixels } from "./paint";

type Context = CanvasRenderingContext2D;
export const NAMES = 96; // pixels of the page for the features' names, left of bars

export function picture(context: Context, pixels: Pixels, j: number, layer: LayerView, x: number, y: number, grid: Places): void {
  const [width, height] = [pixels.canvas.width, pixels.canvas.height / layer.outputs];
  context.imageSmoothingEnabled = grid.width < width; // smaller than it is: averaged
  context.drawImage(pixels.canvas, 0, j * height, width, height, x, y, grid.width, grid.height);
}

export function bars(context: Context, data: ArrayLike<number>, j: number, { inputs, outputs }: LayerView, most: number, palette: Palette, x: number, y: number, grid: Places): void {
  context.fillStyle = palette.card;
  context.fillRect(x, y, grid.width, grid.height);
  const tall = grid.height / inputs;
  for (let i = 0; i < inputs; i++) {
    const value = data[i * outputs + j]! / most;
    context.fillStyle = value < 0 ? palette.minus : palette.plus;
    const length = (Math.abs(value) * (grid.width - 8)) / 2;
    context.fillRect(x + grid.width / 2 - (value < 0 ? length : 0), y + i * tall + tall * 0.15, length, Math.max(1, tall * 0.7));
  }
  context.fillStyle = palette.line;
  context.fillRect(x + grid.width / 2 - 0.5, y, 1, grid.height);
}

export function names(context: Context, features: string[], palette: Palette, grid: Places, px: number): void {
  context.font = `${11 * px}px system-ui, sans-serif`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillStyle = palette.soft;
  const tall = grid.height / features.length;
  if (tall < 9 * px) return;
  for (let row = 0; row < grid.rows; row++)
    features.forEach((name, i) => {
      const y = row * (grid.height + grid.under + grid.gap) + (i + 0.5) * tall;
      context.fillText(name.length > 15 ? `${name.slice(0, 14)}…` : name, (NAMES - 8) * px, y, (NAMES - 10) * px);
    });
}

/** The pixel pointed at, in every picture. */
export function spots(context: Context, palette: Palette, pixel: number, [rows, columns]: [number, number], count: number, grid: Places): void {
  const [wide, tall] = [grid.width / columns, grid.height / rows];
  if (wide < 3) return;
  context.strokeStyle = palette.ink;
  context.lineWidth = 1;
  for (let j = 0; j < count; j++) {
    const [x, y] = grid.at(j);
    context.strokeRect(x + (pixel % columns) * wide + 0.5, y + Math.floor(pixel / columns) * tall + 0.5, wide - 1, tall - 1);
  }
}

export function frameOf(context: Context, palette: Palette, x: number, y: number, { width, height }: Places): void {
  if (width < 14) return;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
}

export function activation(context: Context, share: number, palette: Palette, colors: Uint32Array, x: number, y: number, grid: Places, px: number): void {
  if (grid.under < 12) {
    const word = colors[signedIndex(share, 1)]!;
    context.fillStyle = `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
    context.fillRect(x, y, grid.width, grid.under - 1);
    return;
  }
  const [left, wide] = [x + 20 * px, grid.width - 20 * px];
  context.fillStyle = palette.track;
  context.fillRect(left, y + 7 * px, wide, 4 * px);
  context.fillStyle = share < 0 ? palette.minus : palette.plus;
  context.fillRect(left, y + 7 * px, wide * Math.min(1, Math.abs(share)), 4 * px);
}
