/** What the page knows: told by the host, or chosen here. Everything that is shown reads from here. */
import { batch, computed, effect, signal, type Signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Scheme } from "./colors";
import { Curves } from "./curves";
import { decode } from "./frames";
import type { Ask, Bytes, Code, Connection, Frame, Learn, Model, Notice, Pictures, Setup, Solution, Task, Told } from "./host";

/** A sample to look at: of the data, or drawn. */
export interface Sample {
  set: "train" | "held" | "drawn";
  index: number;
  x: Float64Array;
  /** Class number or target; null where nobody knows (a drawing). */
  y: number | null;
}
export interface ErrorLine {
  key: number;
  text: string;
}
/** Weights, the last gradient, the last change, or weights × what comes in for the sample shown. */
export type View = "weights" | "gradient" | "change" | "evidence";
/** What is said beside the pointer; read while it is shown, so that numbers in it follow the run. */
export interface Tip {
  x: number;
  y: number;
  text: () => string[];
  /** It is beside the spot that keys move; it is marked, and told to screen readers. */
  byKeys?: boolean;
}
export type Branches<T> = Record<string, T>;

export class Store {
  readonly setup = signal<Setup | null>(null);
  /** The newest frame of each branch; set once an animation frame, latest wins. */
  readonly frames = signal<Branches<Frame>>({});
  readonly curves: Branches<Curves> = {};
  /** Counts up when curves have changed. */
  readonly curvesTold = signal(0);
  readonly notices = signal<Notice[]>([]);
  readonly code = signal<Code | null>(null);
  /** Of a lab's exercises, in the place of a network. */
  readonly learn = signal<Learn | null>(null);
  readonly pictures = signal<Pictures | null>(null);
  readonly task = signal<Task | null>(null);
  readonly solution = signal<Solution | null>(null);
  readonly errors = signal<ErrorLine[]>([]);
  readonly connection = signal<Connection | "ended">("connecting");
  readonly ended = signal<string | null>(null);

  /** The branch that the host shows ("a" until there is a fork). */
  readonly branch = signal("a");
  readonly frame = computed<Frame | null>(() => this.frames.value[this.branch.value] ?? null);
  readonly sample = signal<Sample | null>(null);
  /** The input (pixel, feature) pointed at: it is marked in all pictures. */
  readonly feature = signal<number | null>(null);
  /** The hidden unit looked at: index into `setup.units`, and of the unit there. */
  readonly unit = signal<{ layer: number; index: number } | null>(null);
  /** Updates a second while playing; null: as fast as it can. */
  readonly speed = signal<number | null>(25);
  /** What pictures of weights show. */
  readonly view = signal<View>("weights");
  /** What the two charts show, by the ids of their kinds. */
  readonly charts = signal<string[]>(["loss", "norm"]);
  /** By day or night, whatever the system says. */
  readonly scheme = signal<Scheme | null>(null);
  /** The panel that is open (its `id`). */
  readonly panel = signal("");
  /** The operation shown by the microscope: index into the equations of `learn`; -1 = all. */
  readonly cursor: Signal<number> = signal(-1);

  readonly tip = signal<Tip | null>(null);

  private key = 0;
  private asked = 0;
  private readonly pending = new Map<string, Frame>();
  private scheduled = 0;
  private readonly looking: () => void;
  private readonly hearers = new Set<(told: Told) => void>();
  private readonly hear = (_: unknown, buffers: Bytes[]) => {
    if (buffers[0]) this.told(decode(buffers[0]));
  };

  constructor(private readonly model: Model) {
    model.on("msg:custom", this.hear);
    if (model.watch) model.watch((state) => (this.connection.value = state));
    else this.connection.value = "open";
    this.send({ do: "hello" });
    const page = Math.floor(1e9 * Math.random());
    this.looking = effect(() => {
      const of = this.view.value === "evidence" ? "weights" : this.view.value;
      if (this.setup.value) this.send({ do: "pictures", of, page }); // again to each host that is met
    });
  }

  send(message: Ask): void {
    this.model.send(message);
  }

  /** Say something; the promise is kept once the host has done it, or refused. */
  ask(message: Ask): Promise<void> {
    const id = ++this.asked;
    return new Promise((done) => {
      const stop = this.listen((told) => {
        if ((told.type !== "done" && told.type !== "error") || told.id !== id) return;
        stop();
        done();
      });
      this.send({ ...message, id });
    });
  }

  /** Hear every message as it comes (files, answers); returns how to stop. */
  listen(heard: (told: Told) => void): () => void {
    this.hearers.add(heard);
    return () => this.hearers.delete(heard);
  }

  fail(text: string): void {
    const others = this.errors.value.filter((line) => line.text !== text);
    this.errors.value = [...others, { key: ++this.key, text }].slice(-3);
  }

  dismiss(key: number): void {
    this.errors.value = this.errors.value.filter((line) => line.key !== key);
  }

  /** Look at a sample of the data. */
  look(set: "train" | "held", index: number): void {
    const arrays = this.setup.value?.arrays;
    const [X, y] = set === "train" ? [arrays?.X, arrays?.y] : [arrays?.X_held, arrays?.y_held];
    if (!X?.shape[0]) return;
    const rows = X.shape[0];
    const row = ((index % rows) + rows) % rows;
    const width = X.data.length / rows;
    const x = Float64Array.from(X.data.subarray(row * width, (row + 1) * width));
    this.sample.value = { set, index: row, x, y: y ? y.data[row]! : null };
  }

  close(): void {
    cancelAnimationFrame(this.scheduled);
    this.looking();
    this.model.off("msg:custom", this.hear);
    this.model.close?.();
  }

  told(told: Told): void {
    switch (told.type) {
      case "setup":
        this.begin(told);
        break;
      case "frame":
        this.pending.delete(told.branch); // the last one told is the one shown
        this.pending.set(told.branch, told);
        this.scheduled ||= requestAnimationFrame(() => this.flush());
        break;
      case "curves":
        (this.curves[told.branch] ??= new Curves()).put(told);
        this.curvesTold.value++;
        break;
      case "notice":
        this.notices.value = [...this.notices.value, told];
        break;
      case "notices_cleared":
        this.notices.value = this.notices.value.filter(
          ({ branch, update }) => branch !== told.branch || update <= told.from,
        );
        this.curves[told.branch]?.behind(told.from);
        this.curvesTold.value++;
        break;
      case "error":
        this.fail(told.message);
        break;
      case "code":
        this.code.value = told;
        break;
      case "learn":
        this.learn.value = told;
        break;
      case "pictures":
        this.pictures.value = told;
        break;
      case "task":
        this.task.value = told;
        break;
      case "solution":
        this.solution.value = told;
        break;
      case "ended":
        this.ended.value = told.message;
        this.connection.value = "ended";
        break;
    }
    for (const heard of this.hearers) heard(told);
  }

  private begin(setup: Setup): void {
    const before = this.setup.value;
    for (const branch of Object.keys(this.curves)) delete this.curves[branch];
    this.pending.clear();
    this.frames.value = {};
    this.notices.value = [];
    this.setup.value = setup;
    this.branch.value = "a";
    this.unit.value = null;
    const same = before?.data.name === setup.data.name && before.data.count === setup.data.count;
    if (!same || !this.sample.value) this.look(setup.data.held ? "held" : "train", 0);
    this.curvesTold.value++;
  }

  /** The newest of each branch, once an animation frame. */
  private flush(): void {
    this.scheduled = 0;
    const [shown] = [...this.pending.keys()].slice(-1);
    if (!shown) return;
    batch(() => {
      this.frames.value = { ...this.frames.value, ...Object.fromEntries(this.pending) };
      this.branch.value = shown;
    });
    this.pending.clear();
    this.send({ do: "drawn" });
  }
}

export const StoreContext = createContext<Store | null>(null);

export function useStore(): Store {
  return useContext(StoreContext)!;
}
