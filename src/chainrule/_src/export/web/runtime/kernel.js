// A kernel: WebAssembly code, and the memory that it works on.
import { converted, product, viewOf } from "./arrays.js";

const ALIGNED = 64; // bytes: no vector crosses two cache lines
const PAGE = 65536;
// Arrays that every kernel takes first; their lengths are those of `sizes`, `fault` and so on.
const SIZES = 8;

/** Functions of JavaScript under C's names. */
const MATHEMATICS = { sin: Math.sin, cos: Math.cos, fmod: (a, b) => a % b, fmodf: (a, b) => a % b };

/** A browser may lack vectors, or may fuse multiplications and additions: two small modules tell. */
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const ZEROS = [253, 12, ...Array(16).fill(0)]; // v128.const 0
const VECTORS = new Uint8Array([...HEAD, 22, 1, 20, 0, ...ZEROS, 11]);
const FUSED = new Uint8Array([...HEAD, 61, 1, 59, 0, ...ZEROS, ...ZEROS, ...ZEROS, 253, 133, 2, 11]);

/**
 * @typedef {{role: string, key: string, dtype: string, order?: number[], sizes: (number|number[]|string)[]}} ArrayForm
 * @typedef {{arrays: ArrayForm[], numbers: number[], checks: string[], heap: number, rows: [number, number|null]}} Form
 * @typedef {{form: Form, code: Uint8Array, relaxed?: Uint8Array, constants: Record<string, import("./arrays.js").TypedArray>}} Part
 */

export class Kernel {
  /**
   * Compile a kernel: the better of its two modules that this browser runs.
   * @param {Part} part
   */
  static async of({ form, code, relaxed, constants }) {
    if (typeof WebAssembly === "undefined" || !WebAssembly.validate(VECTORS))
      throw new Error("this browser has no WebAssembly with vectors (SIMD); any of 2023 or later has it");
    const best = relaxed && WebAssembly.validate(FUSED) ? relaxed : code;
    try {
      const { instance } = await WebAssembly.instantiate(/** @type {BufferSource} */ (best), { env: MATHEMATICS });
      return new Kernel(form, constants, /** @type {any} */ (instance.exports));
    } catch (error) {
      throw new Error(`this page's policy (CSP) must allow 'wasm-unsafe-eval': ${/** @type {Error} */ (error).message}`);
    }
  }

  /**
   * @param {Form} form
   * @param {Part["constants"]} constants
   * @param {{run: (table: number) => number|bigint, memory: WebAssembly.Memory}} code
   */
  constructor(form, constants, { run, memory }) {
    this.form = form;
    this.constants = constants;
    this.memory = memory;
    this.call = run;
    /** @type {number[]} the addresses of the form's arrays */
    this.addresses = [];
    /** @type {any[]} of the arrays in memory, as far as they were asked for */
    this.views = [];
    this.words = new Int32Array(memory.buffer);
    /** @type {object|null} what the arrays were written from since */
    this.filled = null;
    this.table = this.sizesAt = this.numbersAt = this.faultAt = this.totalsAt = this.orderAt = 0;
    this.states = form.arrays.flatMap(({ role }, i) => (role === "state" ? [i] : []));
    this.rows = this.batch = this.capacity = this.epochs = this.orders = -1; // no memory is laid out yet
  }

  /** Return the sizes of an array in memory. */
  sizesOf({ sizes }) {
    return sizes.map((size) =>
      size === "rows" ? this.rows : Array.isArray(size) ? size[0] + size[1] * this.batch : size);
  }

  /**
   * Lay out memory for a batch size, a number of samples, epochs, and entries of the orders of samples.
   * State and arguments keep their values if they keep their shapes.
   */
  reserve(batch, rows = 0, epochs = 1, orders = 1) {
    if (batch !== this.batch) this.views = [];
    if (batch <= this.capacity && rows === this.rows && epochs <= this.epochs && orders <= this.orders) {
      this.batch = batch;
      return;
    }
    const kept = this.table ? this.state() : [];
    const before = { ...this };
    Object.assign(this, { batch, capacity: batch, rows, epochs, orders });
    let at = this.form.heap;
    const place = (bytes) => {
      const address = at;
      at += Math.ceil(Math.max(bytes, 8) / ALIGNED) * ALIGNED;
      return address;
    };
    const fixed = [8 * SIZES, 8 * (this.form.numbers.length + 1), 8, 8 * epochs, 8 * orders, 16].map(place);
    this.addresses = this.form.arrays.map((each) => place(product(this.sizesOf(each)) * Number(each.dtype[2])));
    this.table = place(4 * (fixed.length + this.addresses.length));
    try {
      this.grow(at);
    } catch (error) {
      Object.assign(this, before); // the memory is as it was
      throw error;
    }
    this.views = [];
    this.words = new Int32Array(this.memory.buffer);
    this.words.set([...fixed, ...this.addresses], this.table / 4);
    [this.sizesAt, this.numbersAt, this.faultAt, this.totalsAt, this.orderAt] = fixed;
    new Float64Array(this.memory.buffer, this.numbersAt).set(this.form.numbers);
    this.form.arrays.forEach((each, i) => {
      if (each.role === "constant") this.view(i).set(this.constants[each.key]);
    });
    for (const [key, values] of kept) this.write(key, values);
    this.filled = null;
  }

  grow(bytes) {
    const pages = Math.ceil(bytes / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (pages <= 0) return;
    try {
      this.memory.grow(pages);
    } catch {
      throw new Error(`the memory of this page does not suffice: ${Math.ceil(bytes / 2 ** 20)} MB are needed`);
    }
  }

  /** Return the array number i in memory, as it lies there. It is valid until memory is laid out again. */
  view(i) {
    const form = this.form.arrays[i];
    return (this.views[i] ??= viewOf(form.dtype, this.memory.buffer, this.addresses[i], product(this.sizesOf(form))));
  }

  index(key) {
    return this.form.arrays.findIndex((each) => each.key === key && each.role !== "constant");
  }

  /** Write an array, whose entries lie in NumPy's order. */
  write(key, values) {
    const i = this.index(key);
    if (i < 0) return;
    const form = this.form.arrays[i];
    const target = this.view(i);
    const source = converted(form.dtype, values);
    if (form.order) moved(this.sizesOf(form), form.order, (to, from) => (target[to] = source[from]));
    else target.set(source);
  }

  /** Return a copy of an array, with entries in NumPy's order. */
  read(key) {
    const i = this.index(key);
    const form = this.form.arrays[i];
    const source = this.view(i);
    const target = source.slice();
    if (form.order) moved(this.sizesOf(form), form.order, (from, to) => (target[to] = source[from]));
    return target;
  }

  /**
   * Return copies of the state, by name.
   * @returns {[string, import("./arrays.js").TypedArray][]}
   */
  state() {
    return this.states.map((i) => [this.form.arrays[i].key, this.read(this.form.arrays[i].key)]);
  }

  /**
   * Copy the state, as it lies in memory, into arrays that this function returned before.
   * @param {any[]} copies
   */
  copyState(copies = []) {
    this.states.forEach((i, k) => (copies[k] ? copies[k].set(this.view(i)) : (copies[k] = this.view(i).slice())));
    return copies;
  }

  /** Write a state that `copyState` returned. */
  restoreState(copies) {
    this.states.forEach((i, k) => this.view(i).set(copies[k]));
  }

  /** Write whole numbers as such of 64 bits. */
  setWhole(address, numbers) {
    for (let i = 0; i < numbers.length; i++) {
      this.words[address / 4 + 2 * i] = numbers[i]; // the lower half
      this.words[address / 4 + 2 * i + 1] = 0;
    }
  }

  /** Run the code with these sizes; return the number of updates with a finite loss. */
  run(sizes) {
    this.setWhole(this.sizesAt, sizes);
    this.setWhole(this.faultAt, [0]);
    const updates = Number(this.call(this.table));
    const fault = this.words[this.faultAt / 4];
    if (fault) throw new RangeError(this.form.checks[fault - 1]);
    return updates;
  }

  /** Begin an epoch of a training kernel with samples in this order. */
  begin(order) {
    this.setWhole(this.orderAt, order);
    this.setWhole(this.totalsAt, [0]); // the bits of 0.0
  }

  /** Run updates of the epoch from number `first` on; return the number of them with a finite loss. */
  update(first, count, batchSize) {
    return this.run([0, first, count, batchSize, this.rows, this.rows, 0, 1]);
  }

  /** Return the sum of the samples' losses in the epoch. */
  total() {
    return new Float64Array(this.memory.buffer, this.totalsAt, 1)[0];
  }

  /** Run a function for a number of rows. */
  compute(rows) {
    this.run([0, 0, 1, rows, 1, 1, 0, 1]);
  }
}

/**
 * Call `move(place, other)` for each entry: its place in memory, and that in NumPy's order.
 * Axis i of the memory is axis order[i] of the array.
 */
function moved(sizes, order, move) {
  const shape = [];
  order.forEach((axis, i) => (shape[axis] = sizes[i]));
  const steps = shape.map((_, axis) => product(shape.slice(axis + 1)));
  const walk = (axis, place, other) => {
    if (axis === sizes.length) return move(place, other);
    for (let k = 0; k < sizes[axis]; k++) walk(axis + 1, place * sizes[axis] + k, other + k * steps[order[axis]]);
  };
  walk(0, 0, 0);
}
