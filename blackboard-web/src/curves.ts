/** The curves of one run, in bounded memory: beyond MOST points only every second is kept. */
import type { CurvesPart } from "./host";

export const MOST = 4096;
export const SCORES = ["loss", "held_loss", "accuracy", "held_accuracy", "saturated", "dead"] as const;
const WIDE = ["norm", "ratio"] as const; // one column a parameter

export class Curves {
  /** Lines by name ("loss", "norm.0", …), each with one number a point; NaN where not measured. */
  lines: Record<string, number[]> = {};
  updates: number[] = [];
  /** One point in `stride` is kept. */
  stride = 1;

  /** Points from `start` on are new; those that stood there are gone (the run took another way). */
  put({ start, arrays }: Pick<CurvesPart, "start" | "arrays">): void {
    this.cut(Math.ceil(start / this.stride));
    const updates = arrays.update?.data ?? [];
    const first = (this.stride - (start % this.stride)) % this.stride;
    for (let i = first; i < updates.length; i += this.stride) {
      const place = this.updates.push(updates[i]!) - 1;
      for (const name of SCORES) this.set(name, place, arrays[name]?.data[i]);
      for (const name of WIDE) {
        const { data, shape } = arrays[name] ?? { data: [], shape: [0, 0] };
        const columns = shape[1] ?? 0;
        for (let k = 0; k < columns; k++) this.set(`${name}.${k}`, place, data[i * columns + k]);
      }
    }
    while (this.updates.length > MOST) this.thin();
  }

  /** Points behind an update are gone. */
  behind(update: number): void {
    let length = this.updates.length;
    while (length && this.updates[length - 1]! > update) length--;
    this.cut(length);
  }

  private set(name: string, place: number, value: number | undefined): void {
    const line = (this.lines[name] ??= []);
    while (line.length < place) line.push(NaN);
    line[place] = value ?? NaN;
  }

  private cut(length: number): void {
    if (length === 0) {
      this.stride = 1;
      this.lines = {};
    }
    if (this.updates.length > length) this.updates.length = length;
    for (const line of Object.values(this.lines)) if (line.length > length) line.length = length;
  }

  private thin(): void {
    const even = (line: number[]) => line.filter((_, i) => i % 2 === 0);
    this.stride *= 2;
    this.updates = even(this.updates);
    for (const name in this.lines) this.lines[name] = even(this.lines[name]!);
  }
}
