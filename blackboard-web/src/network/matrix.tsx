/** Weights between units: what comes in from above to below (rows), what goes out from left to right. */
import { useMemo, useRef } from "preact/hooks";
import { diverging, magnitude } from "../colors";
import { short } from "../format";
import { usePaint, useSize } from "../hooks";
import { useStore } from "../store";
import { openWeight } from "../panels/scope";
import { pixelOf } from "../pixel";
import { paletteOf, schemeOf } from "../theme";
import type { LayerView } from "./layers";
import { WORD, incomingOf, liveOf, shown } from "./live";
import { Outcome } from "./outcome";
import { Pixels, SIDE, begin } from "./paint";
import { useSpot, type Spot } from "./spot";

const CELL = 40; // pixels of the page, of the largest cell
const NAMED = 72; // where few classes have long names

interface Props {
  layer: LayerView;
  index: number;
  /** Room for what comes out, below. */
  below?: number;
}

export function Matrix({ layer, index: number, below = 0 }: Props) {
  const store = useStore();
  const live = liveOf(store);
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = useMemo(() => [new Pixels(), new Pixels()] as const, []);
  const { width, height } = size.value;
  const { inputs, outputs } = layer;
  const px = pixelOf(store);
  const largest = px * (outputs <= 4 && layer.labels ? NAMED : CELL);
  const wide = Math.min(largest, Math.max(1, width - 2 * SIDE) / outputs);
  const tall = Math.min(CELL * px, Math.max(20, height - below * px) / inputs, Math.max(1.5 * wide, 4));
  const [w, h] = [outputs * wide, inputs * tall];

  usePaint(() => {
    if (!canvas.current || !size.value.width) return;
    const context = begin(canvas.current, w + 2 * SIDE, h);
    const [palette, colors] = [paletteOf(store), diverging(schemeOf(store)).words];
    const data = shown(store, live, layer) ?? new Float32Array(inputs * outputs);
    const incoming = incomingOf(store, live, layer);
    context.imageSmoothingEnabled = Math.min(wide, tall) < 1;
    pixels[0].matrix(data, inputs, outputs, magnitude(data), colors);
    context.drawImage(pixels[0].canvas, 2 * SIDE, 0, w, h);
    context.strokeStyle = palette.line;
    if (incoming?.length === inputs) {
      pixels[1].matrix(incoming, inputs, 1, Math.max(1, magnitude(incoming)), colors);
      context.drawImage(pixels[1].canvas, 0, 0, SIDE, h);
      context.strokeRect(0.5, 0.5, SIDE - 1, h - 1);
    }
    context.strokeRect(2 * SIDE + 0.5, 0.5, w - 1, h - 1);
    const unit = store.unit.value;
    context.strokeStyle = palette.accent;
    context.lineWidth = 2;
    if (unit?.layer === number - 1) context.strokeRect(1, unit.index * tall, w + 2 * SIDE - 2, Math.max(tall, 2));
    if (unit?.layer === number) context.strokeRect(2 * SIDE + unit.index * wide, 1, Math.max(wide, 2), h - 2);
  }, [layer, w, h, wide, tall]);

  const cell = (event: Spot) => {
    const [i, j] = [Math.floor(event.offsetY / tall), Math.floor((event.offsetX - 2 * SIDE) / wide)];
    return i >= 0 && i < inputs && j < outputs ? ([i, j] as const) : null;
  };
  const hover = (event: Spot) => {
    const place = cell(event);
    store.tip.value = place && { x: event.clientX, y: event.clientY, text: () => told(...place) };
  };
  const told = (i: number, j: number): string[] => {
    const incoming = incomingOf(store, live, layer)?.[i];
    const lines = incoming === undefined ? [] : [`unit ${i}: active ${short(incoming)}`];
    if (j >= 0) {
      const value = shown(store, live, layer)?.[i * outputs + j];
      lines.push(`to ${layer.labels?.[j] ?? `unit ${j}`}: ${WORD[store.view.value]} ${short(value)}`);
    }
    return lines;
  };
  const click = (event: Spot) => {
    const place = cell(event);
    if (!place) return;
    const [i, j] = place;
    if (j >= 0) openWeight(store, layer, i * outputs + j, null);
    else openWeight(store, { ...layer, value: layer.incoming }, null, i);
    store.unit.value = layer.hidden && j >= 0 ? { layer: number, index: j } : number ? { layer: number - 1, index: i } : null;
  };
  // The column before the weights is of the units that come in.
  const cells = () => ({ left: 2 * SIDE - wide, width: wide, height: tall });
  const spot = useSpot({ cells, hover, away: () => (store.tip.value = null), open: click });

  return (
    <div class="cb-matrix" ref={room}>
      <canvas
        ref={canvas}
        {...spot}
        aria-label={`${WORD[store.view.value]}s of ${layer.weights}, ${inputs} × ${outputs}; arrow keys read them, Enter takes a number apart`}
        style={{ width: `${w + 2 * SIDE}px`, height: `${h}px` }}
      />
      <Outcome layer={layer} cell={wide} />
    </div>
  );
}
