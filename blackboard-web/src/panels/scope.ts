/** What the microscope looks at: one sample's pass with the parameters shown, and a path from entry to entry. */
import { computed, effect, signal } from "@preact/signals";
import { able } from "../able";
import { Body, type Pass } from "../anatomy";
import type { Frame, Setup } from "../host";
import type { Sample, Store } from "../store";

const REST = 6; // times as long as a pass and its pictures took, nothing is done

/** One entry on the way from a number down to what it is made of. */
export interface Spot {
  name: string;
  index: number;
}

const bodies = new WeakMap<object, Body>();
/** The anatomy of a network with its script compiled, once. */
export function body(setup: Setup | null, which: "predict" | "learn"): Body | null {
  const anatomy = setup?.anatomy[which];
  if (!anatomy) return null;
  let made = bodies.get(anatomy);
  if (!made) bodies.set(anatomy, (made = new Body(anatomy)));
  return made;
}

/** The parameters of a frame by name. */
export function parameters(frame: Frame): Record<string, ArrayLike<number>> {
  const found: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of Object.entries(frame.arrays)) if (name.startsWith("p:")) found[name.slice(2)] = data;
  return found;
}

/** Probabilities of the classes, or the value, that the network gives for x. */
export function predict(setup: Setup | null, frame: Frame | null, x: ArrayLike<number>): Float64Array | null {
  const found = body(setup, "predict");
  if (!found || !frame || !found.anatomy.output) return null;
  return found.pass(parameters(frame), x).values[found.anatomy.output]!;
}

/** Loss and gradients for one sample; without a known answer, for the one that the network believes in. */
export function learn(setup: Setup | null, frame: Frame | null, sample: Sample | null): Pass | null {
  const found = body(setup, "learn");
  if (!found || !frame || !sample) return null;
  const y = sample.y ?? best(predict(setup, frame, sample.x));
  return found.pass(parameters(frame), sample.x, [y]);
}

export const best = (p: ArrayLike<number> | null): number => {
  let most = 0;
  for (let k = 1; k < (p?.length ?? 0); k++) if (p![k]! > p![most]!) most = k;
  return most;
};

/** Numbers from the largest to the smallest, by their places. */
export const ranked = (p: ArrayLike<number>): number[] => Array.from(p, (_, k) => k).sort((a, b) => p[b]! - p[a]!);

/** The hidden unit that an entry belongs to: of its value, its weights, its bias, or the weights behind it. */
export function unitOf(setup: Setup | null, pass: Pass | null, { name, index }: Spot): { layer: number; index: number } | null {
  const own = name.replace(/^d_/, "");
  const columns = pass?.body.shape(name).slice(-1)[0] ?? 1;
  for (const [layer, { name: values, weights, bias, out }] of (setup?.units ?? []).entries()) {
    if ([values, `z_${values}`, weights, bias].includes(own)) return { layer, index: index % columns };
    if (own === out) return { layer, index: Math.floor(index / columns) };
  }
  return null;
}

/** Open the number behind a picture in the microscope: an entry of the weights as they are shown, else what a unit makes. */
export function openWeight(store: Store, layer: { weights: string; value: string | null }, index: number | null, unit: number | null): void {
  const learn = body(store.setup.value, "learn");
  if (!learn) return;
  const input = learn.anatomy.inputs.find(({ key }) => key === layer.weights)?.name;
  const slope = learn.anatomy.gradients[layer.weights];
  const weight = store.view.value === "gradient" || store.view.value === "change" ? (slope ?? input) : input;
  const [name, at] = index === null ? [layer.value, unit] : [weight, index];
  if (name && at !== null) openEntry(store, name, at);
}

/** Open an entry of a value of the forward pass, if the microscope has it by the same name. */
export function openEntry(store: Store, name: string, index: number): void {
  const learn = body(store.setup.value, "learn");
  const known = learn && (learn.made(name) >= 0 || learn.anatomy.inputs.some((input) => input.name === name));
  if (!known || index >= learn.shape(name).reduce((a, b) => a * b, 1)) return;
  scopeOf(store).begin({ name, index });
  store.panel.value = "microscope";
}

export class Scope {
  /** The frame that is looked at: while training runs, a pass must leave time for everything else. */
  private readonly frame = signal<Frame | null>(null);
  private rested = 0;
  private timer: ReturnType<typeof setTimeout> | 0 = 0;

  readonly pass = computed(() => {
    const began = performance.now();
    const pass = learn(this.store.setup.value, this.frame.value, this.store.sample.value);
    this.rested = began;
    this.spent(began);
    return pass;
  });
  readonly path = signal<Spot[]>([]);
  /** Lines that are open to their equations. */
  readonly open = signal<ReadonlySet<number>>(new Set());
  readonly walking = signal(false);

  constructor(private readonly store: Store) {
    effect(() => {
      const frame = store.frame.value;
      clearTimeout(this.timer);
      const wait = frame?.playing ? this.rested - performance.now() : 0;
      if (wait <= 0 || this.frame.peek()?.branch !== frame?.branch) this.frame.value = frame;
      else this.timer = setTimeout(() => (this.frame.value = frame), wait);
    });
  }

  /** The entry whose factors are shown. */
  get spot(): Spot | null {
    return this.path.value[this.path.value.length - 1] ?? null;
  }

  /** Rest, after something that began at a time. */
  spent(began: number): void {
    this.rested += REST * (performance.now() - began);
  }

  begin(spot: Spot): void {
    this.go([spot]);
  }

  deeper(spot: Spot): void {
    this.go([...this.path.value, spot]);
  }

  private go(path: Spot[]): void {
    this.path.value = path;
    const unit = unitOf(this.store.setup.value, this.pass.value, path[path.length - 1]!);
    if (unit) this.store.unit.value = unit;
  }

  back(to: number): void {
    this.path.value = this.path.value.slice(0, to + 1);
  }

  toggle(line: number): void {
    const open = new Set(this.open.value);
    if (!open.delete(line)) open.add(line);
    this.open.value = open;
  }

  /** Equations, and the update behind them. */
  get operations(): number {
    return this.pass.value?.body.anatomy.equations.length ?? 0;
  }

  /** One operation on or back; behind the last one is the update. */
  advance(by: 1 | -1): void {
    const { cursor, sample } = this.store;
    const to = cursor.value < 0 ? (by > 0 ? 0 : this.operations - 1) : cursor.value + by;
    if (to > this.operations) return this.again();
    cursor.value = Math.max(-1, to);
    if (by > 0 && to === this.operations && sample.value && able(this.store.setup.value!, "train_on")) this.update();
  }

  /** The update that this one sample makes. */
  update(): void {
    const { sample } = this.store;
    const y = sample.value?.y ?? null;
    if (!sample.value || y === null) return;
    this.store.send({ do: "train_on", x: Array.from(sample.value.x), y });
  }

  private again(): void {
    this.store.cursor.value = 0;
  }
}

const scopes = new WeakMap<Store, Scope>();
export function scopeOf(store: Store): Scope {
  let scope = scopes.get(store);
  if (!scope) scopes.set(store, (scope = new Scope(store)));
  return scope;
}
