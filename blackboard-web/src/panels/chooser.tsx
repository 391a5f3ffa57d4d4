/** Which sample is looked at: of the held ones, of those trained on, drawn, the worst. */
import { useStore, type Store } from "../store";
import { Thumb } from "./thumb";
import { body, best, predict } from "./scope";
import { worst } from "./scores";
import { fmt, percent } from "./numbers";
import { target } from "./units";

export const className = (store: Store, k: number): string => store.setup.value?.data.classes?.[k] ?? String(k);

export function Chooser() {
  const store = useStore();
  const [setup, sample] = [store.setup.value!, store.sample.value];
  if (!sample) return null;
  const move = (by: number) => sample.set !== "drawn" && store.look(sample.set, sample.index + by);
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    move(by);
    event.preventDefault();
    event.stopPropagation();
  };
  const bad = worst(store);
  return (
    <div class="cb-chooser" role="group" aria-label="Sample" onKeyDown={keys}>
      <Thumb x={sample.x} size={44} />
      <div class="cb-chooser-text">
        <b>{sample.set === "drawn" ? "Your own" : `${sample.set === "held" ? "Held out" : "Training"} ${sample.index + 1}`}</b>
        <span>{said(store)}</span>
      </div>
      <div class="cb-buttons">
        <button aria-label="Sample before" disabled={sample.set === "drawn"} onClick={() => move(-1)}>‹</button>
        <button aria-label="Next sample" disabled={sample.set === "drawn"} onClick={() => move(1)}>›</button>
        {setup.data.held > 0 && <button aria-pressed={sample.set === "held"} onClick={() => store.look("held", 0)}>held out</button>}
        <button aria-pressed={sample.set === "train"} onClick={() => store.look("train", 0)}>training</button>
        {bad !== null && <button onClick={() => store.look("held", bad)}>worst</button>}
      </div>
    </div>
  );
}

/** What it is, and what the network takes it for. */
function said(store: Store): string {
  const { setup, frame, sample } = store;
  const p = predict(setup.value, frame.value, sample.value!.x);
  const y = sample.value!.y;
  if (!setup.value?.data.classes) {
    const own = (value: number) => fmt(target(setup.value!, value));
    return `${setup.value?.data.target?.name ?? "target"} ${y === null ? "unknown" : own(y)}${p ? `, the network says ${own(p[0]!)}` : ""}`;
  }
  const is = y === null ? "no label: the network's own guess stands for it" : `a ${className(store, y)}`;
  if (!p || !body(setup.value, "predict")) return is;
  return `${is}; the network says ${className(store, best(p))} (${percent(p[best(p)]!)})`;
}
