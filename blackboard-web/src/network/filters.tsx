/** A convolution: each filter, and below it the map of where it finds what it looks for. */
import { useMemo, useRef } from "preact/hooks";
import { diverging, magnitude } from "../colors";
import { short } from "../format";
import { usePaint, useSize } from "../hooks";
import { openEntry, openWeight } from "../panels/scope";
import { pixelOf } from "../pixel";
import { useStore } from "../store";
import { paletteOf, schemeOf } from "../theme";
import { places } from "./grid";
import type { LayerView } from "./layers";
import { WORD, liveOf, shown, valueOf } from "./live";
import { Pixels, begin } from "./paint";
import { useSpot, type Spot } from "./spot";

const MOST = 64; // filters shown
const CHANNELS = 3; // of a filter's inputs, side by side
const GAP = 4;

/** Rows and columns of filter and map; a sequence has maps of one row. */
function forms({ shape, value }: LayerView, shapeOf: (name: string) => number[]) {
  const [tall, wide] = shape.length === 4 ? [shape[0]!, shape[1]!] : [1, shape[0]!];
  const channels = shape[shape.length - 2]!;
  const made = value ? shapeOf(value) : [];
  const map: [number, number] = made.length === 4 ? [made[1]!, made[2]!] : made.length === 3 ? [1, made[1]!] : [0, 0];
  return { filter: [tall, wide] as const, channels, across: Math.min(channels, CHANNELS), map };
}

export function Filters({ layer }: { layer: LayerView; index: number }) {
  const store = useStore();
  const live = liveOf(store);
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = useMemo(() => new Pixels(), []);
  const predict = store.setup.value!.anatomy.predict;
  const form = forms(layer, (name) => predict?.equations.find((equation) => equation.name === name)?.shape ?? []);
  const { filter: [tall, wide], channels, across, map: [rows, columns] } = form;
  const count = Math.min(layer.outputs, MOST);
  const { width, height } = size.value;
  const px = pixelOf(store);
  // Of one unit of width: the filter takes what it needs beside its map, which has the whole.
  const under = rows ? rows / columns : 0;
  const above = (0.6 * tall) / (wide * across);
  const grid = useMemo(() => places(count, Math.max(40, width), Math.max(60, height), above + under + 0.06, px), [count, width, height, above, under, px]);
  const [side, tops] = [(0.6 * grid.width) / (wide * across), 0.6 * grid.width * (tall / (wide * across)) + GAP];
  const [cell, extent] = [grid.width / Math.max(1, columns), { width: grid.columns * (grid.width + grid.gap), height: grid.rows * (grid.height + grid.under + grid.gap) }];

  usePaint(() => {
    if (!canvas.current || !size.value.width) return;
    const context = begin(canvas.current, extent.width, extent.height);
    const [palette, { words }] = [paletteOf(store), diverging(schemeOf(store))];
    const [kernel, maps, unit] = [shown(store, live, layer), valueOf(live, layer), store.unit.value];
    const [most, brightest] = [kernel ? magnitude(kernel) : 1, maps ? magnitude(maps) : 1];
    context.imageSmoothingEnabled = false;
    context.font = `${10.5 * px}px system-ui, sans-serif`;
    const put = (data: ArrayLike<number>, high: number, broad: number, largest: number, x: number, y: number, w: number, h: number) => {
      pixels.matrix(data, high, broad, largest, words);
      context.drawImage(pixels.canvas, x, y, w, h);
      context.strokeStyle = palette.line;
      context.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    };
    for (let c = 0; c < count; c++) {
      const [x, y] = grid.at(c);
      if (kernel) {
        const cells = new Float64Array(tall * wide * across);
        for (let at = 0; at < cells.length; at++) cells[at] = kernel[weightAt(at, c)]!;
        put(cells, tall, wide * across, most, x, y, side * wide * across, side * tall);
      }
      if (maps && rows) put(Float64Array.from({ length: rows * columns }, (_, at) => maps[at * layer.outputs + c]!), rows, columns, brightest, x, y + tops, grid.width, cell * rows);
      context.fillStyle = unit?.index === c ? palette.accent : palette.faint;
      context.fillText(String(c), x + side * wide * across + 4, y + 10 * px);
    }
  }, [grid, layer]);

  /** Where a cell of the picture of a filter lies in the weights. */
  const weightAt = (at: number, filter: number): number => {
    const [row, column] = [Math.floor(at / (wide * across)), at % (wide * across)];
    return ((row * wide + (column % wide)) * channels + Math.floor(column / wide)) * layer.outputs + filter;
  };
  /** The filter under the pointer, and the entry: of its weights, or of its map. */
  const under_ = (event: Spot) => {
    for (let c = 0; c < count; c++) {
      const [left, top] = grid.at(c);
      const [x, y] = [event.offsetX - left, event.offsetY - top];
      if (x < 0 || y < 0 || x >= grid.width || y >= grid.height) continue;
      const [i, j] = [Math.floor(y / side), Math.floor(x / side)];
      if (i < tall && j < wide * across) return { filter: c, weight: weightAt(i * wide * across + j, c), place: null };
      const [row, column] = [Math.floor((y - tops) / cell), Math.floor(x / cell)];
      return { filter: c, weight: null, place: row >= 0 && row < rows ? (row * columns + column) * layer.outputs + c : null };
    }
    return null;
  };
  const hover = (event: Spot) => {
    const found = under_(event);
    const text = () => {
      const [data, maps] = [shown(store, live, layer), valueOf(live, layer)];
      const said = found!.weight !== null ? `${WORD[store.view.value]} ${short(data?.[found!.weight])}` : found!.place !== null ? `found ${short(maps?.[found!.place])}` : "";
      return [`filter ${found!.filter}`, said];
    };
    store.tip.value = found && { x: event.clientX, y: event.clientY, text };
  };
  const click = (event: Spot) => {
    const found = under_(event);
    if (found && found.weight !== null) openWeight(store, layer, found.weight, null);
    else if (found?.place != null && layer.value) openEntry(store, layer.value, found.place);
  };
  const cells = () => ({ width: rows ? cell : side, height: rows ? cell : side });
  const spot = useSpot({ cells, hover, away: () => (store.tip.value = null), open: click });
  return (
    <div class="cb-filters" ref={room}>
      <canvas
        ref={canvas}
        {...spot}
        aria-label={`${layer.outputs} filters of ${layer.weights}, each above the map of what it finds in the sample; arrow keys read it, Enter takes a number apart`}
      />
      {layer.outputs > MOST && <p class="cb-about">the first {MOST} of {layer.outputs} filters</p>}
    </div>
  );
}
