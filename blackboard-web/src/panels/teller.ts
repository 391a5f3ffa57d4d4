/** Tells a scene: step by step, doing what a step says, waiting for what it waits for. */
import { computed, signal } from "@preact/signals";
import type { Ask } from "../host";
import type { Store } from "../store";
import { worst } from "./scores";
import { holds, type Scene, type Standing, type Step, type Turn } from "./scene";

const SETTLE = 300; // milliseconds until the host has answered: before, nothing is waited for

export class Teller {
  readonly scene = signal<Scene | null>(null);
  readonly at = signal(0);
  /** Scenes that were loaded from files. */
  readonly own = signal<Scene[]>([]);
  private readonly settled = signal(true);
  private timer: ReturnType<typeof setTimeout> | 0 = 0;

  constructor(private readonly store: Store) {}

  readonly step = computed<Step | null>(() => this.scene.value?.steps[this.at.value] ?? null);

  /** That which is waited for is not so yet. */
  readonly waiting = computed(() => {
    const wait = this.step.value?.wait;
    return wait !== undefined && !(this.settled.value && holds(wait, standing(this.store)));
  });

  begin(scene: Scene): void {
    const wrong = this.store.setup.value?.mistakes.some((mistake) => mistake.diagnosis !== undefined);
    if (wrong) this.store.send({ do: "mistake", name: null }); // a scene tells of the right gradient
    this.scene.value = scene;
    this.store.panel.value = ""; // steps open the panels that they need
    this.enter(0);
  }

  move(by: number): void {
    const to = this.at.value + by;
    if (!this.scene.value || to < 0) return;
    if (to >= this.scene.value.steps.length) return this.end();
    this.enter(to);
  }

  end(): void {
    this.scene.value = null;
    this.store.panel.value = "scenes";
  }

  private enter(at: number): void {
    this.at.value = at;
    clearTimeout(this.timer);
    this.settled.value = false;
    this.timer = setTimeout(() => (this.settled.value = true), SETTLE);
    for (const one of this.step.value?.do ?? []) this.perform(one);
  }

  private perform(one: Ask | Turn): void {
    const { store } = this;
    if (one.do === "open") store.panel.value = one.panel;
    else if (one.do === "look") store.look(one.set, one.index);
    else if (one.do === "worst") store.look("held", worst(store) ?? 0);
    else if (one.do === "cursor") store.cursor.value = one.at;
    else if (one.do === "view") store.view.value = one.view;
    else store.send(one);
  }
}

function standing({ frame: shown, setup }: Store): Standing {
  const frame = shown.value;
  const [guess, truth] = [frame?.arrays.guess?.data, setup.value?.arrays.y_held?.data];
  let right = 0;
  guess?.forEach((k, i) => (right += Number(k === truth?.[i])));
  return {
    playing: frame?.playing ?? true,
    accuracy: guess?.length ? right / guess.length : NaN,
    loss: frame?.loss ?? NaN,
    update: frame?.update ?? 0,
    epoch: frame?.epoch ?? 0,
  };
}

const tellers = new WeakMap<Store, Teller>();
export function tellerOf(store: Store): Teller {
  let teller = tellers.get(store);
  if (!teller) tellers.set(store, (teller = new Teller(store)));
  return teller;
}
