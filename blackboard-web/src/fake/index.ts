/** A host that trains in the page: for development and tests, without Python. */
import { encode, shaped } from "../frames";
import type { Arrays, Ask, Bytes, Model, Stop, Values } from "../host";
import { HashPlace } from "../hosts/socket";
import { anatomy } from "./anatomy";
import { digits, standardise } from "./digits";
import { MISTAKES } from "./mistakes";
import { ACTIVATIONS, INITS } from "./net";
import { Random } from "./random";
import { Run, type Table } from "./run";

interface Options {
  layers?: number[];
  /** Other data: features with names instead of pixels. */
  table?: boolean;
  side?: number;
  scenes?: unknown[];
}

export class FakeHost implements Model {
  place = typeof location === "undefined" ? undefined : new HashPlace();
  private heard = new Set<(content: unknown, buffers: Bytes[]) => void>();
  private runs: Record<string, Run> = {};
  private shown = "a";
  private stop: Stop = {};
  private playing: { rate: number | null; until: number } | null = null;
  private told: Record<string, number> = {};
  private timer: ReturnType<typeof setInterval>;
  private owed = 0;
  private speed = 0;
  private marked: number | null = null;
  private scored = new Map<string, { update: number; arrays: Arrays }>();
  private readonly data: Table;
  private settings: Required<Values>;

  constructor(private readonly options: Options = {}) {
    this.data = options.table ? flowers() : pictures(options.side ?? 8);
    this.settings = { layers: options.layers ?? [10], activation: "sigmoid", init: "uniform", optimizer: "sgd", seed: 0, rate: 0.1, batch_size: 32, momentum: 0.9 };
    this.runs.a = new Run(this.data, { ...this.settings });
    this.timer = setInterval(() => this.tick(), 1000 / 60);
  }

  on(_event: "msg:custom", heard: (content: unknown, buffers: Bytes[]) => void): void {
    this.heard.add(heard);
  }
  off(_event: "msg:custom", heard?: (content: unknown, buffers: Bytes[]) => void): void {
    if (heard) this.heard.delete(heard);
  }
  close(): void {
    clearInterval(this.timer);
  }

  send(ask: Ask): void {
    setTimeout(() => {
      this.obey(ask);
      if (ask.id !== undefined) this.tell({ type: "done", id: ask.id });
    });
  }

  private tell(message: object, arrays: Arrays = {}): void {
    const bytes = encode(message, arrays);
    for (const heard of this.heard) heard(null, [bytes]);
  }

  private get run(): Run {
    return this.runs[this.shown]!;
  }

  private obey(ask: Ask): void {
    const run = this.run;
    switch (ask.do) {
      case "hello":
        return this.begin();
      case "play":
        this.playing = { rate: ask.rate, until: Infinity };
        break;
      case "pause":
        this.playing = null;
        break;
      case "step":
        this.move(run, this.target + ask.count);
        break;
      case "epoch":
        this.playing = { rate: null, until: (Math.floor(this.target / run.perEpoch) + 1) * run.perEpoch };
        break;
      case "seek":
        if (!(ask.update >= 0 && ask.update <= run.head))
          return this.tell({ type: "error", id: ask.id ?? null, message: `seek: update should be from 0 to ${run.head}, not ${ask.update}` });
        run.shown = ask.update;
        break;
      case "set": {
        const { do: _, id, ...values } = ask;
        if (values.rate !== undefined && !(values.rate > 0))
          return this.tell({ type: "error", id: id ?? null, message: `set: rate should be a number above 0, not ${values.rate}` });
        run.cut();
        this.told[this.shown] = Math.min(this.told[this.shown]!, run.shown + 1);
        Object.assign(this.settings, values);
        run.settings = { ...run.settings, ...values };
        this.tell({ type: "notices_cleared", branch: this.shown, from: run.shown });
        break;
      }
      case "restart":
        this.settings = { ...this.settings, ...ask.settings };
        this.runs = { a: new Run(this.data, { ...this.settings }) };
        this.shown = "a";
        this.playing = null;
        return this.begin();
      case "stop":
        this.stop = { epoch: ask.epoch, loss: ask.loss, accuracy: ask.accuracy };
        break;
      case "drawn":
      case "pictures":
        return;
      case "fork":
        this.runs = { a: run, b: run.fork() };
        this.shown = "b";
        this.told = { a: 0, b: 0 };
        break;
      case "show":
        this.shown = ask.branch;
        break;
      case "drop":
        this.runs = { a: this.runs[ask.branch === "a" ? "b" : "a"]! };
        this.shown = "a";
        return this.begin();
      case "train_on":
        this.told[this.shown] = Math.min(this.told[this.shown]!, run.shown + 1);
        run.advance({ x: Float64Array.from(ask.x), y: ask.y });
        break;
      case "mark":
        this.marked = ask.clear ? null : run.shown;
        break;
      case "mistake":
        this.runs = { a: new Run(this.data, { ...this.settings }) };
        this.runs.a!.mistake = ask.name;
        this.shown = "a";
        this.playing = null;
        return this.begin();
      case "take": {
        const bytes = new TextEncoder().encode(`made up: ${ask.what}\n`);
        return this.tell({ type: "file", name: `${ask.what}.txt`, mime: "text/plain" }, { bytes: shaped(bytes, bytes.length) });
      }
    }
    this.frame();
  }

  /** The update that training is on its way to; where it has no goal, the one that is shown. */
  private get target(): number {
    return this.playing && this.playing.until < Infinity ? this.playing.until : this.run.shown;
  }

  private move(run: Run, update: number): void {
    this.playing = null;
    run.shown = Math.max(0, Math.min(run.shown, update));
    while (run.shown < update) run.advance();
  }

  private begin(): void {
    const { data, settings } = this;
    const net = this.run.past[0]!;
    const [n, d] = [data.rows, data.width];
    const side = Math.sqrt(d);
    this.scored.clear();
    this.tell(
      {
        type: "setup",
        data: this.options.table
          ? { name: "Made-up flowers", classes: ["setosa", "virginica", "versicolor"], features: FEATURES, image: null, count: n, held: data.held }
          : { name: "Made-up digits", classes: [..."0123456789"], features: [...Array(d).keys()].map((i) => `pixel ${Math.floor(i / side)}, ${i % side}`), image: [side, side], count: n, held: data.held },
        model: { title: `${[d, ...settings.layers, data.classes].join("-")} network`, kind: "lab" },
        parameters: net.flatMap(({ name, inputs, outputs }) => [{ name: `W_${name}`, shape: [inputs, outputs] }, { name: `b_${name}`, shape: [outputs] }]),
        units: net.slice(0, -1).map(({ name }, l) => ({ name, weights: `W_${name}`, bias: `b_${name}`, out: `W_${net[l + 1]!.name}` })),
        settings: {
          values: settings,
          choices: { activation: Object.keys(ACTIVATIONS).filter((name) => name !== "identity"), init: Object.keys(INITS), optimizer: ["sgd"] },
          in_flight: ["rate", "batch_size", "momentum"],
          limits: { rate: [1e-4, 10], batch_size: [1, n], momentum: [0, 0.999], seed: [0, 2 ** 31 - 1] },
          restart: ["layers", "activation", "init", "seed", "rate", "batch_size", "momentum"],
        },
        anatomy: { predict: anatomy(net, settings.activation, false), learn: anatomy(net, settings.activation, true) },
        mistakes: MISTAKES,
        scenes: this.options.scenes ?? [],
      },
      {
        X: shaped(data.X.slice(0, n * d), n, d),
        y: shaped(data.y.slice(0, n), n),
        X_held: shaped(data.X.slice(n * d), data.held, d),
        y_held: shaped(data.y.slice(n), data.held),
      },
    );
    this.told = Object.fromEntries(Object.keys(this.runs).map((branch) => [branch, 0]));
    this.frame();
  }

  /** One sixtieth of a second of training. */
  private tick(): void {
    if (!this.playing) return;
    const [run, before] = [this.run, performance.now()];
    this.owed = Math.min(this.owed + (this.playing.rate ?? 1e9) / 60, this.playing.rate ? 1e4 : 1e9);
    const from = run.shown;
    while (this.owed >= 1 && performance.now() - before < 8 && this.playing) {
      run.advance();
      this.owed--;
      if (run.full || run.shown >= this.playing.until || this.reached(run)) this.playing = null;
    }
    this.owed %= 1;
    this.speed += 0.1 * ((run.shown - from) * 60 - this.speed);
    if (run.shown > from || !this.playing) this.frame();
  }

  private reached({ losses, shown, perEpoch, points }: Run): boolean {
    const { epoch, loss, accuracy } = this.stop;
    return shown === (epoch ?? -1) * perEpoch || losses[shown - 1]! <= (loss ?? -1) || points[shown]![4]! >= (accuracy ?? 2);
  }

  private frame(): void {
    for (const [branch, run] of Object.entries(this.runs)) this.curves(branch, run);
    const [branch, run] = [this.shown, this.run];
    const last = this.scored.get(branch);
    if (!last || (run.shown !== last.update && (!this.playing || Math.abs(run.shown - last.update) > 20)))
      this.scored.set(branch, { update: run.shown, arrays: run.guesses() });
    const { update: scored, arrays } = this.scored.get(branch)!;
    const epochs = run.shown / run.perEpoch;
    this.tell(
      {
        type: "frame", branch, branches: Object.keys(this.runs), update: run.shown, head: run.head, epoch: Math.floor(epochs), epochs,
        playing: !!this.playing, speed: this.speed, loss: run.losses[run.shown - 1] ?? null,
        settings: run.settings, stop: this.stop, marked: this.marked, exact: true, scored,
      },
      { ...run.arrays(), ...arrays },
    );
  }

  private curves(branch: string, run: Run): void {
    const start = (this.told[branch] ??= 0);
    const points = run.points.slice(start);
    if (!points.length) return;
    this.told[branch] = run.points.length;
    const column = (k: number, count = 1) => {
      const data = Float32Array.from({ length: points.length * count }, (_, i) => points[Math.floor(i / count)]![k + (i % count)]!);
      return count === 1 ? shaped(data, points.length) : shaped(data, points.length, count);
    };
    const wide = 2 * run.past[0]!.length;
    const behind = 5 + 2 * wide;
    this.tell({ type: "curves", branch, start }, {
      update: shaped(Int32Array.from(points, (point) => point[0]!), points.length),
      loss: column(1), held_loss: column(2), accuracy: column(3), held_accuracy: column(4),
      norm: column(5, wide), ratio: column(5 + wide, wide), saturated: column(behind), dead: column(behind + 1),
    });
    const now = points[points.length - 1]!;
    if (start < 100 && run.points.length > 100)
      this.tell({ type: "notice", branch, update: now[0]!, kind: "saturated", text: "72 % of hidden units saturated" });
  }
}

function pictures(side: number): Table {
  const [rows, held] = [800, 200];
  const { X, y } = digits(rows + held, side, 7);
  standardise(X, side * side, rows);
  return { X, y, width: side * side, classes: 10, rows, held };
}

const FEATURES = ["sepal length", "sepal width", "petal length", "petal width"];
function flowers(): Table {
  const [rows, held, random] = [120, 30, new Random(3)];
  const means = [[5, 3.4, 1.5, 0.2], [6.6, 3, 5.6, 2], [5.9, 2.8, 4.3, 1.3]];
  const y = Int32Array.from({ length: rows + held }, (_, i) => i % 3);
  const X = new Float64Array((rows + held) * 4).map((_, at) => means[y[at >> 2]!]![at & 3]! + 0.35 * random.normal());
  standardise(X, 4, rows);
  return { X, y, width: 4, classes: 3, rows, held };
}
