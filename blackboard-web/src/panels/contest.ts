/** A mistake beside the right gradient: both are trained from the same weights, as far. */
import { effect, signal } from "@preact/signals";
import type { Store } from "../store";
import { cut, ending, judge, pace, type Line, type Outcome } from "./trying";

const UPDATES = 300;

export interface Result {
  name: string;
  said: Outcome | null;
  outcome: Outcome;
  right: Line;
  wrong: Line;
}
type Stage = "idle" | "right" | "wrong";

export class Contest {
  readonly stage = signal<Stage>("idle");
  readonly result = signal<Result | null>(null);
  /** The mistake that is trained with, or will be. */
  readonly name = signal<string | null>(null);
  private said: Outcome | null = null;
  private right: Line | null = null;
  /** Frames are of the new run only behind its setup. */
  private readonly begun = signal(false);

  constructor(private readonly store: Store) {
    store.listen((told) => {
      if (told.type === "setup") this.begun.value = true;
      if (told.type === "error" && this.stage.peek() !== "idle") this.stage.value = "idle";
    });
    effect(() => {
      const frame = store.frames.value.a;
      if (this.stage.value === "idle" || !this.begun.value || !frame) return;
      if (frame.update >= UPDATES || (frame.loss === null && frame.update > 0)) this.next();
    });
  }

  begin(name: string, said: Outcome): void {
    this.name.value = name;
    this.said = said;
    this.result.value = null;
    this.train(null, "right");
  }

  mend(): void {
    this.name.value = this.result.value = null;
    this.stage.value = "idle";
    this.store.send({ do: "mistake", name: null });
  }

  private train(name: string | null, stage: Stage): void {
    this.begun.value = false;
    this.stage.value = stage;
    this.store.send({ do: "mistake", name });
    this.store.send({ do: "play", rate: pace(UPDATES) });
  }

  private next(): void {
    this.store.send({ do: "pause" });
    const line = cut(this.store.curves.a, 0, UPDATES);
    if (this.stage.peek() === "right") {
      this.right = line;
      return this.train(this.name.peek(), "wrong");
    }
    this.stage.value = "idle";
    const [right, name] = [this.right!, this.name.peek()!];
    const outcome = judge(ending(right), ending(line), right.loss[0]!);
    this.result.value = { name, said: this.said, outcome, right, wrong: line };
  }
}

const known = new WeakMap<Store, Contest>();
export function contestOf(store: Store): Contest {
  let contest = known.get(store);
  if (!contest) known.set(store, (contest = new Contest(store)));
  return contest;
}
