/** The points of a run's curves, of which new ones are sent to the page (`Curves` of `blackboard/views.py`). */
import { shaped } from "../frames";
import type { Arrays } from "../host";

export interface Point {
  update: number;
  loss: number;
  accuracy?: number;
  held_loss?: number;
  held_accuracy?: number;
  saturated: number;
  dead: number;
  /** By parameter: of the gradient; of the change, as a share of the parameter's. */
  norm?: number[];
  ratio?: number[];
}

const COLUMNS = ["loss", "held_loss", "accuracy", "held_accuracy", "saturated", "dead"] as const;
const DENSE = 0.04; // distance of points, as a share of the updates so far
const MANY = 8192; // points, at most; then every second point is removed

export class Points {
  all: Point[] = [];
  /** Index of the first point that was not sent, or has changed since it was sent. */
  start = 0;

  constructor(private readonly parameters: number) {}

  /** The update of the next point. */
  get due(): number {
    const last = this.all.at(-1)?.update ?? 0;
    return last + Math.max(Math.floor(DENSE * last), 1);
  }

  add(point: Point): void {
    if (point.update > (this.all.at(-1)?.update ?? -1)) this.all.push(point);
    if (this.all.length <= MANY) return;
    this.all = this.all.filter((_, i) => i % 2 === 0);
    this.start = 0;
  }

  /** Remove the points after an update. */
  cut(update: number): void {
    while (this.all.length && this.all.at(-1)!.update > update) this.all.pop();
    this.start = Math.min(this.start, this.all.length);
  }

  fork(update: number): Points {
    const other = new Points(this.parameters);
    other.all = this.all.filter((point) => point.update <= update);
    other.start = other.all.length;
    return other;
  }

  message(branch: string, start: number): [{ type: "curves"; branch: string; start: number }, Arrays] {
    const points = this.all.slice(start);
    const none = Array<number>(this.parameters).fill(NaN);
    const arrays: Arrays = { update: shaped(Int32Array.from(points, ({ update }) => update), points.length) };
    for (const name of COLUMNS)
      arrays[name] = shaped(Float32Array.from(points, (point) => point[name] ?? NaN), points.length);
    for (const name of ["norm", "ratio"] as const)
      arrays[name] = shaped(Float32Array.from(points.flatMap((point) => point[name] ?? none)), points.length, this.parameters);
    return [{ type: "curves", branch, start }, arrays];
  }
}
