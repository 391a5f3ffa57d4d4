/** One picture for each unit of a layer: what weighs its inputs. Below it, how active it is. */
import { useMemo, useRef } from "preact/hooks";
import { diverging, magnitude } from "../colors";
import { short } from "../format";
import { usePaint, useSize } from "../hooks";
import { useStore } from "../store";
import { openWeight } from "../panels/scope";
import { pixelOf } from "../pixel";
import { paletteOf, schemeOf } from "../theme";
import { places, type Places } from "./grid";
import { pictureOf, type LayerView } from "./layers";
import { WORD, featureName, liveOf, shown, valueOf } from "./live";
import { Pixels, begin } from "./paint";
import { NAMES, activation, bars, frameOf, names, picture, spots } from "./strokes";

const MOST = 576; // units shown

export function Tiles({ layer, index: number }: { layer: LayerView; index: number }) {
  const store = useStore();
  const live = liveOf(store);
  const setup = store.setup.value!;
  const image = pictureOf(setup);
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = useMemo(() => new Pixels(), []);
  const count = Math.min(layer.outputs, MOST);
  const px = pixelOf(store);
  const left = image ? 0 : Math.round(NAMES * px);
  const aspect = image ? image[0] / image[1] : Math.min(2.4, Math.max(0.5, layer.inputs / 8));
  const { width, height } = size.value;
  const grid = useMemo(
    () => places(count, Math.max(40, width - left), Math.max(60, height), aspect, px),
    [count, width, height, left, aspect, px],
  );
  const extent = {
    width: left + grid.columns * (grid.width + grid.gap) - grid.gap,
    height: grid.rows * (grid.height + grid.under + grid.gap),
  };

  usePaint(() => {
    if (!canvas.current || !size.value.width) return;
    const context = begin(canvas.current, extent.width, extent.height);
    const [palette, map] = [paletteOf(store), diverging(schemeOf(store))];
    const data = shown(store, live, layer) ?? new Float32Array(layer.inputs * layer.outputs);
    const most = magnitude(data);
    if (image) pixels.tiles(data, image, layer.outputs, most, map.words);
    const draw = image
      ? (j: number, x: number, y: number) => picture(context, pixels, j, layer, x, y, grid)
      : (j: number, x: number, y: number) => bars(context, data, j, layer, most, palette, x, y, grid);
    const activations = valueOf(live, layer);
    const strongest = activations ? Math.max(1, magnitude(activations)) : 1;
    for (let j = 0; j < count; j++) {
      const [x, y] = grid.at(j);
      draw(j, left + x, y);
      frameOf(context, palette, left + x, y, grid);
      if (activations)
        activation(context, activations[j]! / strongest, palette, map.words, left + x, y + grid.height, grid, px);
    }
    const { value: feature } = store.feature;
    if (image && feature !== null) spots(context, palette, feature, image, count, grid);
    if (!image) names(context, setup.data.features, palette, grid, px);
  }, [grid, layer, setup]);

  const chosen = store.unit.value?.layer === number ? store.unit.value.index : -1;
  // A click opens the number under it: of the picture a weight, below it how active the unit is.
  const open = (event: MouseEvent, j: number) => {
    const feature = featureAt(event.offsetX, event.offsetY, grid, layer.inputs, image);
    store.unit.value = { layer: number, index: j };
    openWeight(store, layer, feature !== null && feature < layer.inputs ? feature * layer.outputs + j : null, j);
  };
  const keyed = (event: KeyboardEvent) => {
    const { value: feature } = store.feature;
    if (event.key === "Enter" && chosen >= 0 && feature !== null) return openWeight(store, layer, feature * layer.outputs + chosen, chosen);
    if (event.shiftKey && event.key.startsWith("Arrow")) return read(event);
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns }[event.key];
    if (event.key === "Enter" && chosen >= 0) return openWeight(store, layer, null, chosen);
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = Math.max(0, Math.min(count - 1, Math.max(chosen, 0) + (chosen < 0 ? 0 : move)));
    store.unit.value = { layer: number, index: next };
  };
  /** With shift, the arrow keys move over the inputs in the picture of the unit. */
  const read = (event: KeyboardEvent) => {
    const [j, across] = [Math.max(chosen, 0), image ? image[1] : 1];
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key] ?? 0;
    const { value: from } = store.feature;
    const to = from === null ? 0 : from + by;
    const feature = to >= 0 && to < layer.inputs ? to : (from ?? 0);
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [left_, top] = grid.at(j);
    const [row, column] = [Math.floor(feature / across), feature % across];
    const x = box.left + left + left_ + ((column + 0.5) / across) * grid.width;
    const y = box.top + top + ((row + 0.5) / (image ? image[0] : layer.inputs)) * grid.height;
    store.unit.value = { layer: number, index: j };
    store.feature.value = feature;
    store.tip.value = { x, y, text: () => told(j, feature), byKeys: true };
    event.preventDefault();
    event.stopPropagation();
  };
  const hover = (event: PointerEvent) => {
    const option = (event.target as HTMLElement).closest<HTMLElement>("[data-unit]");
    if (!option) return away();
    const j = Number(option.dataset.unit);
    const at = featureAt(event.offsetX, event.offsetY, grid, layer.inputs, image);
    const feature = at !== null && at < layer.inputs ? at : null;
    store.feature.value = feature;
    store.tip.value = { x: event.clientX, y: event.clientY, text: () => told(j, feature) };
  };
  const away = () => {
    store.tip.value = null;
    store.feature.value = null;
  };
  const told = (j: number, feature: number | null): string[] => {
    const data = shown(store, live, layer);
    const activations = valueOf(live, layer);
    const name = layer.labels ? layer.labels[j]! : `unit ${j}`;
    const lines = [`${name}${activations ? `: ${layer.hidden ? "active" : "probability"} ${short(activations[j])}` : ""}`];
    if (feature !== null)
      lines.push(`${featureName(setup, feature)}: ${WORD[store.view.value]} ${short(data?.[feature * layer.outputs + j])}`);
    return lines;
  };

  return (
    <div class="cb-tiles" ref={room}>
      <div
        class="cb-tiles__grid"
        role="listbox"
        tabIndex={0}
        aria-label={`${layer.title}: pictures of their ${WORD[store.view.value]}s; arrow keys choose a unit, with Shift an input, Enter takes a number apart`}
        aria-activedescendant={chosen >= 0 ? `cb-unit-${number}-${chosen}` : undefined}
        style={{ width: `${extent.width}px`, height: `${extent.height}px` }}
        onKeyDown={keyed}
        onPointerMove={hover}
        onPointerLeave={away}
        onBlur={away}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {Array.from({ length: count }, (_, j) => (
          <Option key={j} {...{ number, j, grid, left }} name={layer.labels?.[j] ?? String(j)} chosen={j === chosen} open={open} />
        ))}
      </div>
      {layer.outputs > MOST && <p class="cb-about">the first {MOST} of {layer.outputs} units</p>}
    </div>
  );
}

interface OptionProps {
  number: number;
  j: number;
  grid: Places;
  left: number;
  name: string;
  chosen: boolean;
  open: (event: MouseEvent, index: number) => void;
}

function Option({ number, j, grid, left, name, chosen, open }: OptionProps) {
  const [x, y] = grid.at(j);
  return (
    <div
      id={`cb-unit-${number}-${j}`}
      class="cb-tile"
      role="option"
      aria-selected={chosen}
      aria-label={`unit ${name}`}
      data-unit={j}
      style={{ left: `${left + x}px`, top: `${y}px`, width: `${grid.width}px`, height: `${grid.height}px` }}
      onClick={(event) => open(event, j)}
    >
      {grid.under >= 12 && <span class="cb-tile__name">{name}</span>}
    </div>
  );
}

function featureAt(x: number, y: number, grid: Places, inputs: number, image: [number, number] | null): number | null {
  const [right, down] = [x / grid.width, y / grid.height];
  if (!(right >= 0 && right < 1 && down >= 0 && down < 1)) return null;
  if (!image) return Math.floor(down * inputs);
  return Math.floor(down * image[0]) * image[1] + Math.floor(right * image[1]);
}
