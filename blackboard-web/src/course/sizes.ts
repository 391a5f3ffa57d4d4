/** A network for tables of any size, fitted to one (`blackboard/tables.py`): its kernels take the largest table. */
import type { Carry } from "./engine";

export interface Sizes {
  /** Columns of the largest table. */
  features: number;
  /** The bias of classes that a table does not have. */
  never: number;
  /** Of the parameters, in kernels. */
  shapes: Record<string, number[]>;
  /** The bias of the classes; null where a quantity is predicted. */
  output: string | null;
  /** Texts that stand for numbers: `a * features**i * classes**j + b`. */
  marks: [string, number, number, number, number][];
  /** Texts that stand for the numbers of all classes: what is between them, and behind each. */
  ranges: [string, string, string][];
}

export class Fit {
  constructor(
    private readonly sizes: Sizes,
    private readonly features: number,
    private readonly classes: number,
  ) {}

  /** Return plain values in which the sizes of the table stand in the place of the marks. */
  text<Value>(value: Value): Value {
    let text = JSON.stringify(value);
    for (const [mark, between, behind] of this.sizes.ranges)
      text = text.replaceAll(mark, Array.from({ length: this.classes }, (_, i) => `${i}${behind}`).join(between));
    const numbers = new Map(this.sizes.marks.map(([mark, a, i, j, b]) => [mark, a * this.features ** i * this.classes ** j + b]));
    const marks = [...numbers.keys()].sort((a, b) => b.length - a.length).join("|");
    return JSON.parse(text.replace(new RegExp(`(?<![\\w.])(?:${marks})(?![\\w.])`, "g"), (mark) => String(numbers.get(mark))));
  }

  /** Return a parameter as kernels have it. */
  filled(name: string, values: Float64Array, shape: number[]): Float64Array {
    const whole = this.sizes.shapes[name]!;
    const filled = new Float64Array(whole.reduce((a, b) => a * b, 1)).fill(name === this.sizes.output ? this.sizes.never : 0);
    eachRow(whole, shape, (at, from, width) => filled.set(values.subarray(from, from + width), at));
    return filled;
  }

  /** Return a parameter of kernels, or a gradient of one, as the table has it. */
  cut(name: string, values: Float64Array, shape: number[]): Float64Array {
    const short = new Float64Array(shape.reduce((a, b) => a * b, 1));
    eachRow(this.sizes.shapes[name]!, shape, (at, to, width) => short.set(values.subarray(at, at + width), to));
    return short;
  }

  /** Return samples with as many columns as kernels take. */
  samples(X: Float64Array): Float64Array {
    const rows = X.length / this.features;
    const filled = new Float64Array(rows * this.sizes.features);
    eachRow([rows, this.sizes.features], [rows, this.features], (at, from, width) => filled.set(X.subarray(from, from + width), at));
    return filled;
  }
}

/** Call a function with where each row of a block begins in the whole and in the block, and with the block's width. */
function eachRow(whole: number[], block: number[], visit: (inWhole: number, inBlock: number, width: number) => void): void {
  const [wide, width] = [whole.at(-1)!, block.at(-1)!];
  for (let row = 0; row < (block.length > 1 ? block[0]! : 1); row++) visit(row * wide, row * width, width);
}

/** Return a carry in which the parameters are changed. */
export function withParameters(carry: Carry, change: (name: string, values: Float64Array) => Float64Array): Carry {
  const entries = Object.entries(carry).map(([key, values]): [string, TypedArray] => {
    const name = key.startsWith("params/") ? key.slice("params/".length) : null;
    return [key, name === null ? values : change(name, values as Float64Array)];
  });
  return Object.fromEntries(entries);
}
