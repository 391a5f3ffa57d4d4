/** A recurrent layer: its hidden state over time, a row a unit, a column a step. */
import { useMemo, useRef } from "preact/hooks";
import { diverging, magnitude } from "../colors";
import { short } from "../format";
import { usePaint, useSize } from "../hooks";
import { openEntry } from "../panels/scope";
import { useStore } from "../store";
import { paletteOf, schemeOf } from "../theme";
import type { LayerView } from "./layers";
import { liveOf } from "./live";
import { Pixels, begin } from "./paint";
import { series } from "./series";
import { useSpot, type Spot } from "./spot";

const CURVE = 0.3; // of the height, for the sample above the states

export function States({ layer }: { layer: LayerView; index: number }) {
  const store = useStore();
  const live = liveOf(store);
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = useMemo(() => new Pixels(), []);
  const { width, height } = size.value;
  const [top, steps] = [Math.round(CURVE * height), layer.states.length];
  const columns = () => layer.states.map((name) => live.values.value?.[name]);
  const units = layer.states.length ? (columns()[0]?.length ?? layer.outputs) : layer.outputs;

  usePaint(() => {
    if (!canvas.current || !size.value.width || !size.value.height) return;
    const context = begin(canvas.current, width, height);
    const palette = paletteOf(store);
    const { sequence } = store.setup.value!.data;
    const x = store.sample.value?.x;
    if (x && sequence) series(context, x, sequence, palette, width, top - 6);
    const states = columns();
    if (!states.length || states.some((state) => !state)) return;
    const table = new Float64Array(units * steps);
    states.forEach((state, t) => state!.forEach((value, unit) => (table[unit * steps + t] = value)));
    pixels.matrix(table, units, steps, Math.max(1, magnitude(table)), diverging(schemeOf(store)).words);
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels.canvas, 0, top, width, height - top);
    context.strokeStyle = palette.line;
    context.strokeRect(0.5, top + 0.5, width - 1, height - top - 1);
  }, [width, height, layer]);

  const under = (event: Spot) => {
    const [t, unit] = [Math.floor((event.offsetX / width) * steps), Math.floor(((event.offsetY - top) / (height - top)) * units)];
    return unit >= 0 && unit < units && t >= 0 && t < steps ? { t, unit } : null;
  };
  const hover = (event: Spot) => {
    const found = under(event);
    const text = () => [`step ${found!.t + 1}, unit ${found!.unit}`, `state ${short(columns()[found!.t]?.[found!.unit])}`];
    store.tip.value = found && { x: event.clientX, y: event.clientY, text };
  };
  const click = (event: Spot) => {
    const found = under(event);
    if (found) openEntry(store, layer.states[found.t]!, found.unit);
  };
  const cells = () => ({ top, width: width / steps, height: (height - top) / units });
  const spot = useSpot({ cells, hover, away: () => (store.tip.value = null), open: click });
  return (
    <div class="cb-states" ref={room}>
      <canvas
        ref={canvas}
        {...spot}
        aria-label={`The sample over time, and below it the ${units} hidden units at each of its ${steps} steps; arrow keys read them, Enter takes a number apart`}
      />
    </div>
  );
}
