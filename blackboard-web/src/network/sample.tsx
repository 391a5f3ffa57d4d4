/** The sample that goes through the network, and the way to others. */
import { useMemo, useRef } from "preact/hooks";
import { nextSample } from "../actions";
import { diverging, sequential } from "../colors";
import { short } from "../format";
import type { Setup } from "../host";
import { usePaint } from "../hooks";
import { raw } from "../panels/scaling";
import { fieldText, fieldsOf, target } from "../panels/units";
import { useStore, type Sample as Chosen } from "../store";
import { pixelOf } from "../pixel";
import { paletteOf, schemeOf } from "../theme";
import { Button } from "../ui";
import { pictureOf } from "./layers";
import { featureName } from "./live";
import { Pixels, begin } from "./paint";
import { series } from "./series";
import { useSpot, type Spot } from "./spot";

const WIDTH = 124; // pixels of the page
const SPAN = 2.5; // standard deviations that have a colour of their own

export function SampleView() {
  const store = useStore();
  const setup = store.setup.value!;
  const { value: sample } = store.sample;
  if (!sample) return null;
  const picture = pictureOf(setup);
  const counts = { train: setup.arrays.X?.shape[0] ?? 0, held: setup.arrays.X_held?.shape[0] ?? 0 };
  return (
    <div class="cb-sample">
      <h3 class="cb-head">
        <span class="cb-math"><i>x</i></span>
        <span class="cb-head__what">{title(sample, setup)}</span>
      </h3>
      <div class="cb-sample__body">
        {setup.data.sequence ? <Series sequence={setup.data.sequence} /> : picture ? <Picture shape={picture} /> : <Features />}
        <div class="cb-sample__way" role="group" aria-label="Sample">
          <Button label="Sample before" icon="left" keys="," kind="quiet" onClick={() => nextSample(store, -1)} />
          <span>{sample.set === "drawn" ? "drawn" : `${sample.index + 1} / ${counts[sample.set]}`}</span>
          <Button label="Next sample" icon="right" keys="." kind="quiet" onClick={() => nextSample(store, 1)} />
        </div>
        {counts.held > 0 && (
          <select
            aria-label="Samples of"
            value={sample.set}
            onChange={(event) => store.look(event.currentTarget.value as "held" | "train", 0)}
          >
            <option value="held">held out</option>
            <option value="train">trained on</option>
            {sample.set === "drawn" && <option value="drawn">drawn</option>}
          </select>
        )}
      </div>
    </div>
  );
}

function title({ y }: Chosen, setup: Setup): string {
  const { classes, target: known } = setup.data;
  if (y === null) return "nobody knows";
  return classes ? `this is ${classes[y] ?? y}` : `${known?.name ?? "target"} ${short(target(setup, y))}`;
}

/** A sequence as a curve over time. */
function Series({ sequence }: { sequence: [number, number] }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, height] = [WIDTH, 96].map((length) => Math.round(length * pixelOf(store))) as [number, number];
  usePaint(() => {
    const x = store.sample.value?.x;
    if (x && canvas.current) series(begin(canvas.current, width, height), x, sequence, paletteOf(store), width, height);
  }, [width, height]);
  const hover = (event: Spot) => {
    const t = Math.floor((event.offsetX / width) * sequence[0]);
    const text = () => [`step ${t + 1}: ${Array.from({ length: sequence[1] }, (_, k) => short(store.sample.value?.x[t * sequence[1] + k])).join(", ")}`];
    store.tip.value = { x: event.clientX, y: event.clientY, text };
  };
  const spot = useSpot({ cells: () => ({ width: width / sequence[0], height }), hover, away: () => (store.tip.value = null) });
  return (
    <canvas
      ref={canvas}
      {...spot}
      aria-label={`The sample, ${sequence[0]} steps over time; arrow keys read it`}
      style={{ width: `${width}px`, height: `${height}px` }}
    />
  );
}

function Picture({ shape: [rows, columns] }: { shape: [number, number] }) {
  const store = useStore();
  const setup = store.setup.value!;
  const { image } = setup.data; // as it was seen: ink on paper, not the signed numbers that go in
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = useMemo(() => new Pixels(), []);
  const side = Math.round(WIDTH * pixelOf(store));
  const height = Math.round((side * rows) / columns);
  usePaint(() => {
    const x = store.sample.value?.x;
    if (!x || !canvas.current) return;
    const context = begin(canvas.current, side, height);
    if (image) pixels.shares(raw(setup, x), rows, columns, sequential(schemeOf(store)).words);
    else pixels.matrix(x, rows, columns, SPAN, diverging(schemeOf(store)).words);
    context.imageSmoothingEnabled = columns > side;
    context.drawImage(pixels.canvas, 0, 0, side, height);
    const { value: feature } = store.feature;
    if (feature === null) return;
    const [wide, tall] = [side / columns, height / rows];
    context.strokeStyle = paletteOf(store).ink;
    context.strokeRect((feature % columns) * wide + 0.5, Math.floor(feature / columns) * tall + 0.5, wide - 1, tall - 1);
  }, [rows, columns, setup, side]);
  const hover = (event: Spot) => {
    const [i, j] = [Math.floor((event.offsetY / height) * rows), Math.floor((event.offsetX / side) * columns)];
    const pixel = Math.min(i * columns + j, store.setup.value!.data.features.length - 1);
    store.feature.value = pixel;
    const text = () => [`${featureName(store.setup.value!, pixel)}: ${short(store.sample.value?.x[pixel])}`];
    store.tip.value = { x: event.clientX, y: event.clientY, text };
  };
  const away = () => {
    store.tip.value = null;
    store.feature.value = null;
  };
  const spot = useSpot({ cells: () => ({ width: side / columns, height: height / rows }), hover, away });
  return (
    <canvas
      ref={canvas}
      class="cb-sample__picture"
      {...spot}
      aria-label={`The sample, ${rows} × ${columns} pixels; arrow keys read it`}
      style={{ width: `${side}px`, height: `${height}px` }}
    />
  );
}

function Features() {
  const store = useStore();
  const setup = store.setup.value!;
  const { value: pointed } = store.feature;
  const { x } = store.sample.value!;
  return (
    <ul class="cb-features">
      {fieldsOf(setup).map((field) => {
        const { name, at: [i], options } = field;
        return (
          <li key={name} class={pointed !== null && field.at.includes(pointed) ? "cb-features__pointed" : ""}>
            <span title={name}>{name}</span>
            {!options && <i style={{ "--value": Math.max(-1, Math.min(1, x[i!]! / SPAN)), color: `var(--${x[i!]! < 0 ? "minus" : "plus"})` }} />}
            <b>{fieldText(setup, field, x)}</b>
          </li>
        );
      })}
    </ul>
  );
}
