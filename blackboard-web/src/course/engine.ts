/** A kernel of training with the data in its memory. */
import type { Kernel } from "../../../src/chainrule/_src/export/web/runtime/kernel.js";

/** All that goes from one update to the next, by its path: parameters, the optimizer's state, settings. */
export type Carry = Record<string, TypedArray>;
export interface Samples {
  X: Float64Array;
  y: TypedArray;
  rows: number;
}

export class Engine {
  /** Whose carry is in the memory. */
  owner: unknown = null;
  private readonly states: string[];

  constructor(
    private readonly kernel: Kernel,
    private readonly data: Samples,
    batch: number,
  ) {
    // One row more than there are samples: a sample of the page's own goes there.
    kernel.reserve(batch, data.rows + 1, 1, data.rows);
    this.states = kernel.form.arrays.filter(({ role }) => role === "state").map(({ key }) => key);
    this.feed(new Float64Array(data.X.length / data.rows), 0);
  }

  /** Put a sample behind the data: row number `rows`. */
  feed(x: Float64Array, y: number): void {
    const { X, y: labels, rows } = this.data;
    const all = new Float64Array(X.length + x.length);
    all.set(X);
    all.set(x, X.length);
    const targets = new (labels.constructor as Float64ArrayConstructor)(rows + 1);
    targets.set(labels as Float64Array);
    targets[rows] = y;
    this.kernel.write("X", all);
    this.kernel.write("y", targets);
  }

  begin(carry: Carry): void {
    for (const key of this.states) this.kernel.write(key, carry[key.slice(6)]!);
  }

  /** Return copies of the parts of the carry that updates change or read. */
  read(): Carry {
    return Object.fromEntries(this.states.map((key) => [key.slice(6), this.kernel.read(key)]));
  }

  /** Train on these rows; return the number of updates with a finite loss, and the sum of the samples' losses. */
  run(order: Int32Array, size: number): { updates: number; total: number } {
    const { kernel } = this;
    const count = Math.ceil(order.length / size);
    new BigInt64Array(kernel.memory.buffer, kernel.orderAt, order.length).set(BigInt64Array.from(order, BigInt));
    const totals = new Float64Array(kernel.memory.buffer, kernel.totalsAt, 1);
    totals[0] = 0;
    const updates = kernel.run([0, 0, count, size, order.length, this.data.rows + 1, 0, 1]);
    return { updates, total: totals[0]! };
  }
}
