/** What buttons and keys do. */
import type { Values } from "./host";
import { scopeOf } from "./panels/scope";
import type { Store } from "./store";

/** Updates a second; null: as fast as it can. */
export const SPEEDS: (number | null)[] = [1, 5, 25, 100, 500, null];

export function toggle(store: Store): void {
  if (store.frame.value?.playing) store.send({ do: "pause" });
  else store.send({ do: "play", rate: store.speed.value });
}

/** So many updates on from where training is on its way to: what is asked for meanwhile adds up. */
export const step = (store: Store, count: number): void => store.send({ do: "step", count });

export function setSpeed(store: Store, speed: number | null): void {
  store.speed.value = speed;
  if (store.frame.value?.playing) store.send({ do: "play", rate: speed });
}

/** From the same first weights, or (another seed) from new ones; what was set in flight still holds. */
export function restart(store: Store, fresh = false): void {
  const { in_flight, restart, values } = store.setup.value!.settings;
  const now = { ...values, ...store.frame.value?.settings };
  const settings: Values = {};
  for (const name of in_flight) if (restart.includes(name)) settings[name] = now[name];
  if (fresh && now.seed !== undefined) settings.seed = now.seed + 1;
  store.send(Object.keys(settings).length ? { do: "restart", settings } : { do: "restart" });
}

export const fork = (store: Store): void => store.send({ do: "fork" });
export const show = (store: Store, branch: string): void => store.send({ do: "show", branch });
export const drop = (store: Store, branch: string): void => store.send({ do: "drop", branch });
export const branches = (store: Store): string[] => store.frame.value?.branches ?? [];

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
