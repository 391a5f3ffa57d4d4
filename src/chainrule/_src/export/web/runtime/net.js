// A network or a loss in a page: predictions, gradients and training.
import { converted, dtypeOf, flat, isFloat, isList, plain, product, readTensors, readWeights, shown, unpacked, writeWeights } from "./arrays.js";
import { Kernel } from "./kernel.js";
import { severalArrays } from "./several.js";
import { rowsOfTable, scaledTarget } from "./table.js";
import { Apart } from "./training.js";

/** @typedef {import("./arrays.js").NamedArray} NamedArray */

/** Return a network from the content of a module; `text` is the runtime, for workers. */
export async function loaded(content, text, options) {
  const { weights, ...others } = options ?? {};
  for (const name of Object.keys(others)) throw new Error(`load: unknown option ${name}; valid: weights`);
  const { arrays, metadata } = readTensors(await unpacked(content));
  const about = JSON.parse(metadata.document);
  const dataOf = (name) => /** @type {any} */ (arrays.get(name)?.data);
  /** @type {Record<string, import("./kernel.js").Part>} */
  const parts = {};
  for (const [name, form] of Object.entries(about.kernels)) {
    /** @type {Record<string, any>} */
    const constants = {};
    for (const { role, key } of form.arrays)
      if (role === "constant") constants[key] = dataOf(`constant/${name}/${key}`);
    parts[name] = { form, constants, code: dataOf(`code/${name}`), relaxed: dataOf(`relaxed/${name}`) };
  }
  const values = [...arrays].filter(([name]) => /^(weights|optimizer|metrics|page)\//.test(name));
  const net = new Net(about, parts, new Map(values), text);
  if (about.apart) {
    if (weights === undefined) throw new Error("load: give the weights, which are in a file apart: load({ weights: bytes })");
    net.restore(weights);
  } else if (weights !== undefined) net.restore(weights);
  return net;
}

const OPTIONS = ["epochs", "batchSize", "learningRate", "shuffle", "seed", "onEpoch", "signal"];

class Net {
  /**
   * @param {Record<string, any>} about
   * @param {Record<string, import("./kernel.js").Part>} parts
   * @param {Map<string, NamedArray>} values
   * @param {string} text
   */
  constructor(about, parts, values, text) {
    this.about = about;
    this.parts = parts;
    /** Replaced with each change of weights. */
    this.values = values;
    /** @type {Record<string, Kernel|Promise<Kernel>>} */
    this.kernels = {};
    this.training = false;
    this.optimizer = new Map(this.named("optimizer"));
    this.apart = parts.train && new Apart(text, { train: parts.train, scores: parts.scores ?? null });
    this.classes = about.classes ?? null;
  }

  // Weights

  /** The weights by name, as copies. */
  get weights() {
    return Object.fromEntries(this.named("weights").map(([name, { data }]) => [name, data.slice()]));
  }

  /**
   * Return the arrays of a group by their names in it.
   * @param {string} group
   * @returns {[string, NamedArray][]}
   */
  named(group) {
    return [...this.values].filter(([key]) => key.startsWith(`${group}/`)).map(([key, each]) => [key.slice(group.length + 1), each]);
  }

  /** Return the weights as a file in the safetensors format. */
  save() {
    return writeWeights(new Map(this.named("weights")));
  }

  /** Take the weights of a file that `save` or Python wrote, if they fit; the optimizer starts anew. */
  restore(bytes) {
    if (this.training) throw new Error("restore: the network is in training; let that end first");
    const saved = readWeights(bytes);
    const own = new Map(this.named("weights"));
    /** @type {(problem: string) => never} */
    const refuse = (problem) => {
      throw new Error(`restore: ${problem}: it belongs to another network`);
    };
    for (const name of own.keys()) if (!saved.has(name)) refuse(`the file has no ${name}`);
    for (const [name, { data, shape }] of saved) {
      const expected = own.get(name) ?? refuse(`the file has ${name}, which is not in this network`);
      if (String(shape) !== String(expected.shape)) refuse(`${name} has shape (${shape}), expected (${expected.shape})`);
      if (isFloat(data) !== isFloat(expected.data)) refuse(`${name} holds other numbers`);
      const values = converted(dtypeOf(expected.data), data);
      const wrong = isFloat(values) ? values.findIndex((value) => !Number.isFinite(value)) : -1;
      if (wrong >= 0) throw new Error(`restore: ${name} holds ${data[wrong]}`);
      saved.set(name, { data: values, shape });
    }
    this.values = new Map(this.values);
    for (const [name, array] of saved) this.values.set(`weights/${name}`, array);
    for (const [name, state] of this.optimizer) this.values.set(`optimizer/${name}`, state);
  }

  // Kernels

  part(name) {
    const part = this.parts[name];
    if (!part) throw new Error(`${name}: this module was written without it; ${this.about.without[name]}`);
    return part;
  }

  /** Run a function for samples; return its results by name. */
  async computed(name, where, rows, samples, ...prefixes) {
    let kernel = (this.kernels[name] ??= Kernel.of(this.part(name)).then((made) => (this.kernels[name] = made)));
    if (kernel instanceof Promise) {
      samples = copied(samples);
      kernel = await kernel;
    }
    const [low, high] = kernel.form.rows;
    const n = Math.max(rows, low);
    if (high !== null && (n > high || (this.about.stateful && rows < low))) throw new Error(`${where}: this network takes ${low === high ? high : `at most ${high}`} samples at once, received ${rows}`);
    kernel.reserve(n);
    if (kernel.filled !== this.values) {
      for (const prefix of prefixes) for (const weight of this.weightsAs(prefix)) kernel.write(...weight);
      kernel.filled = this.values;
    }
    for (const [key, values] of samples) kernel.write(key, n > rows ? repeated(values, rows, n) : values);
    kernel.compute(n);
    const results = {};
    for (const { role, key } of kernel.form.arrays) if (role === "result") results[key] = kernel.read(key);
    return results;
  }

  /**
   * Return the weights as the arguments of a kernel.
   * @param {string} prefix
   * @returns {[string, import("./arrays.js").TypedArray][]}
   */
  weightsAs(prefix) {
    return this.named("weights").map(([name, { data }]) => [`${prefix}/${name}`, data]);
  }

  // Use

  /**
   * Return the outputs for samples: a typed array with rows one behind the other, or, if there are
   * several outputs, an object of them by name.
   */
  async predict(x) {
    const { rows, given } = this.samples(x, "predict");
    const results = await this.computed("predict", "predict", rows, given, "weights");
    if (this.about.stateful) this.take(Object.entries(results));
    const outputs = this.about.outputs.map((name, i) => {
      const values = plain(results[`result/${i}`] ?? results.result);
      const all = values.subarray(0, (values.length / Math.max(rows, this.parts.predict.form.rows[0])) * rows);
      return [name, name === this.about.label ? Array.from(all, (code) => this.classes[code]) : all];
    });
    return outputs.length > 1 ? Object.fromEntries(outputs) : outputs[0][1];
  }

  /** Return the mean loss of samples, and its gradient by the names of the weights. */
  async gradients(x, y) {
    const [least] = this.part("gradients").form.rows;
    const { rows, data } = await this.batch(x, y, "gradients");
    if (rows < least) throw new Error(`gradients: give at least ${least} samples, received ${rows}`);
    const results = await this.computed("gradients", "gradients", rows, data, "params", "state");
    const gradients = Object.entries(results).filter(([key]) => key.startsWith("result/1"));
    return {
      loss: Number(results["result/0"][0]),
      gradients: Object.fromEntries(gradients.map(([key, values]) => [key.slice("result/1/".length), values])),
    };
  }

  /**
   * Train on samples, in a worker. The promise resolves to the history, also after an abort; the
   * network then has the weights of that moment.
   */
  async train(x, y, options) {
    options ??= {};
    if (this.training) throw new Error("train: the network is in training already; let that end first");
    this.training = true;
    const rate = this.values.get("optimizer/learning_rate");
    let told = 0;
    const tell = (history) => {
      for (; told < history.length; told++) options.onEpoch?.(told, history[told]);
    };
    try {
      this.part("train");
      this.apart.start();
      const job = await this.job(x, y, options);
      const epochs = [];
      const report = ({ logs, carry }) => {
        this.take(carry);
        epochs.push(...logs);
        tell(epochs);
      };
      const { history, carry, diverged } = await this.apart.train(job, report, options.signal);
      this.take(carry);
      this.takeAverages();
      tell(history);
      if (diverged) throw new Error(this.divergence(diverged));
      const names = Object.keys(history[0] ?? { loss: 0 });
      return Object.fromEntries(names.map((name) => [name, history.map((each) => each[name])]));
    } finally {
      if (options.learningRate !== undefined && rate) this.values.set("optimizer/learning_rate", rate); // of this call alone
      this.training = false;
    }
  }

  /** Return what a run of training needs, checked. */
  async job(x, y, options) {
    for (const name of Object.keys(options))
      if (!OPTIONS.includes(name)) throw new Error(`train: unknown option ${name}; valid: ${OPTIONS.join(", ")}`);
    const { epochs = 1, batchSize = this.about.batchSize, learningRate, shuffle = true } = options;
    const { seed = Math.floor(Math.random() * 2 ** 32) } = options;
    const { onEpoch, signal } = options;
    if (onEpoch !== undefined && typeof onEpoch !== "function") throw new Error(`train: onEpoch must be a function, received ${shown(onEpoch)}`);
    if (signal !== undefined && typeof signal?.addEventListener !== "function") throw new Error(`train: signal must be an AbortSignal, received ${shown(signal)}`);
    whole(epochs, "epochs");
    whole(batchSize, "batchSize");
    whole(seed, "seed", 0);
    const { rows, data } = await this.batch(x, y, "train");
    const size = Math.min(batchSize, rows);
    this.checkBatches(this.parts.train.form.rows, size, rows);
    const carry = this.named("optimizer").map(([name, { data: values }]) => [`carry/state/${name}`, values]);
    if (learningRate !== undefined) {
      const rate = carry.find(([key]) => key === "carry/state/learning_rate");
      if (!rate) throw new Error("train: this optimizer follows a schedule, so that learningRate cannot be set");
      if (!(Number.isFinite(learningRate) && learningRate > 0)) throw new Error(`train: learningRate must be a positive number, received ${shown(learningRate)}`);
      rate[1] = Float64Array.of(learningRate);
    }
    carry.push(...this.weightsAs("carry/params"), ...this.weightsAs("carry/layers"));
    for (const [name, { data: zeros }] of this.named("metrics")) carry.push([`carry/metrics/${name}`, zeros]);
    return { carry, data, rows, epochs, batchSize: size, shuffle, seed };
  }

  divergence({ epoch, batch }) {
    const rate = this.values.get("optimizer/learning_rate")?.data[0];
    const at = rate ? `, at learning rate ${rate}` : "";
    return `train: the loss became NaN or infinite in epoch ${epoch + 1}, batch ${batch + 1}${at}; try a smaller one. The network keeps the last good weights`;
  }

  checkBatches([low, high], size, rows) {
    const last = rows % size || size;
    const taken = low === high ? low : `${low} or more`;
    const isTaken = (n) => n >= low && n <= (high ?? n);
    if (!isTaken(size)) throw new Error(`train: this module was written for batches of ${taken}, received batchSize ${size}`);
    if (!isTaken(last)) throw new Error(`train: the last batch of ${rows} samples would have ${last}; this module takes ${taken}: choose another batchSize`);
  }

  /** Take the weights and the optimizer's state after training, or the states that a prediction passes on. */
  take(carry) {
    this.values = new Map(this.values);
    for (const [key, values] of carry) {
      const name = key.replace(/^(carry\/(params|layers)|result\/\d+)\//, "weights/").replace(/^carry\/state\//, "optimizer/");
      const old = this.values.get(name);
      if (old) this.values.set(name, { ...old, data: values });
    }
  }

  /** Replace the weights by their running averages, if the optimizer has them: at the end of training. */
  takeAverages() {
    if (!this.values.get("optimizer/iteration")?.data[0]) return;
    for (const [name, average] of this.named("optimizer"))
      if (name.startsWith("ema/")) this.values.set(`weights/${name.slice("ema/".length)}`, average);
  }

  // Data

  /** Return samples as the arguments of a kernel. */
  samples(x, where) {
    if (this.about.columns) return rowsOfTable(x, this.about.columns, where);
    return this.arrays(x, this.about.inputs, "X", where, "numbers");
  }

  /** Return samples and targets. */
  async batch(x, y, where) {
    let { rows, given } = this.samples(x, where);
    given = copied(given);
    let targets = [];
    if (this.about.targets) {
      const read = this.arrays(y, this.about.targets, "y", where, "target");
      if (read.rows !== rows) throw new Error(`${where}: x has ${rows} samples, y has ${read.rows}`);
      targets = copied(read.given);
    }
    if (this.about.columns) given = [["X", (await this.computed("features", where, rows, given)).result]];
    return { rows, data: [...given, ...targets] };
  }

  /** Return one array, or several, as the arguments of a kernel; the method `reader` checks each. */
  arrays(values, abouts, key, where, reader) {
    if (abouts.length > 1) return severalArrays(values, abouts, key, where, (...each) => this[reader](...each, where));
    const { rows, data } = this[reader](values, abouts[0], key.toLowerCase(), where);
    return { rows, given: [[key, data]] };
  }

  target(y, about, name, where) {
    let values = y;
    if (this.classes && y && typeof flat(y)[0] === "string")
      values = flat(y).map((label) => {
        const code = this.classes.indexOf(label);
        if (code < 0) throw new Error(`${where}: ${name} holds ${shown(label)}, expected one of ${this.classes.join(", ")}`);
        return code;
      });
    if (about.scale) return scaledTarget(about, (exact) => this.numbers(values, exact, name, where));
    const numbers = this.numbers(values, about, name, where);
    if (about.labels !== undefined)
      numbers.data.forEach((label, i) => {
        if (!(Number(label) >= 0 && Number(label) < about.labels))
          throw new RangeError(`${where}: label ${label} in row ${i} of ${name} is not in 0 … ${about.labels - 1}`);
      });
    return numbers;
  }

  /** Return numbers as an array of a dtype, and their number of samples. */
  numbers(values, { dtype, shape }, name, where) {
    if (values === undefined || values === null) throw new Error(`${where}: ${name} is missing`);
    const lengths = Array.isArray(values) ? Array.from(values, (each) => (isList(each) ? each.length : 0)) : [];
    const odd = lengths.findIndex((length) => length !== lengths[0]);
    if (odd > 0) throw new Error(`${where}: row ${odd} of ${name} has ${lengths[odd]} entries, row 0 has ${lengths[0]}`);
    const all = flat(values);
    const size = product(shape);
    const rows = all.length / size;
    if (!Number.isInteger(rows) || rows < 1)
      throw new Error(`${where}: ${name} must hold samples of ${shape.length ? `${shape.join(" × ")} numbers` : "one number"}, received ${all.length} numbers`);
    const [, sign, bytes] = /([iu])(\d)$/.exec(dtype) ?? [];
    const bound = sign ? 2 ** (8 * Number(bytes) - (sign === "i" ? 1 : 0)) : dtype === "<f4" ? 2 ** 128 : Infinity;
    const least = sign === "u" ? 0 : -bound;
    for (let i = 0; i < all.length; i++) {
      const value = all[i], kind = typeof value;
      const isKind = kind === "number" ? (sign ? Number.isInteger(value) : Number.isFinite(value)) : kind === "bigint" || kind === "boolean";
      if (isKind && value >= least && value < bound) continue;
      const why = isKind ? `, which is no ${dtype.slice(1)}` : kind !== "number" ? ", expected a number" : Number.isFinite(value) ? ", expected a whole number" : "";
      throw new Error(`${where}: ${name} holds ${isKind || kind === "number" ? value : shown(value)} in row ${Math.floor(i / size)}${why}`);
    }
    return { rows, data: converted(dtype, all) };
  }
}

/** Return named arrays as copies: the caller may change its own before they are used. */
const copied = (named) => named.map(([key, values]) => [key, values.slice()]);

/** Return an array with its samples repeated up to n samples. */
function repeated(values, rows, n) {
  const size = values.length / rows;
  const more = new values.constructor(n * size);
  for (let i = 0; i < n; i++) more.set(values.subarray((i % rows) * size, ((i % rows) + 1) * size), i * size);
  return more;
}

function whole(value, name, least = 1) {
  if (!Number.isInteger(value) || value < least) throw new Error(`train: ${name} must be a whole number of at least ${least}, received ${value}`);
}
