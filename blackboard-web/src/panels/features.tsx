/** A sample that is no picture: a slider for each feature, within what the data have. */
import type { Setup } from "../host";
import { useStore } from "../store";
import { fmt } from "./numbers";
import { scaling } from "./scaling";

const MOST = 60;
const known = new WeakMap<Setup, [number, number][]>();

/** Smallest and largest number of each feature. */
function ranges(setup: Setup): [number, number][] {
  let found = known.get(setup);
  if (found) return found;
  const { X } = setup.arrays;
  const width = X?.shape[1] ?? 0;
  found = Array.from({ length: width }, (): [number, number] => [Infinity, -Infinity]);
  X?.data.forEach((x, at) => {
    const range = found![at % width]!;
    range[0] = Math.min(range[0], x);
    range[1] = Math.max(range[1], x);
  });
  known.set(setup, found);
  return found;
}

export function Features() {
  const store = useStore();
  const [setup, sample] = [store.setup.value!, store.sample.value!];
  const known = setup.arrays.mean && setup.arrays.scale ? scaling(setup) : null;
  const said = (x: number, j: number) => fmt(known ? x * known.scale[j]! + known.mean[j]! : x, 3);
  const set = (j: number, value: number) => {
    const x = sample.x.slice();
    x[j] = value;
    store.sample.value = { ...sample, set: "drawn", index: -1, x };
  };
  return (
    <div class="cb-sliders" role="group" aria-label="Features of the sample">
      {ranges(setup).slice(0, MOST).map(([low, high], j) => (
        <label key={j}>
          <span>{setup.data.features[j] ?? `feature ${j}`}</span>
          <input type="range" min={low} max={high} step={(high - low) / 200 || 1} value={sample.x[j]} onInput={(event) => set(j, Number(event.currentTarget.value))} />
          <output>{said(sample.x[j]!, j)}</output>
        </label>
      ))}
      {setup.data.features.length > MOST && <p class="cb-note">The first {MOST} of {setup.data.features.length} features.</p>}
    </div>
  );
}
