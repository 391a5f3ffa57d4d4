/** What is drawn, and what the network makes of it. */
import { computed, signal } from "@preact/signals";
import { seen, type Point, type Stroke } from "../digits";
import type { Store } from "../store";
import { learn, predict, ranked } from "./scope";
import { scaled, scaling } from "./scaling";

export class Drawing {
  readonly strokes = signal<Stroke[]>([]);
  readonly label = signal<number | null>(null);
  /** Milliseconds from a point on the pad to probabilities. */
  readonly took = signal(0);

  constructor(private readonly store: Store) {}

  /** Probabilities, the best first; of what is drawn, or nothing. */
  readonly probabilities = computed(() => {
    const { setup, frame, sample } = this.store;
    return sample.value?.set === "drawn" ? predict(setup.value, frame.value, sample.value.x) : null;
  });

  /** More or less of what would change its mind, against how much pixels vary: minus the gradient of the loss towards the second class. */
  readonly change = computed(() => {
    const { setup, frame, sample } = this.store;
    const p = this.probabilities.value;
    if (!p || p.length < 2 || !setup.value) return null;
    const second = ranked(p)[1]!;
    const pass = learn(setup.value, frame.value, { ...sample.value!, y: second });
    const gradient = pass?.values[pass.body.anatomy.input_gradient ?? ""];
    if (!gradient) return null;
    return { second, x: gradient.map((g) => -g) };
  });

  begin(point: Point): void {
    this.strokes.value = [...this.strokes.value, [point]];
    this.show();
  }

  extend(points: Point[]): void {
    const all = this.strokes.value;
    this.strokes.value = [...all.slice(0, -1), [...(all[all.length - 1] ?? []), ...points]];
    this.show();
  }

  undo(): void {
    this.strokes.value = this.strokes.value.slice(0, -1);
    this.show();
  }

  clear(): void {
    this.strokes.value = [];
    this.store.look("held", 0);
  }

  name(label: number | null): void {
    this.label.value = label;
    this.show();
  }

  /** The sample looked at becomes what is drawn. */
  show(): void {
    const setup = this.store.setup.value;
    if (!setup?.data.image || !this.strokes.value.length) return;
    const began = performance.now();
    const [height, width] = setup.data.image;
    const { ink } = scaling(setup);
    const x = scaled(setup, seen(this.strokes.value, height, width).map((share) => share * ink));
    this.store.sample.value = { set: "drawn", index: -1, x, y: this.label.value };
    void this.probabilities.value;
    this.took.value = performance.now() - began;
  }
}

const drawings = new WeakMap<Store, Drawing>();
export function drawingOf(store: Store): Drawing {
  let drawing = drawings.get(store);
  if (!drawing) drawings.set(store, (drawing = new Drawing(store)));
  return drawing;
}
