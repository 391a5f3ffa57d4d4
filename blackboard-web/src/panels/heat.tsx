/** An array as a picture of cells: each can be chosen, with the pointer or with keys. */
import { useEffect, useRef, useState } from "preact/hooks";
import { diverging, magnitude, signedIndex, type Scheme } from "../colors";
import { useStore } from "../store";
import { schemeOf } from "../theme";
import { layout, type Grid } from "./grids";
import { entry, fmt, shapeText } from "./numbers";
import { scopeOf } from "./scope";

interface HeatProps {
  name: string;
  data: ArrayLike<number>;
  shape: number[];
  image: [number, number] | null;
  /** Widest and highest that it may be, in pixels of the page. */
  width?: number;
  height?: number;
  most?: number;
  chosen?: number | null;
  choose?: (index: number) => void;
  /** A cell of at most so many pixels. */
  cell?: number;
}

const MOVES: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function Heat({ name, data, shape, image, width = 240, height = 96, most, chosen = null, choose, cell = 14 }: HeatProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const grid = layout(shape, image);
  const room = Math.min(cell, width / grid.columns, height / grid.rows);
  const side = room < 1 ? room : Math.floor(room); // large arrays are shown smaller than a pixel a number
  const ratio = Math.max(1, Math.round(globalThis.devicePixelRatio ?? 1));
  const peak = most ?? magnitude(data);
  const store = useStore();
  const colors = schemeOf(store);
  useEffect(() => {
    const began = performance.now();
    paint(canvas.current!, grid, data, peak, colors, Math.max(1, side * ratio));
    scopeOf(store).spent(began);
  }, [data, peak, colors, side, ratio]);

  const under = (event: PointerEvent | MouseEvent): number => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return grid.at(Math.floor(y * grid.rows), Math.floor(x * grid.columns));
  };
  const press = (event: KeyboardEvent) => {
    const move = MOVES[event.key];
    if (move) setAt(step(grid, at ?? chosen ?? 0, move));
    else if ((event.key === "Enter" || event.key === " ") && at !== null) choose?.(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const said = at !== null && at >= 0 ? `${entry(name, at, shape)} = ${fmt(data[at]!)}` : "";
  const label = `${name}, ${shapeText(shape)}, largest size ${fmt(peak, 3)}`;
  const style = { width: `${grid.columns * side}px`, height: `${grid.rows * side}px` };
  return (
    <span
      class={choose ? "cb-heat cb-heat--live" : "cb-heat"}
      role={choose ? "application" : "img"}
      aria-roledescription={choose ? "picture of numbers" : undefined}
      aria-label={choose ? `${label}; arrow keys move, Enter takes a number apart` : label}
      tabIndex={choose ? 0 : undefined}
      style={style}
      title={said}
      onPointerMove={choose && ((event) => setAt(under(event)))}
      onPointerLeave={() => setAt(null)}
      onClick={choose && ((event) => under(event) >= 0 && choose(under(event)))}
      onKeyDown={choose && press}
    >
      <canvas ref={canvas} style={style} />
      {chosen !== null && <Mark grid={grid} index={chosen} side={side} kind="chosen" />}
      {at !== null && at >= 0 && choose && <Mark grid={grid} index={at} side={side} kind="at" />}
      <span class="cb-unseen" aria-live="polite">{said}</span>
    </span>
  );
}

function Mark({ grid, index, side, kind }: { grid: Grid; index: number; side: number; kind: string }) {
  const [row, column] = grid.place(index);
  const wide = Math.max(side, 5);
  const shift = (wide - side) / 2;
  return <i class={`cb-heat-${kind}`} style={{ left: `${column * side - shift}px`, top: `${row * side - shift}px`, width: `${wide}px`, height: `${wide}px` }} />;
}

function step(grid: Grid, from: number, [down, right]: [number, number]): number {
  const [row, column] = grid.place(from);
  for (let far = 1; far <= 2; far++) {
    const to = grid.at(row + far * down, column + far * right); // a gap between pictures is stepped over
    if (to >= 0) return to;
  }
  return from;
}

function paint(canvas: HTMLCanvasElement, grid: Grid, data: ArrayLike<number>, most: number, colors: Scheme, side: number): void {
  const gap = side >= 8 ? 1 : 0;
  const [wide, tall] = [grid.columns * side, grid.rows * side];
  canvas.width = wide;
  canvas.height = tall;
  const context = canvas.getContext("2d")!;
  const picture = context.createImageData(wide, tall);
  const words = new Uint32Array(picture.data.buffer);
  const map = diverging(colors).words;
  for (let row = 0; row < grid.rows; row++)
    for (let column = 0; column < grid.columns; column++) {
      const index = grid.at(row, column);
      if (index < 0) continue;
      const color = map[signedIndex(data[index]!, most)]!;
      for (let y = 0; y < side - gap; y++)
        words.fill(color, (row * side + y) * wide + column * side, (row * side + y) * wide + (column + 1) * side - gap);
    }
  context.putImageData(picture, 0, 0);
}
