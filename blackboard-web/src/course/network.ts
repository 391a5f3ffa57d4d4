/** A network with its settings: the kernels that train it and look at it, and its initial weights. */
import type { Kernel } from "../../../src/chainrule/_src/export/web/runtime/kernel.js";
import type { Setup, Values } from "../host";
import {
  kernelOf, networkKey, type Content, type DataDocument, type Lesson, type MistakesDocument, type NetworkDocument, type Pack,
} from "./content";
import { Engine, type Carry, type Samples } from "./engine";
import type { NamedArray } from "../../../src/chainrule/_src/export/web/runtime/arrays.js";
import { generator, uniform } from "./random";
import { Fit, withParameters } from "./sizes";

const LARGEST = 1024; // batch size
const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** A kernel of a function of the carry and samples. */
class Evaluation {
  constructor(private readonly kernel: Kernel) {}

  /** Return the results by their paths. */
  of(carry: Carry, samples: { X: Float64Array; y?: TypedArray; rows: number }): Record<string, TypedArray> {
    const { kernel } = this;
    kernel.reserve(samples.rows);
    for (const [key, values] of Object.entries(carry)) kernel.write(`carry/${key}`, values);
    kernel.write("X", samples.X);
    if (samples.y) kernel.write("y", samples.y);
    kernel.compute(samples.rows);
    const results: Record<string, TypedArray> = {};
    for (const { role, key } of kernel.form.arrays)
      if (role === "result") results[key.slice("result/".length)] = kernel.read(key);
    return results;
  }
}

export class Network {
  /** Names of the parameters, in order. */
  readonly names: string[];
  private readonly engines = new Map<boolean, Engine>();

  private constructor(
    readonly lesson: Lesson,
    readonly settings: Values,
    readonly mistake: string | null,
    readonly document: NetworkDocument,
    readonly initial: Carry,
    readonly train: Samples,
    readonly held: Samples,
    private readonly kernels: { train: Kernel; single: Kernel | null },
    readonly gradient: Evaluation,
    readonly scores: Evaluation,
    readonly slopes: Evaluation | null,
    private readonly data: Pack<DataDocument>,
    private readonly diagnosis: string | undefined,
    private readonly fit: Fit | null,
  ) {
    this.names = document.setup.parameters.map(({ name }) => name);
  }

  /** Return the network that settings ask for, with a mistake in its gradient, if any. */
  static async of(content: Content, lesson: Lesson, settings: Values, mistake: string | null): Promise<Network> {
    const entry = lesson.networks[networkKey(settings)];
    if (!entry) throw new Error(`this page has no kernels for ${networkName(settings)}; it has ${offered(lesson)}. chainrule blackboard trains any network`);
    const [pack, data] = await Promise.all([content.pack<NetworkDocument>(entry.pack), content.pack<DataDocument>(lesson.data)]);
    const rule = settings.optimizer ?? "";
    const { features, classes } = data.document.data;
    const sizes = pack.document.sizes;
    const fit = sizes ? new Fit(sizes, features.length, classes?.length ?? 1) : null;
    const document = fit ? { ...pack.document, setup: fit.text(pack.document.setup) } : pack.document;
    let trained: { from: Parameters<typeof kernelOf>[0]; names: string[] } = { from: pack, names: [`train/${rule}`, "gradient", `single/${rule}`] };
    let diagnosis: string | undefined;
    if (mistake !== null) {
      if (!entry.mistakes || !document.setup.mistakes.some(({ name }) => name === mistake))
        throw new Error(`${networkName(settings)} has no mistake ${mistake} in this page`);
      const mistakes = await content.pack<MistakesDocument>(entry.mistakes);
      diagnosis = mistakes.document.diagnoses[mistake];
      if (mistakes.document.kernels[`train/${mistake}`]) {
        if (rule !== "sgd") throw new Error("the mistakes of this page train with sgd: restart with that optimizer first");
        trained = { from: mistakes, names: [`train/${mistake}`, `gradient/${mistake}`] };
      }
    }
    const [scores, slopes, train, gradient, single] = await Promise.all([
      kernelOf(pack, "scores"), document.kernels.slopes ? kernelOf(pack, "slopes") : null, ...trained.names.map((name) => kernelOf(trained.from, name)),
    ]);
    const weights = weightsOf(document, pack.arrays, settings);
    if (mistake !== null && trained.from === pack) // the start is wrong, not the gradient
      for (const { name, shape } of document.setup.parameters) if (shape.length > 1) weights[`params/${name}`] = new Float64Array(size(shape));
    const shapes = new Map(document.setup.parameters.map(({ name, shape }) => [name, shape]));
    const initial = fit ? withParameters(weights, (name, values) => fit.filled(name, values, shapes.get(name)!)) : weights;
    return new Network(
      lesson, settings, mistake, document, { ...startOf(pack, rule, settings), ...initial },
      samplesOf(data, fit, "X", "y"), samplesOf(data, fit, "X_held", "y_held"),
      { train: train!, single: single ?? null }, new Evaluation(gradient!), new Evaluation(scores), slopes && new Evaluation(slopes), data, diagnosis, fit,
    );
  }

  get isOfClasses(): boolean {
    return this.data.document.data.classes !== null;
  }

  /** Return a parameter, or a gradient of one, without what a kernel has beyond the table. */
  shown(name: string, values: Float64Array, shape: number[]): Float64Array {
    return this.fit ? this.fit.cut(name, values, shape) : values;
  }

  /** Return a sample as kernels take it. */
  sample(x: number[]): Float64Array {
    const width = this.data.document.data.features.length;
    if (x.length !== width) throw new Error(`a sample has ${width} numbers, received ${x.length}`);
    return this.fit ? this.fit.samples(Float64Array.from(x)) : Float64Array.from(x);
  }

  /** Return the kernel of training for a batch size; all runs of the network share it. */
  engine(batch: number): Engine {
    const alone = batch === 1 && this.kernels.single !== null;
    let engine = this.engines.get(alone);
    if (!engine) {
      const kernel = alone ? this.kernels.single! : this.kernels.train;
      this.engines.set(alone, (engine = new Engine(kernel, this.train, alone ? 1 : Math.min(LARGEST, this.train.rows))));
    }
    return engine;
  }

  /** The page's setup, without what all lessons share. */
  setup(): { header: Omit<Setup, "type" | "arrays" | "scenes">; arrays: Setup["arrays"] } {
    const { document, lesson } = this;
    const { data, shown } = this.data.document;
    const mistakes = document.setup.mistakes.map((each) => (each.name === this.mistake ? { ...each, diagnosis: this.diagnosis } : each));
    const arrays: Setup["arrays"] = {};
    for (const [name, { data: values, shape }] of this.data.arrays) {
      const rows = Math.min(shape[0] ?? 1, shown);
      const width = values.length / (shape[0] || 1);
      const short = values.subarray(0, shape.length ? rows * width : values.length);
      arrays[name] = { data: (name.startsWith("X") ? Float32Array.from(short as Float32Array) : short) as Float32Array, shape: [rows, ...shape.slice(1)] };
    }
    return {
      header: {
        ...document.setup, data, settings: { ...lesson.settings, values: this.settings },
        mistakes: lesson.networks[networkKey(this.settings)]!.mistakes ? mistakes : [],
      },
      arrays,
    };
  }
}

function networkName({ layers, activation }: Values): string {
  return layers?.length ? `${layers.join("-")} hidden units with ${activation}` : "a network without hidden layers";
}

function offered(lesson: Lesson): string {
  const layers = new Set(Object.keys(lesson.networks).map((key) => key.split(" ")[0] || "none"));
  return `hidden layers ${[...layers].join(", ")}`;
}

function samplesOf({ arrays }: Pack<unknown>, fit: Fit | null, X: string, y: string): Samples {
  const samples = arrays.get(X)!;
  const numbers = Float64Array.from(samples.data as Float32Array);
  return { X: fit ? fit.samples(numbers) : numbers, y: arrays.get(y)!.data, rows: samples.shape[0]! };
}

/** The carry at the start without the parameters. */
function startOf({ arrays }: Pack<NetworkDocument>, rule: string, settings: Values): Carry {
  const start: Carry = {};
  for (const [name, { data }] of arrays)
    if (name.startsWith(`start/${rule}/`)) start[name.slice(`start/${rule}/`.length)] = data;
  return withFlight(start, settings);
}

/** Return a carry with other settings in flight. */
export function withFlight(carry: Carry, { rate, momentum }: Values): Carry {
  const changed = { ...carry };
  if (rate !== undefined && changed["state/learning_rate"]) changed["state/learning_rate"] = Float64Array.of(rate);
  if (momentum !== undefined) changed["settings/momentum"] = Float64Array.of(momentum);
  return changed;
}

/** Return the initial weights: those of the pack, or drawn as NumPy draws them. */
function weightsOf(document: NetworkDocument, arrays: Map<string, NamedArray>, { init, seed = 0 }: Values): Carry {
  const ready = `weights/${init ?? ""}/${seed}/`;
  const weights: Carry = {};
  for (const [name, { data }] of arrays) if (name.startsWith(ready)) weights[`params/${name.slice(ready.length)}`] = data;
  if (Object.keys(weights).length) return weights;
  const draws = document.draws[init ?? ""];
  if (!draws) {
    const seeds = [...arrays.keys()].filter((name) => name.startsWith(`weights/${init ?? ""}/`)).map((name) => name.split("/")[2]);
    const known = seeds.length ? `of seed ${[...new Set(seeds)].join(", ")}` : `by ${Object.keys(document.draws).join(", ")}`;
    throw new Error(`this page has no initial weights${init ? ` by ${init}` : ""} of seed ${seed} for this network; it has those ${known}`);
  }
  const random = generator(seed);
  const shapes = new Map(document.setup.parameters.map(({ name, shape }) => [name, shape]));
  for (const [name, limit, scale] of draws) {
    const shape = shapes.get(name)!;
    // A scale depends on the sizes, which are the table's own.
    const by = scale === 1 ? 1 : Math.sqrt(1 / (shape.reduce((a, b) => a + b, 0) / 2));
    weights[`params/${name}`] = uniform(random, limit, by, size(shape));
  }
  return weights;
}
