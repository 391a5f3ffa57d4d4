/** What comes out of a layer, aligned with the columns of its matrix. */
import { useMemo, useRef } from "preact/hooks";
import { diverging, magnitude } from "../colors";
import { percent, short } from "../format";
import { usePaint } from "../hooks";
import { useStore } from "../store";
import { target } from "../panels/units";
import { paletteOf, schemeOf } from "../theme";
import type { LayerView } from "./layers";
import { liveOf, valueOf } from "./live";
import { Pixels, SIDE, begin } from "./paint";

/** Activations of hidden units; probabilities with names; or a number. */
export function Outcome({ layer, cell }: { layer: LayerView; cell: number }) {
  const store = useStore();
  const values = valueOf(liveOf(store), layer);
  if (!values || values.length !== layer.outputs) return null;
  if (layer.hidden) return <Strip values={values} cell={cell} />;
  if (!layer.labels) return <Answer layer={layer} />;
  return (
    <div class="cb-outcome">
      <Probabilities values={values} labels={layer.labels} cell={cell} />
      <Answer layer={layer} />
    </div>
  );
}

function Strip({ values, cell }: { values: Float64Array; cell: number }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = useMemo(() => new Pixels(), []);
  const width = values.length * cell;
  usePaint(() => {
    const context = begin(canvas.current!, width, SIDE);
    pixels.matrix(values, 1, values.length, Math.max(1, magnitude(values)), diverging(schemeOf(store)).words);
    context.imageSmoothingEnabled = cell < 1;
    context.drawImage(pixels.canvas, 0, 0, width, SIDE);
    context.strokeStyle = paletteOf(store).line;
    context.strokeRect(0.5, 0.5, width - 1, SIDE - 1);
  }, [values, width]);
  return <canvas class="cb-strip" data-count={values.length} ref={canvas} aria-hidden="true" style={{ marginLeft: `${2 * SIDE}px`, width: `${width}px`, height: `${SIDE}px` }} />;
}

function Probabilities({ values, labels, cell }: { values: Float64Array; labels: string[]; cell: number }) {
  const { value: sample } = useStore().sample;
  const best = strongest(values);
  const named = cell >= (labels.every((label) => label.length <= 2) ? 8 : 36);
  return (
    <div class="cb-outcome__bars" style={{ marginLeft: `${2 * SIDE}px`, width: `${cell * values.length}px` }} aria-hidden="true">
      {labels.map((label, k) => (
        <span key={k} class={k === sample?.y ? "cb-outcome__true" : ""}>
          <i style={{ transform: `scaleY(${values[k]})` }} class={k === best ? "cb-outcome__best" : ""} />
          {named && <b>{label}</b>}
        </span>
      ))}
    </div>
  );
}

/** What the network says, and whether it is right. */
export function Answer({ layer }: { layer: LayerView }) {
  const store = useStore();
  const values = valueOf(liveOf(store), layer);
  const setup = store.setup.value!;
  const y = store.sample.value?.y ?? null;
  if (!values?.length) return null;
  if (!layer.labels)
    return (
      <p class="cb-answer">
        <b>{short(target(setup, values[0]!))}</b> {y !== null && `should be ${short(target(setup, y))}`}
      </p>
    );
  const best = strongest(values);
  return (
    <p class="cb-answer">
      <b>{layer.labels[best]}</b> {percent(values[best]!)}
      {y === best && <span class="cb-answer__right">right</span>}
      {y !== null && y !== best && <span class="cb-answer__wrong">is {layer.labels[y]}</span>}
    </p>
  );
}

function strongest(values: Float64Array): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k]! > values[best]!) best = k;
  return best;
}
