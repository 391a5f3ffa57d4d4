/** One sample through a network, forward and backward, in float64: values, factors of an entry, finite differences. */

import type { Anatomy, Operand } from "./host";

export type Values = Record<string, Float64Array>;
type Step = (values: Values) => void;

/** One value that an entry is made of. */
export interface Part {
  name: string | null;
  index: number;
  value: number;
}

/** One term of a sum: what it is made of, and what it is worth. */
export interface Term {
  parts: Part[];
  value: number;
}

/** What one entry is made of. */
export interface Factors {
  op: string;
  reduce: string | null;
  terms: Term[];
  /** What the terms come to. */
  computed: number;
  /** What the pass has there. */
  value: number;
}

/** Those of `blackboard/entries.py`. */
const OPERATIONS: Record<string, (a: number, b: number, c: number, d: number) => number> = {
  multiply: (...factors) => factors.reduce((product, x) => product * x),
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  negative: (a) => -a,
  exp: Math.exp,
  exp2: (a) => 2 ** a,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  arctan2: Math.atan2,
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  square: (a) => a * a,
  reciprocal: (a) => 1 / a,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  relu: (a) => (a < 0 ? 0 : a),
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  copy: (a) => a,
  maximum: (a, b) => (a > b || a !== a ? a : b),
  minimum: (a, b) => (a < b || a !== a ? a : b),
  greater: (a, b) => Number(a > b),
  greater_equal: (a, b) => Number(a >= b),
  less: (a, b) => Number(a < b),
  less_equal: (a, b) => Number(a <= b),
  equal: (a, b) => Number(a === b),
  not_equal: (a, b) => Number(a !== b),
  logical_not: (a) => Number(!a),
  where: (c, a, b) => (c ? a : b),
  at: (a, index, place, size) => ((index < 0 ? index + size : index) === place ? a : 0),
};

const REDUCTIONS: Record<string, (x: number[]) => number> = {
  sum: (x) => x.reduce((a, b) => a + b, 0),
  prod: (x) => x.reduce((a, b) => a * b, 1),
  max: (x) => x.reduce((a, b) => Math.max(a, b), -Infinity),
  min: (x) => x.reduce((a, b) => Math.min(a, b), Infinity),
};

export const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** Where a flat index lies along each axis. */
export function unravel(index: number, shape: number[]): number[] {
  const place = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis] = index % shape[axis]!;
    index = Math.floor(index / shape[axis]!);
  }
  return place;
}

const widened = new WeakMap<object, Float64Array>();
/** In float64: numbers that have it already are taken as they are, since equations write only what they make. */
function exact(source: ArrayLike<number>): Float64Array {
  if (source instanceof Float64Array) return source;
  let made = widened.get(source);
  if (!made) widened.set(source, (made = new Float64Array(source)));
  return made;
}

const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** Functions that return a step, by the keys that stand in the anatomies of files (`blackboard/steps.py`). */
export type Library = Record<string, (...given: unknown[]) => Step>;
const library: Library = {};
export function know(functions: Library): void {
  Object.assign(library, functions);
}

/**
 * The steps of a script that a server or a notebook has sent. It runs as an element with the nonce of the page's own
 * script: the page's policy need not allow that text becomes code in other ways.
 */
function compiled(script: string): Step[] {
  const ran: { steps?: Step[] } = {};
  const element = document.createElement("script");
  element.nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
  element.textContent = `"use strict";chainruleScript.steps=${script}`;
  Object.assign(globalThis, { chainruleScript: ran });
  document.head.append(element);
  element.remove();
  if (!ran.steps) throw new Error("this page may not run the script of the microscope: its policy refuses scripts in the page");
  return ran.steps;
}

/** An anatomy with its script compiled. */
export class Body {
  private readonly steps: Step[];
  private readonly byName = new Map<string, number>();
  private readonly labels = new Map<string, string>();
  /** The value whose adjoint it is, by the name of a gradient. */
  readonly primal = new Map<string, string>();

  constructor(readonly anatomy: Anatomy) {
    const { script } = anatomy;
    this.steps = typeof script === "string" ? compiled(script) : script.map(([key, ...given]) => library[key]!(...given));
    const assigned = new Set(anatomy.lines.map(({ code }) => code.split(" = ", 1)[0]!));
    anatomy.equations.forEach((equation, k) => {
      this.byName.set(equation.name, k);
      const { name, code } = equation;
      if (!assigned.has(name) && !code.startsWith(`${name} = `)) this.labels.set(name, code);
      if (equation.adjoint) this.primal.set(equation.adjoint, equation.name);
    });
    for (const input of anatomy.inputs) {
      const gradient =
        input.role === "X" ? anatomy.input_gradient : input.key !== null ? anatomy.gradients[input.key] : null;
      if (gradient && !this.primal.has(gradient)) this.primal.set(gradient, input.name);
    }
  }

  /** The number of the equation that makes a value; -1 for an input. */
  made(name: string): number {
    return this.byName.get(name) ?? -1;
  }

  /** A value as the lines have it: its name, or within a line the expression that stands there. */
  label(name: string): string {
    return this.labels.get(name) ?? name;
  }

  shape(name: string): number[] {
    const k = this.made(name);
    if (k >= 0) return this.anatomy.equations[k]!.shape;
    return this.anatomy.inputs.find((input) => input.name === name)?.shape ?? [];
  }

  /** The gradient of the loss with regard to a value, by name. */
  adjoint(name: string): string | null {
    for (const [gradient, primal] of this.primal) if (primal === name) return gradient;
    return null;
  }

  /** Run all equations for one sample. */
  pass(parameters: Record<string, ArrayLike<number>>, x: ArrayLike<number>, y?: ArrayLike<number>): Pass {
    const values: Values = {};
    for (const { name, role, key } of this.anatomy.inputs) {
      const source = role === "params" ? parameters[key ?? name] : role === "X" ? x : (y ?? []);
      if (!source) throw new Error(`no parameter ${key}`);
      values[name] = exact(source);
    }
    this.run(values, 0, this.steps.length);
    return new Pass(this, values);
  }

  run(values: Values, from: number, to: number): void {
    for (let k = from; k < to; k++) this.steps[k]!(values);
  }
}

/** The values of one sample's pass. */
export class Pass {
  constructor(
    readonly body: Body,
    readonly values: Values,
  ) {}

  get loss(): number {
    const name = this.body.anatomy.loss;
    return name === null ? NaN : this.values[name]![0]!;
  }

  /** The loss with one entry changed: the equations behind it run again. */
  lossWith(name: string, index: number, change: number): number {
    const { anatomy } = this.body;
    if (anatomy.loss === null) return NaN;
    const values = { ...this.values, [name]: this.values[name]!.slice() };
    values[name]![index]! += change;
    this.body.run(values, this.body.made(name) + 1, this.body.made(anatomy.loss) + 1);
    return values[anatomy.loss]![0]!;
  }

  /**
   * dL/d(entry) as a central difference of five points: small against the entry, as a probability near 0 needs, and
   * of fourth order, so that the step need not be so small that rounding shows.
   */
  difference(name: string, index: number): number {
    const step = 1e-3 * Math.max(1e-3, Math.abs(this.values[name]![index]!));
    const apart = (steps: number) => this.lossWith(name, index, steps * step) - this.lossWith(name, index, -steps * step);
    return (8 * apart(1) - apart(2)) / (12 * step);
  }

  /** The entry of an operand at a place. */
  private part({ name, value, strides, offset, picks }: Operand, place: number[]): Part {
    let at = offset + dot(strides, place);
    for (const pick of picks ?? []) {
      const by = this.part(pick, place).value;
      at += pick.step * (by < 0 ? by + pick.size : by);
    }
    if (name === undefined) return { name: null, index: at, value: (Array.isArray(value) ? value[at] : value) ?? NaN };
    return { name, index: at, value: this.values[name]![at]! };
  }

  /** What an entry is made of; null for inputs and where the operation is no such thing. */
  factors(name: string, index: number): Factors | null {
    const k = this.body.made(name);
    const entry = k < 0 ? null : this.body.anatomy.equations[k]!.entry;
    const op = entry && OPERATIONS[entry.op];
    if (!entry || !op) return null;
    const place = unravel(index, this.body.anatomy.equations[k]!.shape);
    const terms: Term[] = [];
    for (let s = 0; s < size(entry.axes); s++) {
      const along = unravel(s, entry.axes);
      const parts = entry.operands.map((operand) => this.part(operand, [...place, ...along]));
      const numbers = parts.map(({ value }) => value) as [number, number, number, number];
      terms.push({ parts, value: op(...numbers) });
    }
    const reduce = entry.reduce === null ? null : REDUCTIONS[entry.reduce];
    if (reduce === undefined) return null;
    const computed = reduce ? reduce(terms.map((term) => term.value)) : terms[0]!.value;
    return { op: entry.op, reduce: entry.reduce, terms, computed, value: this.values[name]![index]! };
  }
}
