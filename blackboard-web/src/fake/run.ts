/** One run of the made-up host: its weights after every update, its curves. */
import { shaped } from "../frames";
import type { Arrays, Values } from "../host";
import { backward, copy, forward, layers, zeros, type Layer } from "./net";
import { Random } from "./random";

export interface Table {
  X: Float64Array;
  y: Int32Array;
  width: number;
  classes: number;
  rows: number;
  held: number; // rows behind the others
}
const KEPT = 40e6; // numbers kept of the past

export class Run {
  past: Layer[][];
  velocity: Layer[][];
  gradients: Layer[][] = [];
  losses: number[] = [];
  /** Update at which `past` begins (older ones are forgotten where networks are large). */
  shown = 0;
  /** A line of the gradient that is wrong, by the name of the mistake. */
  mistake: string | null = null;
  /** Each point of the curves in turn: update, then loss, held loss, accuracy, …. */
  points: number[][] = [];

  constructor(private readonly table: Table, public settings: Required<Values>) {
    const net = layers([table.width, ...settings.layers, table.classes], settings.init, settings.seed);
    this.past = [net];
    this.velocity = [zeros(net)];
    this.points.push([0, NaN, NaN, NaN, NaN, ...net.flatMap(() => [NaN, NaN, NaN, NaN]), NaN, NaN]);
  }

  fork(): Run {
    const run: Run = Object.assign(Object.create(Run.prototype), this);
    run.settings = { ...this.settings };
    const cut = <T>(list: T[], end: number) => list.slice(0, end);
    run.past = cut(this.past, this.shown + 1);
    run.velocity = cut(this.velocity, this.shown + 1);
    run.gradients = cut(this.gradients, this.shown);
    run.losses = cut(this.losses, this.shown);
    run.points = cut(this.points, this.shown + 1);
    return run;
  }

  get head(): number {
    return this.past.length - 1;
  }
  get perEpoch(): number {
    return Math.ceil(this.table.rows / this.settings.batch_size);
  }
  get full(): boolean {
    const size = this.past[0]!.reduce((sum, { W }) => sum + W.length, 0);
    return this.past.length * size * 3 > KEPT;
  }

  /** What was computed beyond the update shown no longer holds. */
  cut(): void {
    const run = this.fork();
    Object.assign(this, { past: run.past, velocity: run.velocity, gradients: run.gradients, losses: run.losses, points: run.points });
  }

  forward(x: Float64Array): Float64Array[] {
    return forward(this.past[this.shown]!, x, this.settings.activation);
  }

  row(i: number): Float64Array {
    return this.table.X.subarray(i * this.table.width, (i + 1) * this.table.width);
  }

  /** One update, with samples of the table or with one of the page's. */
  advance(one?: { x: Float64Array; y: number }): void {
    if (one) this.cut();
    if (this.shown < this.head) {
      this.shown++;
      return;
    }
    const { rate, momentum, activation, seed } = this.settings;
    const batch_size = one ? 1 : this.settings.batch_size;
    const net = copy(this.past[this.head]!);
    const [gradient, speed] = [zeros(net), copy(this.velocity[this.head]!)];
    const random = new Random(seed * 1000003 + this.head);
    let [loss, right] = [0, 0];
    for (let n = 0; n < batch_size; n++) {
      const i = Math.floor(random.uniform(0, this.table.rows));
      const { x, y } = one ?? { x: this.row(i), y: this.table.y[i]! };
      const all = forward(net, x, activation);
      loss += backward(net, all, y, this.mistake === "no_slope" ? "identity" : activation, gradient) / batch_size;
      if (best(all[all.length - 1]!) === y) right++;
    }
    const norms: number[] = [];
    const ratios: number[] = [];
    net.forEach((layer, l) => {
      for (const key of ["W", "b"] as const) {
        const [w, g, v] = [layer[key], gradient[l]![key], speed[l]![key]];
        let [gg, vv, ww] = [0, 0, 0];
        for (let i = 0; i < w.length; i++) {
          if (this.mistake !== "no_mean") g[i]! /= batch_size;
          v[i] = momentum * v[i]! - rate * g[i]!;
          ww += w[i]! ** 2;
          w[i]! += v[i]!;
          gg += g[i]! ** 2;
          vv += v[i]! ** 2;
        }
        norms.push(Math.sqrt(gg));
        ratios.push(ww ? Math.sqrt(vv / ww) : NaN);
      }
    });
    this.past.push(net);
    this.velocity.push(speed);
    this.gradients.push(gradient);
    this.losses.push(loss);
    this.shown++;
    const held = this.head % 10 === 0 ? this.score() : [NaN, NaN, NaN, NaN];
    this.points.push([this.head, loss, held[0]!, right / batch_size, held[1]!, ...norms, ...ratios, held[2]!, held[3]!]);
  }

  /** Loss and accuracy of the held samples, shares of saturated and of dead hidden units. */
  private score(): number[] {
    const { rows, held, y } = this.table;
    const alive = new Set<number>();
    let [loss, right, flat, units] = [0, 0, 0, 0];
    for (let i = rows; i < rows + held; i++) {
      const all = this.forward(this.row(i));
      const p = all[all.length - 1]!;
      loss -= Math.log(Math.max(p[y[i]!]!, 1e-300)) / held;
      if (best(p) === y[i]) right += 1 / held;
      units = 0;
      for (const h of all.slice(1, -1))
        for (const value of h) {
          if (this.settings.activation === "relu" ? false : Math.abs(value) > 0.97 || Math.abs(value) < 0.03) flat++;
          if (value !== 0) alive.add(units);
          units++;
        }
    }
    return [loss, right, units ? flat / (held * units) : 0, units ? 1 - alive.size / units : 0];
  }

  arrays(): Arrays {
    const arrays: Arrays = {};
    const before = this.past[this.shown - 1];
    this.past[this.shown]!.forEach((layer, l) => {
      for (const key of ["W", "b"] as const) {
        const shape = key === "W" ? [layer.inputs, layer.outputs] : [layer.outputs];
        const name = `${key}_${layer.name}`;
        arrays[`p:${name}`] = shaped(layer[key], ...shape);
        const old = before?.[l]?.[key];
        if (!old) continue;
        arrays[`g:${name}`] = shaped(this.gradients[this.shown - 1]![l]![key], ...shape);
        arrays[`d:${name}`] = shaped(layer[key].map((value, i) => value - old[i]!), ...shape);
      }
    });
    return arrays;
  }

  guesses(): Arrays {
    const { rows, held, y } = this.table;
    const [guess, sure] = [new Int32Array(held), new Float32Array(held)];
    for (let i = 0; i < held; i++) {
      const all = this.forward(this.row(rows + i));
      const p = all[all.length - 1]!;
      guess[i] = best(p);
      sure[i] = p[y[rows + i]!]!;
    }
    return { guess: shaped(guess, held), sure: shaped(sure, held) };
  }
}

function best(p: Float64Array): number {
  let most = 0;
  for (let k = 1; k < p.length; k++) if (p[k]! > p[most]!) most = k;
  return most;
}
