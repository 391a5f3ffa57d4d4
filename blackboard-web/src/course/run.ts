/** A run of training that can go back: every update can be repeated with identical bits (`blackboard/run.py`). */
import type { Flight } from "../host";
import type { Carry, Engine } from "./engine";
import { withFlight, type Network } from "./network";
import { inOrder, permutation } from "./random";

const [MEMORY, COPIES] = [2 ** 26, 2 ** 12]; // the bytes and the number of copies, at most
const [PASSED, FAR] = [8, 32]; // copies made during a seek, at most; updates between them, at least

export interface Position {
  update: number;
  epoch: number;
  /** Samples of the present epoch. */
  offset: number;
}
interface Copy {
  place: Position;
  carry: Carry;
}
export interface Batch {
  X: Float64Array;
  y: TypedArray;
  rows: number;
}
/** The last update of an advance: the carry before it, its batch and its loss. */
export interface Last {
  carry: Carry;
  batch: Batch;
  loss: number;
}
interface Sample {
  x: Float64Array;
  y: number;
}
/** What a run is made of: with it, any page with the same kernels makes the run again. */
export interface Recipe {
  settings: [number, Flight][];
  samples: [number, { x: number[]; y: number }][];
}
type Events = { settings: Map<number, Flight>; samples: Map<number, Sample> };

function until({ settings, samples }: Events, update: number): Events {
  return {
    settings: new Map([...settings].filter(([u]) => u <= update).map(([u, value]) => [u, { ...value }])),
    samples: new Map([...samples].filter(([u]) => u < update)),
  };
}

export class Run {
  place: Position = { update: 0, epoch: 0, offset: 0 };
  /** The furthest update reached since the last change of the settings or samples. */
  head = 0;
  /** The update before the present position; null directly after a jump to a copy. */
  last: Last | null = null;
  /** The loss is not finite even with the initial parameters. */
  hopeless = false;
  events: Events;
  private copies: Copy[];
  private passed: Copy[] = [];
  private engine: Engine | null = null;
  /** The carry while another run is in the kernel's memory; and what no kernel reads. */
  private carryHeld: Carry;
  private order: { epoch: number; rows: Int32Array } | null = null;
  private readonly bytes: number;
  private apart = 0;
  private copied = 0;

  constructor(readonly network: Network) {
    const { rate, momentum, batch_size } = network.settings;
    this.events = { settings: new Map([[0, { rate, momentum, batch_size }]]), samples: new Map() };
    this.carryHeld = network.initial;
    this.copies = [{ place: this.place, carry: this.carryHeld }];
    this.bytes = Object.values(this.carryHeld).reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The settings of the next update, as far as they can change during training. */
  get settings(): Flight {
    const settings: Flight = {};
    for (const update of [...this.events.settings.keys()].sort((a, b) => a - b))
      if (update <= this.place.update) Object.assign(settings, this.events.settings.get(update));
    return settings;
  }

  /** All interventions so far. */
  get recipe(): Recipe {
    const { settings, samples } = this.events;
    return { settings: [...settings], samples: [...samples].map(([update, { x, y }]) => [update, { x: [...x], y }]) };
  }

  /** Let the run, which has not begun, have these interventions on its way. */
  follow({ settings, samples }: Recipe): void {
    this.events = {
      settings: new Map(settings),
      samples: new Map(samples.map(([update, { x, y }]) => [update, { x: Float64Array.from(x), y }])),
    };
    this.obey(this.settings);
  }

  get rows(): number {
    return this.network.train.rows;
  }

  /** Updates of an epoch, with the present batch size. */
  get epochLength(): number {
    return Math.ceil(this.rows / this.settings.batch_size!);
  }

  /** Completed epochs, with a fraction for the present one. */
  get epochs(): number {
    return this.place.epoch + this.place.offset / this.rows;
  }

  /** The first update after `update` that ends an epoch, with the present batch size. */
  epochEnd(update: number): number {
    const size = this.settings.batch_size!;
    const end = this.place.update + Math.ceil((this.rows - this.place.offset) / size);
    const beyond = update - end;
    return beyond < 0 ? end : update + this.epochLength - (beyond % this.epochLength);
  }

  /** Copies of all that goes from one update to the next. */
  carry(): Carry {
    return this.engine ? { ...this.carryHeld, ...this.engine.read() } : this.carryHeld;
  }

  /**
   * Train; return the number of updates, and the mean of their losses. There are fewer than `count` updates at the end
   * of an epoch and before an event. If a loss is not finite the number is 0, and the run ends at the last update with a
   * finite loss.
   */
  advance(count: number): { updates: number; mean: number } {
    const sample = this.events.samples.get(this.place.update);
    if (sample) {
      this.taken().feed(sample.x, sample.y);
      return this.make(Int32Array.of(this.rows), 1, sample);
    }
    const size = this.settings.batch_size!;
    const { update, epoch, offset } = this.place;
    const next = [...this.events.settings.keys(), ...this.events.samples.keys()].filter((u) => u > update);
    const most = Math.min(count, ...next.map((u) => u - update));
    return this.make(this.orderOf(epoch).slice(offset, offset + most * size), size, null);
  }

  /** Go to an update between the start and the head, from an earlier copy, through the same updates again. */
  seek(update: number): void {
    const goal = Math.min(Math.max(update, 0), this.head);
    const copy = this.nearest(Math.max(goal - 1, 0));
    if (!(copy.place.update <= this.place.update && this.place.update < goal)) this.goTo(copy);
    let latest = this.place.update;
    const apart = Math.max(Math.floor((goal - latest) / PASSED), FAR);
    while (this.place.update < goal) {
      const ahead = Math.min(goal - this.place.update - 1, latest + apart - this.place.update);
      if (!this.advance(Math.max(ahead, 1)).updates) break; // the last update is a separate advance
      if (this.place.update - latest < apart) continue;
      latest = this.place.update;
      this.passed = [...this.passed, { place: this.place, carry: this.carry() }].slice(-PASSED);
    }
  }

  /** Change rate, momentum or batch size from here on; later updates are discarded. */
  set(settings: Flight): void {
    const { update } = this.place;
    this.forget(update);
    this.events.settings.set(update, { ...this.events.settings.get(update), ...settings });
    this.obey(settings);
  }

  /** Let the next update use only this sample; later updates are discarded. */
  trainOn(x: Float64Array, y: number): void {
    this.forget(this.place.update);
    this.events.samples.set(this.place.update, { x, y });
  }

  /** Return an independent run with the same past. */
  fork(): Run {
    const other = new Run(this.network);
    const { update } = this.place;
    other.events = until(this.events, update);
    const copy = { place: this.place, carry: this.carry() };
    other.copies = [...this.copies.filter(({ place }) => place.update < update), copy];
    other.head = update;
    other.place = this.place;
    other.carryHeld = copy.carry;
    other.last = this.last;
    return other;
  }

  /** The kernel with this run's carry in its memory. */
  private taken(): Engine {
    const engine = this.network.engine(this.settings.batch_size!);
    if (engine === this.engine) return engine;
    const carry = this.carry();
    this.release();
    (engine.owner as Run | null)?.release();
    engine.begin(carry);
    engine.owner = this;
    this.engine = engine;
    return engine;
  }

  /** Leave the kernel's memory to another run. */
  private release(): void {
    this.carryHeld = this.carry();
    if (this.engine) this.engine.owner = null;
    this.engine = null;
  }

  private put(carry: Carry): void {
    if (this.engine) this.engine.owner = null;
    this.engine = null;
    this.carryHeld = carry;
  }

  private nearest(update: number): Copy {
    const before = [...this.copies, ...this.passed].filter(({ place }) => place.update <= update);
    return before.reduce((best, copy) => (copy.place.update > best.place.update ? copy : best));
  }

  private goTo({ place, carry }: Copy): void {
    this.place = place;
    this.last = null;
    this.put(withFlight(carry, this.settings)); // the copy may be older than a change of settings there
  }

  private orderOf(epoch: number): Int32Array {
    if (this.order?.epoch !== epoch) {
      const { lesson, settings } = this.network;
      const rows = lesson.shuffles ? permutation(settings.seed ?? 0, epoch, this.rows) : inOrder(this.rows);
      this.order = { epoch, rows };
    }
    return this.order.rows;
  }

  private make(order: Int32Array, size: number, sample: Sample | null): { updates: number; mean: number } {
    const engine = this.taken();
    const before = order.length <= size ? this.carry() : null;
    const count = Math.ceil(order.length / size);
    const { updates, total } = engine.run(order, size);
    if (updates < count) {
      const good = this.place.update + updates - 1;
      this.hopeless = good < 0;
      this.endAt(Math.max(good, 0));
      return { updates: 0, mean: NaN };
    }
    const mean = total / order.length;
    this.last = before && { carry: before, batch: sample ? { X: sample.x, y: Float64Array.of(sample.y), rows: 1 } : this.batch(order), loss: mean };
    this.moved(updates, sample ? 0 : order.length);
    return { updates, mean };
  }

  private batch(order: Int32Array): Batch {
    const { X, y, rows } = this.network.train;
    const width = X.length / rows;
    const batch = { X: new Float64Array(order.length * width), y: new Float64Array(order.length), rows: order.length };
    order.forEach((row, i) => {
      batch.X.set(X.subarray(row * width, (row + 1) * width), i * width);
      batch.y[i] = Number(y[row]);
    });
    return batch;
  }

  /** Go to the last update with a finite loss, and discard all later updates. */
  private endAt(update: number): void {
    this.forget(update);
    this.goTo(this.copies[this.copies.length - 1]!);
    this.seek(update);
  }

  private moved(updates: number, samples: number): void {
    const { update, epoch, offset } = this.place;
    const all = offset + samples;
    this.place = { update: update + updates, epoch: epoch + Math.floor(all / this.rows), offset: all % this.rows };
    const changed = this.events.settings.get(this.place.update);
    if (changed) this.obey(changed);
    if (this.place.update <= this.head) return;
    this.head = this.place.update;
    this.keep();
  }

  private obey(settings: Flight): void {
    this.put(withFlight(this.carry(), settings));
  }

  private forget(update: number): void {
    this.head = update;
    this.events = until(this.events, update);
    this.copies = this.copies.filter(({ place }) => place.update <= update);
    this.passed = this.passed.filter(({ place }) => place.update <= update);
  }

  /** Copy the carry, if it is time; of too many copies every second one is discarded. */
  private keep(): void {
    const now = performance.now();
    if (now - this.copied < this.apart) return;
    this.copies.push({ place: this.place, carry: this.carry() });
    if (this.copies.length > Math.max(Math.min(MEMORY / this.bytes, COPIES), 4)) {
      this.copies = this.copies.filter((_, i) => i % 2 === 0);
      this.apart = Math.max(2 * this.apart, 10);
    }
    this.copied = now;
  }
}
