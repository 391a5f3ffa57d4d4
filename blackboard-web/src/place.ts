/** All that is set, as text: in the address of the page, or kept by the notebook. */
import { effect, untracked } from "@preact/signals";
import type { Flight, Model, Place, Stop, Values } from "./host";
import { tellerOf } from "./panels/teller";
import type { Store, View } from "./store";
import { throttle } from "./throttle";

const WAIT = 400; // milliseconds between two writings: browsers count them

export interface Kept {
  /** Of a page without Python, which reads it when it begins. */
  lesson?: string;
  settings: Values;
  stop: Stop;
  speed?: number | null;
  view?: View;
  panel?: string;
  charts?: string[];
  scheme?: "light" | "dark";
  sample?: { set: "train" | "held"; index: number };
  unit?: { layer: number; index: number };
  /** The step of a scene that is told. */
  scene?: { index: number; step: number };
  /** Where a recorded run is: other runs know themselves. */
  update?: number;
}

const NUMBERS = ["seed", "rate", "batch_size", "momentum"] as const;
const WORDS = ["activation", "init", "optimizer"] as const;
const STOPS = ["epoch", "loss", "accuracy"] as const;
const VIEWS = ["weights", "gradient", "change", "evidence"];

export function format(kept: Kept): string {
  const { settings, stop, sample, unit, scene } = kept;
  const parts: [string, string | number | undefined | null][] = [
    ["lesson", kept.lesson],
    ["layers", settings.layers?.join("-")],
    ...WORDS.map((name): [string, string | undefined] => [name, settings[name]]),
    ...NUMBERS.map((name): [string, number | undefined] => [name, settings[name]]),
    ...STOPS.map((name): [string, number | undefined | null] => [`stop_${name}`, stop[name]]),
    ["speed", kept.speed === null ? "max" : kept.speed],
    ["view", kept.view],
    ["charts", kept.charts?.join("-")],
    ["panel", kept.panel || undefined],
    ["scheme", kept.scheme],
    ["sample", sample && `${sample.set}-${sample.index}`],
    ["unit", unit && `${unit.layer}-${unit.index}`],
    ["scene", scene && `${scene.index}-${scene.step}`],
    ["update", kept.update],
  ];
  const said = parts.filter(([, value]) => value !== undefined && value !== null);
  return said.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
}

/** What the text says; parts that make no sense are left out. */
export function parse(text: string): Kept {
  const said = new URLSearchParams(text);
  const kept: Kept = { settings: {}, stop: {} };
  const number = (name: string) => {
    const value = said.get(name);
    return value && Number.isFinite(Number(value)) ? Number(value) : undefined;
  };
  const numbers = (name: string) => said.get(name)?.split("-").map(Number);
  const layers = said.get("layers") === "" ? [] : numbers("layers");
  if (layers?.every((size) => size >= 1 && Number.isInteger(size))) kept.settings.layers = layers;
  for (const name of WORDS) if (said.get(name)) kept.settings[name] = said.get(name)!;
  for (const name of NUMBERS) if (number(name) !== undefined) kept.settings[name] = number(name);
  for (const name of STOPS) if (number(`stop_${name}`) !== undefined) kept.stop[name] = number(`stop_${name}`);
  if (said.get("speed") === "max") kept.speed = null;
  else if (number("speed")! > 0) kept.speed = number("speed");
  if (VIEWS.includes(said.get("view") ?? "")) kept.view = said.get("view") as View;
  if (said.get("charts")) kept.charts = said.get("charts")!.split("-").slice(0, 2);
  if (said.get("panel")) kept.panel = said.get("panel")!;
  const scheme = said.get("scheme");
  if (scheme === "light" || scheme === "dark") kept.scheme = scheme;
  const [set, index] = said.get("sample")?.split("-") ?? [];
  if ((set === "train" || set === "held") && Number(index) >= 0) kept.sample = { set, index: Number(index) };
  const [layer, unit] = numbers("unit") ?? [];
  if (layer! >= 0 && unit! >= 0) kept.unit = { layer: layer!, index: unit! };
  const [told, step] = numbers("scene") ?? [];
  if (told! >= 0 && step! >= 0) kept.scene = { index: told!, step: step! };
  if (number("update")! >= 0) kept.update = number("update");
  return kept;
}

/** The place that a model gives: its own, or a trait of the widget. */
export function placeOf(model: Model): Place {
  if (model.place) return model.place;
  return {
    read: () => String(model.get?.("place") ?? ""),
    write: (text) => {
      model.set?.("place", text);
      model.save_changes?.();
    },
  };
}

/** Takes what the place says, once the run is known; from then on writes there what holds. */
export function keep(store: Store, place: Place): () => void {
  let wanted: Kept | null = parse(place.read());
  const write = throttle((text: string) => place.write(text), WAIT);
  const stops = [
    effect(() => {
      if (!store.setup.value || !store.frame.value) return;
      const now = state(store);
      if (!wanted) return write(format(now));
      const kept = wanted;
      wanted = null;
      untracked(() => restore(store, kept));
    }),
    place.watch?.(() => restore(store, parse(place.read()))),
  ];
  return () => stops.forEach((stop) => stop?.());
}

function state(store: Store): Kept {
  const { value: sample } = store.sample;
  const { value: setup } = store.setup;
  const frame = store.frame.value!;
  return {
    lesson: setup!.lesson,
    settings: { ...setup!.settings.values, ...frame.settings },
    stop: frame.stop,
    speed: store.speed.value,
    view: store.view.value,
    panel: store.panel.value,
    charts: store.charts.value,
    scheme: store.scheme.value ?? undefined,
    sample: sample && sample.set !== "drawn" ? { set: sample.set, index: sample.index } : undefined,
    unit: store.unit.value ?? undefined,
    scene: tellerOf(store).place,
    update: setup!.recorded && !frame.playing ? frame.update : undefined,
  };
}

/** Takes all that was kept. What can be set in flight is; only other settings begin the run anew. */
function restore(store: Store, kept: Kept): void {
  if (kept.speed !== undefined) store.speed.value = kept.speed;
  if (kept.view) store.view.value = kept.view;
  if (kept.panel) store.panel.value = kept.panel;
  if (kept.charts?.length === 2) store.charts.value = kept.charts;
  if (kept.scheme) store.scheme.value = kept.scheme;
  if (kept.sample) store.look(kept.sample.set, kept.sample.index);
  const [setup, frame] = [store.setup.peek(), store.frame.peek()];
  if (!setup || !frame) return;
  if (kept.unit && kept.unit.layer < Math.max(1, setup.units.length)) store.unit.value = kept.unit;
  if (kept.scene) tellerOf(store).goOn(kept.scene);
  if (setup.recorded && kept.update !== undefined) store.send({ do: "seek", update: Math.round(kept.update) });
  const { restart, in_flight, values } = setup.settings;
  const now = { ...values, ...frame.settings };
  const flight = differing(kept.settings, now, in_flight) as Flight;
  const others = differing(kept.settings, now, restart.filter((name) => !(in_flight as string[]).includes(name)));
  if (Object.keys(others).length) store.send({ do: "restart", settings: { ...others, ...flight } });
  else if (Object.keys(flight).length) store.send({ do: "set", ...flight });
  if (Object.keys(kept.stop).length) store.send({ do: "stop", ...kept.stop });
}

export function differing(wanted: Values, now: Values, names: (keyof Values)[]): Values {
  const entries = Object.entries(wanted).filter(
    ([name, value]) => names.includes(name as keyof Values) && String(value) !== String(now[name as keyof Values]),
  );
  return Object.fromEntries(entries);
}
