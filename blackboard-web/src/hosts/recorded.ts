/** The host in a file: it answers from a recorded run. */
import { decode, encode } from "../frames";
import { why } from "../able";
import type { Ask, Bytes, Frame, Model, Stop } from "../host";
import { HashPlace } from "./socket";

const FASTEST = 30; // frames a second

export class RecordedHost implements Model {
  readonly place = typeof location === "undefined" ? undefined : new HashPlace();
  private readonly told: ArrayBuffer[] = [];
  private readonly frames: Frame[] = [];
  private heard = new Set<(content: unknown, buffers: Bytes[]) => void>();
  private shown = 0;
  private playing = 0;
  private rate: number | null = null;
  private stop: Stop = {};
  private marked: number | null = null;

  constructor(run: ArrayBuffer) {
    for (const message of parts(run)) {
      const decoded = decode(message);
      if (decoded.type === "frame") this.frames.push(decoded);
      else this.told.push(message);
    }
  }

  send(message: Ask): void {
    setTimeout(() => this.obey(message)); // answers come later, as those of other hosts
  }

  on(_event: "msg:custom", heard: (content: unknown, buffers: Bytes[]) => void): void {
    this.heard.add(heard);
  }

  off(_event: "msg:custom", heard?: (content: unknown, buffers: Bytes[]) => void): void {
    if (heard) this.heard.delete(heard);
    else this.heard.clear();
  }

  close(): void {
    this.pause();
  }

  private obey(message: Ask): void {
    switch (message.do) {
      case "hello":
        for (const each of this.told) this.tell(each);
        return this.show(this.shown);
      case "play":
        return this.play(message.rate);
      case "pause":
        this.pause();
        return this.show(this.shown);
      case "step":
        return this.rest(this.near(this.frame.update + message.count, Math.sign(message.count)));
      case "seek":
        return this.rest(this.near(message.update, 0));
      case "epoch": {
        const next = this.frames.findIndex((frame) => frame.epoch > this.frame.epoch);
        return this.rest(next < 0 ? this.frames.length - 1 : next);
      }
      case "restart":
        if (!Object.keys(message.settings ?? {}).length) return this.rest(0);
        break;
      case "show":
        return this.show(this.shown);
      case "stop": {
        const { epoch, loss, accuracy } = message;
        this.stop = { epoch, loss, accuracy };
        return this.show(this.shown);
      }
      case "mark":
        this.marked = message.clear ? null : this.frame.update;
        return this.show(this.shown);
      case "drawn":
      case "pictures":
        return;
    }
    this.tell(encode({ type: "error", id: message.id ?? null, message: why(message.do) }));
  }

  private get frame(): Frame {
    return this.frames[this.shown]!;
  }

  /** The frame nearest to an update; at least one further on in a direction that is asked for. */
  private near(update: number, direction: number): number {
    let best = 0;
    for (let i = 1; i < this.frames.length; i++)
      if (Math.abs(this.frames[i]!.update - update) < Math.abs(this.frames[best]!.update - update))
        best = i;
    if (direction && best === this.shown) best += direction;
    return Math.min(Math.max(best, 0), this.frames.length - 1);
  }

  private rest(at: number): void {
    this.pause();
    this.show(at);
  }

  private play(rate: number | null): void {
    this.pause();
    this.rate = rate;
    const step = () => {
      if (this.shown === this.frames.length - 1) return this.rest(this.shown);
      if (this.reached(this.frame, this.frames[this.shown + 1]!)) return this.rest(this.shown + 1);
      this.show(this.shown + 1);
    };
    this.playing = window.setInterval(step, 1000 / Math.min(rate ?? FASTEST, FASTEST));
    if (this.shown === this.frames.length - 1) this.show(0);
  }

  private reached(before: Frame, now: Frame): boolean {
    const { epoch = Infinity, loss = -Infinity, accuracy = Infinity } = this.stop;
    const ends = before.epochs < epoch && epoch <= now.epochs;
    return ends || (now.loss ?? Infinity) <= loss || (now.held_accuracy ?? 0) >= accuracy;
  }

  private pause(): void {
    clearInterval(this.playing);
    this.playing = 0;
  }

  private show(at: number): void {
    this.shown = at;
    const { arrays, ...header } = this.frame;
    const state = { playing: this.playing !== 0, rate: this.rate, stop: this.stop, marked: this.marked };
    this.tell(encode({ ...header, ...state }, arrays));
  }

  private tell(message: ArrayBuffer): void {
    for (const heard of this.heard) heard(null, [message]);
  }
}

/** The messages of a run, each behind its length. */
function* parts(run: ArrayBuffer): Generator<ArrayBuffer> {
  const view = new DataView(run);
  for (let at = 0; at < run.byteLength; ) {
    const size = Number(view.getBigUint64(at, true));
    yield run.slice(at + 8, at + 8 + size);
    at += 8 + size;
  }
}
