/** Tells a scene: step by step, doing what a step says, one thing after the other, waiting for what it waits for. */
import { computed, signal } from "@preact/signals";
import type { Ask } from "../host";
import type { Store } from "../store";
import { worst } from "./scores";
import { holds, type Scene, type Standing, type Step, type Turn } from "./scene";

const SETTLE = 300; // milliseconds from the host's answer to its frames: before, nothing is waited for

export class Teller {
  readonly scene = signal<Scene | null>(null);
  readonly at = signal(0);
  /** Scenes that were loaded from files. */
  readonly own = signal<Scene[]>([]);
  private readonly settled = signal(true);
  /** Counts the steps entered: what is left to do of an earlier one is not done any more. */
  private entered = 0;

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

  /** Which scene of the run is told, and how far. */
  get place(): { index: number; step: number } | undefined {
    const index = this.scenes.findIndex(({ title }) => title === this.scene.value?.title);
    return index < 0 ? undefined : { index, step: this.at.value };
  }

  /** Goes on where a scene was told: what its steps did to the run is done. */
  goOn({ index, step }: { index: number; step: number }): void {
    const scene = this.scenes[index];
    if (!scene?.steps[step]) return;
    this.scene.value = scene;
    this.at.value = step;
  }

  private get scenes(): Scene[] {
    return (this.store.setup.value?.scenes ?? []) as Scene[];
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
    this.settled.value = false;
    void this.perform(this.step.value?.do ?? [], ++this.entered);
  }

  private async perform(all: (Ask | Turn)[], entered: number): Promise<void> {
    for (const one of all) {
      await this.turn(one);
      if (entered !== this.entered) return;
    }
    setTimeout(() => (this.settled.value ||= entered === this.entered), SETTLE);
  }

  /** What is done here, or the promise that the host does it. */
  private turn(one: Ask | Turn): Promise<void> | void {
    const { store } = this;
    if (one.do === "open") store.panel.value = one.panel;
    else if (one.do === "look") store.look(one.set, one.index);
    else if (one.do === "worst") store.look("held", worst(store) ?? 0);
    else if (one.do === "cursor") store.cursor.value = one.at;
    else if (one.do === "view") store.view.value = one.view;
    else return store.ask(one);
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
