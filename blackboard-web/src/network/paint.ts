/** Numbers as pixels: filled in one go, then scaled to the page without smoothing. */
import { signedIndex } from "../colors";

/** Width of the strips of what comes in and goes out, beside matrices; the gap is as wide. */
export const SIDE = 10;

/** A picture with one pixel a number, kept and painted again. */
export class Pixels {
  readonly canvas = document.createElement("canvas");
  private context = this.canvas.getContext("2d")!;
  private image = this.context.createImageData(1, 1);
  words = new Uint32Array(this.image.data.buffer);

  resize(width: number, height: number): void {
    if (this.canvas.width === width && this.canvas.height === height && this.words.length > 1) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  put(): void {
    this.context.putImageData(this.image, 0, 0);
  }

  /** A matrix, row by row. */
  matrix(data: ArrayLike<number>, rows: number, columns: number, most: number, colors: Uint32Array): void {
    this.resize(columns, rows);
    const { words } = this;
    for (let i = 0; i < data.length; i++) words[i] = colors[signedIndex(data[i]!, most)]!;
    this.put();
  }

  /** Shares of full ink, row by row. */
  shares(data: ArrayLike<number>, rows: number, columns: number, colors: Uint32Array): void {
    this.resize(columns, rows);
    for (let i = 0; i < data.length; i++) this.words[i] = colors[Math.max(0, Math.min(255, Math.round(255 * data[i]!)))]!;
    this.put();
  }

  /** A matrix with one picture a column: the pictures lie below each other. */
  tiles(data: ArrayLike<number>, [height, width]: [number, number], count: number, most: number, colors: Uint32Array): void {
    this.resize(width, height * count);
    const { words } = this;
    const [size, filled] = [width * height, data.length / count]; // what is not filled stays transparent
    for (let pixel = 0, at = 0; pixel < filled; pixel++)
      for (let tile = 0, word = pixel; tile < count; tile++, at++, word += size)
        words[word] = colors[signedIndex(data[at]!, most)]!;
    this.put();
  }
}

/** The canvas in pixels of the screen, drawn in pixels of the page. */
export function begin(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
