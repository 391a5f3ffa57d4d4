/** A sample that is no picture: a slider for each feature, within what the data have. */
import type { Setup } from "../host";
import { useStore } from "../store";
import { fieldText, fieldsOf } from "./units";

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
  const change = (values: [number, number][]) => {
    const x = sample.x.slice();
    for (const [j, value] of values) x[j] = value;
    store.sample.value = { ...sample, set: "drawn", index: -1, x };
  };
  const fields = fieldsOf(setup);
  const limits = ranges(setup);
  return (
    <div class="cb-sliders" role="group" aria-label="Features of the sample">
      {fields.slice(0, MOST).map((field) => {
        const { name, at, options } = field;
        const [j] = at as [number];
        if (options)
          return (
            <label key={name}>
              <span>{name}</span>
              <select
                value={at.findIndex((feature) => sample.x[feature]! > 0.5)}
                onChange={(event) => change(at.map((feature, k) => [feature, Number(k === Number(event.currentTarget.value))]))}
              >
                {options.map((option, k) => <option key={option} value={k}>{option}</option>)}
              </select>
            </label>
          );
        const [low, high] = limits[j]!;
        return (
          <label key={name}>
            <span>{name}</span>
            <input
              type="range" min={low} max={high} step={(high - low) / 200 || 1} value={sample.x[j]} aria-valuetext={fieldText(setup, field, sample.x)}
              onInput={(event) => change([[j, Number(event.currentTarget.value)]])}
            />
            <output>{fieldText(setup, field, sample.x)}</output>
          </label>
        );
      })}
      {fields.length > MOST && <p class="cb-note">The first {MOST} of {fields.length} columns.</p>}
    </div>
  );
}
