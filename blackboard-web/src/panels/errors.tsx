/** Of a target that is a quantity: predictions against the truth, and the largest errors. */
import { useStore, type Store } from "../store";
import { fmt } from "./numbers";
import { ranked } from "./scope";
import { target } from "./units";
import { look } from "./worst";

const SHOWN = 40;

/** Held-out targets and what is predicted for them, in their own unit. */
export function predictions({ setup: { value: setup }, frame }: Store): { truth: Float64Array; value: Float64Array } | null {
  const held = setup?.arrays.y_held?.data;
  const values = frame.value?.arrays.value?.data;
  if (!setup || !held || !values) return null;
  const own = (all: ArrayLike<number>) => Float64Array.from({ length: held.length }, (_, k) => target(setup, all[k]!));
  return { truth: own(held), value: own(values) };
}

export function Errors() {
  const store = useStore();
  const predicted = predictions(store);
  if (!predicted) return <p class="cb-note">Nothing was predicted yet.</p>;
  const { truth, value } = predicted;
  const off = truth.map((y, k) => Math.abs(value[k]! - y));
  return (
    <div data-part="predictions">
      <Scatter />
      <table class="cb-errors">
        <thead><tr><th>held out</th><th>target</th><th>predicted</th><th>off by</th></tr></thead>
        <tbody>
          {ranked(off).slice(0, SHOWN).map((k) => (
            <tr key={k}>
              <td><button class="cb-link" onClick={() => look(store, k)}>{k + 1}</button></td>
              <td>{fmt(truth[k]!)}</td>
              <td>{fmt(value[k]!)}</td>
              <td>{fmt(off[k]!)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Each held-out sample as a point: to the right what is true, upwards what is predicted; the line is where both agree. */
export function Scatter() {
  const store = useStore();
  const predicted = predictions(store);
  if (!predicted) return null;
  const { truth, value } = predicted;
  const name = store.setup.value!.data.target?.name ?? "target";
  const finite = [...truth, ...value].filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const place = (y: number) => (100 * (y - low)) / (high - low || 1);
  const points = Array.from(truth, (y, k): [number, number] => [place(y), 100 - place(value[k]!)]);
  const dots = (some: [number, number][]) => some.filter((point) => point.every(Number.isFinite)).map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join("");
  const { value: sample } = store.sample;
  const now = sample?.set === "held" ? points[sample.index] : undefined;
  const choose = (event: MouseEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const [x, y] = [(100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height];
    const far = points.map(([right, down]) => Math.hypot(right - x, down - y));
    store.look("held", far.indexOf(Math.min(...far.filter(Number.isFinite))));
  };
  return (
    <figure class="cb-scatter">
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label={`Predictions of ${name} against the truth, ${truth.length} held-out samples`} onClick={choose}>
        <line x1="0" y1="100" x2="100" y2="0" />
        <line x1="0" y1="100" x2="100" y2="100" />
        <line x1="0" y1="0" x2="0" y2="100" />
        <path d={dots(points)} />
        {now && <path class="cb-scatter-now" d={dots([now])} />}
      </svg>
      <figcaption>
        <span>{fmt(low, 3)}</span>
        <span>true {name} →, predicted ↑; on the line both agree</span>
        <span>{fmt(high, 3)}</span>
      </figcaption>
    </figure>
  );
}
