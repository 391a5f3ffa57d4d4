/** Training that the page controls, without a server: the commands of `blackboard/session.py` and its thread's turns. */
import { writeWeights, type NamedArray } from "../../../src/chainrule/_src/export/web/runtime/arrays.js";
import { shaped } from "../frames";
import type { Arrays, Ask, Flight, Setup, Stop, Values } from "../host";
import type { Content, Lesson } from "./content";
import { Network } from "./network";
import { Notices } from "./notices";
import { Points } from "./points";
import { Run, type Recipe } from "./run";
import { readTable, type Limits, type OwnTable } from "./table";
import { Scorer, view, type Pictured, type View } from "./view";

const FRAME = 1000 / 30; // milliseconds from one frame to the next while training runs
const TURN = 8; // milliseconds of training between two moments at which the page is drawn
const AWAITED = 400; // milliseconds of training before there is a first frame
const OWN = "own"; // the name of the lesson and of the pack of the reader's table
const UNSEEN = 250; // milliseconds after which a frame is sent although the last one was not drawn

interface Branch {
  run: Run;
  scorer: Scorer;
  points: Points;
  notices: Notices;
}

/** A run to begin with: its network, what was done to it, how far it was trained, and the update to show. */
export interface Standing extends Recipe {
  lesson: string;
  /** The reader's table, if it is trained with. */
  table?: OwnTable;
  values: Values;
  mistake: string | null;
  head: number;
  update: number;
}
export interface Taken {
  name: string;
  mime: string;
  bytes: Uint8Array;
}

export type Tell = (message: object, arrays?: Arrays) => void;

/** Read a table; what is wrong with it is said with its name. */
function read(table: OwnTable, limits: Limits): ReturnType<typeof readTable> {
  try {
    return readTable(table, limits);
  } catch (error) {
    throw new Error(`${table.name}: ${(error as Error).message}`);
  }
}

export class Session {
  private lesson: Lesson;
  private network!: Network;
  private branches: Record<string, Branch> = {};
  /** The reader's table that was read last. */
  private own: OwnTable | null = null;
  private shown = "a";
  private stop: Stop = {};
  private marked: number | null = null;
  private playing = false;
  /** Updates a second; null: as fast as it can. */
  private rate: number | null = null;
  /** The update to stop at. */
  private goal: number | null = null;
  /** The update to go back to once the goal is reached. */
  private back: number | null = null;
  private speed = 0;
  private losses = { sum: 0, count: 0 };
  private lastLoss: { at: string; loss: number | null } = { at: "", loss: null };
  private framed = 0;
  private due = 0;
  private drawn = true;
  /** What pictures show: of gradient and change, frames hold no more. Null: not told yet. */
  private pictured: Pictured | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** Identities of messages that are answered when the goal is reached. */
  private awaited: number[] = [];
  private queue: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly content: Content,
    private readonly tell: Tell,
    lesson?: string,
    private readonly first?: Standing,
    /** What can be taken away besides weights, by name. */
    private readonly makers: Record<string, () => Taken> = {},
  ) {
    const { lessons } = content.index;
    this.lesson = lessons.find(({ name }) => name === (first?.lesson ?? lesson)) ?? lessons[0]!;
    if (first?.table) this.lesson = this.ownLesson(first.table);
  }

  /** The run that is shown, to be begun with again; null before there is one. */
  get standing(): Standing | null {
    if (!this.network) return null;
    const { run } = this;
    return {
      lesson: this.lesson.name, ...(this.lesson.name === OWN && { table: this.own! }), values: this.network.settings, mistake: this.network.mistake, ...run.recipe,
      head: run.head, update: run.place.update,
    };
  }

  /** Carry out a message, after those before it. */
  handle(ask: Ask): void {
    this.queue = this.queue.then(() => this.attempt(ask));
  }

  close(): void {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private async attempt(ask: Ask): Promise<void> {
    if (this.closed) return;
    const { goal } = this;
    try {
      if (!this.network) await this.start();
      await this.obey(ask);
    } catch (error) {
      return this.tell({ type: "error", id: ask.id ?? null, message: (error as Error).message });
    }
    if (ask.id !== undefined) {
      if (this.goal === null || this.goal === goal) this.tell({ type: "done", id: ask.id });
      else this.awaited.push(ask.id);
    }
    this.answer();
    this.schedule();
  }

  /** Begin with the run that was given, if there is one. */
  private async start(): Promise<void> {
    const { first, lesson } = this;
    if (!first || first.lesson !== lesson.name) return this.begin(lesson.settings.values, null);
    await this.begin(first.values, first.mistake);
    const { run } = this;
    run.follow(first);
    const began = performance.now();
    while (run.head < first.head && performance.now() - began < AWAITED && run.advance(first.head - run.head).updates);
    if (run.head >= first.head) run.seek(first.update);
    else [this.playing, this.goal, this.back] = [true, first.head, first.update]; // the page sees it on its way
  }

  private answer(): void {
    if (this.goal === null) for (const id of this.awaited.splice(0)) this.tell({ type: "done", id });
  }

  private get branch(): Branch {
    return this.branches[this.shown]!;
  }
  private get run(): Run {
    return this.branch.run;
  }
  /** The update at which training will stop, or the present one without a goal. */
  private get target(): number {
    return this.goal ?? this.run.place.update;
  }

  private branchOf(run: Run): Branch {
    return {
      run, scorer: new Scorer(this.network), points: new Points(this.network.names.length),
      notices: new Notices(this.content.index.notices),
    };
  }

  /** Reset all state, and start with a network. */
  private async begin(settings: Values, mistake: string | null): Promise<void> {
    this.network = await Network.of(this.content, this.lesson, settings, mistake);
    this.branches = { a: this.branchOf(new Run(this.network)) };
    this.shown = "a";
    this.marked = this.goal = this.back = this.rate = null;
    this.playing = false;
    this.losses = { sum: 0, count: 0 };
    this.lastLoss = { at: "", loss: null };
    this.speed = this.framed = this.due = 0;
  }

  private async obey(ask: Ask): Promise<void> {
    const { run } = this;
    switch (ask.do) {
      case "hello":
        return this.hello();
      case "drawn":
        this.drawn = true;
        return;
      case "pictures": {
        const more = this.pictured !== null && this.pictured !== ask.of && ask.of !== "weights";
        this.pictured = ask.of;
        return more ? this.show() : undefined;
      }
      case "play":
        this.playing = true;
        this.rate = ask.rate;
        this.goal = this.back = null;
        this.due = performance.now();
        this.losses = { sum: 0, count: 0 };
        return;
      case "pause":
        return this.pause();
      case "step":
        return this.move(this.target + ask.count);
      case "epoch":
        return this.move(run.epochEnd(this.target));
      case "seek":
        return this.move(Math.min(ask.update, run.head));
      case "set": {
        const { do: _, id: __, ...settings } = ask;
        run.set(this.checked(settings));
        return this.cut();
      }
      case "train_on": {
        run.trainOn(this.network.sample(ask.x), ask.y);
        this.cut();
        return this.move(run.place.update + 1);
      }
      case "restart":
        return this.restart(ask.settings ?? {}, this.network.mistake);
      case "mistake":
        return this.restart({}, ask.name);
      case "lesson":
        return this.open(ask.name === OWN && this.own ? this.ownLesson(this.own) : this.content.index.lessons.find(({ name }) => name === ask.name));
      case "table": {
        const { do: _, id: __, ...table } = ask;
        return this.open(this.ownLesson(table));
      }
      case "retarget":
        if (!this.own) throw new Error("there is no table yet");
        return this.open(this.ownLesson({ ...this.own, target: ask.target }));
      case "stop":
        this.stop = { epoch: ask.epoch, loss: ask.loss, accuracy: ask.accuracy };
        return this.show();
      case "fork": {
        const { points, run: before } = this.branch;
        const other = this.branchOf(before.fork());
        other.points = points.fork(before.place.update);
        this.branches = { a: this.branch, b: other };
        this.shown = "b";
        for (const [name, each] of Object.entries(this.branches)) this.tell(...each.points.message(name, 0));
        return this.show();
      }
      case "show":
        this.named(ask.branch);
        this.shown = ask.branch;
        return this.show();
      case "drop": {
        this.named(ask.branch);
        const others = Object.entries(this.branches).filter(([name]) => name !== ask.branch);
        if (!others.length) throw new Error("there is one run alone, which cannot be dropped; restart it instead");
        this.branches = { a: others[0]![1] };
        this.shown = "a";
        return this.hello();
      }
      case "mark":
        this.marked = ask.clear ? null : run.place.update;
        return this.show();
      case "take":
        return this.take(ask.what);
    }
  }

  private named(name: string): void {
    if (!this.branches[name]) throw new Error(`there is no run ${name}; there are ${Object.keys(this.branches).join(", ")}`);
  }

  /** Settings in flight, if they are within the limits. */
  private checked(settings: Flight): Flight {
    for (const [name, value] of Object.entries(settings)) {
      const [low, high] = this.lesson.settings.limits[name as keyof Flight]!;
      const whole = name === "batch_size";
      if (!(value >= low && value <= high) || (whole && !Number.isInteger(value)))
        throw new Error(`set: ${name} must be a ${whole ? "whole " : ""}number from ${low} to ${high}, received ${value}`);
    }
    return settings;
  }

  private async restart(settings: Values, mistake: string | null): Promise<void> {
    const { layers, activation, init, optimizer, seed, ...flight } = settings;
    this.checked(flight);
    const chosen = Object.fromEntries(Object.entries({ layers, activation, init, optimizer, seed }).filter(([, value]) => value !== undefined));
    await this.begin({ ...this.network.settings, ...chosen, ...flight }, mistake);
    this.hello();
  }

  /** Return the lesson of a reader's table, of which the data are in the page from now on. */
  private ownLesson(table: OwnTable): Lesson {
    const { own } = this.content.index;
    if (!own) throw new Error("this page has no network for tables of your own; one of chainrule blackboard --export course/ has");
    const { task, pack } = read(table, own);
    this.content.put(OWN, pack);
    this.own = table;
    return { ...own.lessons[task], name: OWN, title: table.name, data: OWN };
  }

  private async open(next: Lesson = this.lesson): Promise<void> {
    const { lesson } = this;
    this.lesson = next;
    try {
      await this.begin(this.lesson.settings.values, null);
    } catch (error) {
      this.lesson = lesson;
      throw error;
    }
    this.hello();
  }

  private hello(): void {
    const { header, arrays } = this.network.setup();
    const { scenes, own } = this.content.index;
    const lessons = [...this.content.index.lessons, ...(this.own ? [{ name: OWN, title: this.own.name }] : [])];
    const setup: Omit<Setup, "arrays"> = {
      type: "setup", ...header, scenes: this.lesson.scenes ? scenes : [], lesson: this.lesson.name, takes: this.takes,
      lessons: lessons.map(({ name, title }) => ({ name, title })), tables: own !== undefined,
    };
    this.tell(setup, arrays);
    for (const [name, { points, notices }] of Object.entries(this.branches)) {
      this.tell(...points.message(name, 0));
      for (const notice of notices.said) this.tell({ type: "notice", branch: name, ...notice });
    }
    this.drawn = true;
    this.show();
  }

  private cut(): void {
    const { run, points, notices, scorer } = this.branch;
    const { update } = run.place;
    for (const part of [points, notices, scorer]) part.cut(update);
    this.tell({ type: "notices_cleared", branch: this.shown, from: update });
    this.show();
  }

  private take(what: string): void {
    const maker = what === "weights" ? () => this.weights() : this.makers[what];
    if (!maker) throw new Error(`${what}: this page gives ${this.takes.join(" and ")}; chainrule blackboard, in Python, gives the rest`);
    const { name, mime, bytes } = maker();
    this.tell({ type: "file", name, mime }, { bytes: shaped(bytes, bytes.length) });
  }

  private get takes(): string[] {
    return ["weights", ...Object.keys(this.makers)];
  }

  private weights(): Taken {
    const carry = this.run.carry();
    const { parameters } = this.network.document.setup;
    const weights = new Map<string, NamedArray>(
      parameters.map(({ name, shape }) => [name, { data: this.network.shown(name, carry[`params/${name}`] as Float64Array, shape), shape }]),
    );
    return { name: "weights.safetensors", mime: "application/octet-stream", bytes: writeWeights(weights) };
  }

  // Training

  private schedule(): void {
    if (!this.playing || this.timer !== null || this.closed) return;
    const wait = this.rate === null ? 0 : Math.max(this.due - performance.now(), 0);
    this.timer = setTimeout(() => {
      this.queue = this.queue.then(() => this.turn());
    }, wait);
  }

  /** Train for a moment, and send a frame if it is time. */
  private turn(): void {
    this.timer = null;
    if (!this.playing || this.closed) return;
    try {
      this.train();
    } catch (error) {
      this.playing = false;
      this.goal = null;
      this.tell({ type: "error", id: null, message: (error as Error).message });
    }
    this.answer();
    this.schedule();
  }

  private train(): void {
    const began = performance.now();
    if (this.rate !== null) {
      // What a hidden page missed is not made up for.
      this.due = Math.max(this.due, began - 1000) + 1000 / this.rate;
      this.advance(1);
      while (this.playing && this.due <= performance.now() && performance.now() - began < TURN) {
        this.due += 1000 / this.rate;
        this.advance(1);
      }
    } else {
      do this.advance(this.chunk);
      while (this.playing && performance.now() - began < TURN);
    }
    const now = performance.now();
    const ready = this.drawn || now - this.framed > UNSEEN;
    if (!this.playing || !ready || now - this.framed < FRAME) return;
    if (!this.run.last) this.advance(1); // the frame needs the last update's gradient
    if (this.playing) this.show();
  }

  /** Updates before the clock is read again. */
  private get chunk(): number {
    return Math.max(Math.floor((this.speed * TURN) / 4000), 1);
  }

  private advance(count: number): void {
    const { run } = this;
    const began = performance.now();
    const { updates, mean } = run.advance(this.limited(count));
    if (!updates) {
      this.rest();
      const { texts } = this.content.index.notices;
      return this.say("diverged", run.hopeless ? texts.hopeless! : texts.diverged!);
    }
    const pace = (1000 * updates) / Math.max(performance.now() - began, 1e-3);
    this.speed = this.speed ? 0.8 * this.speed + 0.2 * pace : pace;
    this.losses = { sum: this.losses.sum + mean * updates, count: this.losses.count + updates };
    const { loss, epoch } = this.stop;
    if (run.place.update === this.goal && this.back !== null) {
      run.seek(this.back);
      this.rest();
    } else if (run.place.update === this.goal || (loss != null && mean <= loss) || (epoch != null && run.epochs === epoch)) {
      this.losses = { sum: mean * updates, count: updates };
      this.pause();
    } else if (run.place.update >= this.branch.points.due) this.look(false);
  }

  /** Limit a number of updates, so that the one that leads to a stop or a point is separate: it gives its gradient. */
  private limited(count: number): number {
    const { run } = this;
    let most = count;
    for (const update of [this.goal, this.branch.points.due])
      if (update !== null && update > run.place.update) most = Math.min(most, Math.max(update - run.place.update - 1, 1));
    const { epoch } = this.stop;
    if (epoch != null && epoch > run.epochs) most = Math.min(most, Math.max(Math.floor((epoch - run.epochs) * run.epochLength) - 1, 1));
    return most;
  }

  /** Go to an update: seek it if the run has reached it before, else train. */
  private move(update: number): void {
    const { run } = this;
    if (update > run.head) {
      run.seek(run.head);
      this.playing = true;
      this.rate = this.back = null;
      this.goal = update;
    } else {
      run.seek(Math.max(update, 0));
      this.rest();
    }
  }

  /** Pause training, after one more update if the present one has no gradient to show. */
  private pause(): void {
    const { run } = this;
    if (this.playing && run.place.update && !run.last) run.advance(1);
    this.rest();
  }

  private rest(): void {
    this.playing = false;
    this.goal = this.back = null;
    this.show();
  }

  // Messages

  private show(): void {
    const { branch } = this;
    const { header, arrays } = this.look(!this.playing);
    this.framed = performance.now();
    const { points } = branch;
    if (points.start < points.all.length) {
      this.tell(...points.message(this.shown, points.start));
      points.start = points.all.length;
    }
    const { accuracy } = this.stop;
    if (accuracy != null && (header.held_accuracy ?? 0) >= accuracy) {
      this.playing = false;
      this.goal = null;
    }
    this.drawn = false;
    const state = {
      branch: this.shown, branches: Object.keys(this.branches), playing: this.playing, rate: this.rate, speed: this.speed,
      stop: this.stop, marked: this.marked,
    };
    this.tell({ type: "frame", ...header, ...state }, arrays);
  }

  /** Return a view of the run at its present update, and add a point to the curves. */
  private look(exact: boolean): View {
    const { run, scorer, points, notices } = this.branch;
    const { sum, count } = this.losses;
    const at = `${this.shown} ${run.place.update}`;
    let loss = count && run.place.update >= run.head ? sum / count : null;
    if (loss === null && this.lastLoss.at === at) loss = this.lastLoss.loss;
    this.lastLoss = { at, loss };
    this.losses = { sum: 0, count: 0 };
    const seen = view(run, scorer, exact, loss, this.pictured);
    points.add(seen.point);
    for (const notice of notices.look(this.network, seen.point, seen.carry)) this.tell({ type: "notice", branch: this.shown, ...notice });
    return seen;
  }

  private say(kind: string, text: string): void {
    const notice = { update: this.run.place.update, kind, text };
    this.branch.notices.said.push(notice);
    this.tell({ type: "notice", branch: this.shown, ...notice });
  }
}
