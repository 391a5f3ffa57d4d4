/** What buttons and keys do. */
import { scopeOf } from "./panels/scope";
import type { Store } from "./store";

/** Updates a second; null: as fast as it can. */
export const SPEEDS: (number | null)[] = [1, 5, 25, 100, 500, null];

export function toggle(store: Store): void {
  if (store.frame.value?.playing) store.send({ do: "pause" });
  else store.send({ do: "play", rate: store.speed.value });
}

export function step(store: Store, count: number): void {
  if (store.frame.value?.playing) store.send({ do: "pause" });
  store.send({ do: "step", count });
}

export function setSpeed(store: Store, speed: number | null): void {
  store.speed.value = speed;
  if (store.frame.value?.playing) store.send({ do: "play", rate: speed });
}

/** From the same first weights, or (another seed) from new ones. */
export function restart(store: Store, fresh = false): void {
  const seed = store.frame.value?.settings.seed ?? store.setup.value?.settings.values.seed;
  store.send(fresh && seed !== undefined ? { do: "restart", settings: { seed: seed + 1 } } : { do: "restart" });
}

export function fork(store: Store): void {
  if (store.frames.value.b) store.send({ do: "drop", branch: "b" });
  store.send({ do: "fork" });
  store.branch.value = "b";
}

export function show(store: Store, branch: string): void {
  store.send({ do: "show", branch });
  store.branch.value = branch;
}

export function drop(store: Store, branch: string): void {
  store.send({ do: "drop", branch });
  store.forget(branch);
}

/** One operation further (or back) through the pass of the sample shown, in the microscope. */
export function operate(store: Store, by: 1 | -1): void {
  if (!store.setup.value?.anatomy.learn) return;
  store.panel.value = "microscope";
  scopeOf(store).advance(by);
}

export function nextSample(store: Store, count: number): void {
  const sample = store.sample.value;
  if (!sample || sample.set === "drawn") store.look("held", 0);
  else store.look(sample.set, sample.index + count);
}
