// A pad to draw on, by pointer or keyboard.
import { button, colour, complain, element, filePicker, freeId, mixed, paint, range } from "./elements.js";
import { Pixels, pixelsOf } from "./picture.js";
import { DRAWN, inkOf } from "./strokes.js";

const SIDE = 480; // pixels of the canvas
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MOVE = 1 / 32; // of the pad's side, a key press

export class Pad extends Pixels {
  constructor(part, changed) {
    super(part, changed);
    const [height, width] = part.shape;
    const id = freeId();
    this.strokes = [];
    this.pen = { at: [0.5, 0.5], down: false, shown: false };
    this.example = 0;
    this.canvas = element("canvas", {
      class: "pad", width: SIDE, height: Math.round((SIDE * height) / width), tabindex: 0, role: "application",
      "aria-label": `Pad${part.name ? ` for ${part.name}` : ""}`, "aria-describedby": id,
    });
    this.seen = element("canvas", { class: "seen", role: "img", "aria-label": "the picture as the network sees it" });
    this.problem = element("p", { class: "problem", role: "alert", hidden: true });
    const area = element("div", { class: "field wide drop" });
    const picker = filePicker("Picture…", "image/*", (file) => this.open(file), area);
    area.append(
      ...(part.name ? [element("h3", {}, part.name)] : []),
      element("div", { class: "pads" }, this.canvas, element("figure", {}, this.seen, element("figcaption", { class: "soft" }, `seen as ${width} × ${height}`))),
      element("div", { class: "buttons" }, button("Clear", () => this.clear()), button("Undo", () => this.undo()), ...picker),
      element("p", { class: "soft", id }, "Draw with a finger, a pen or the mouse. By keyboard: arrow keys move, the space bar lowers and raises the pen."), this.problem);
    this.element = area;
    this.listen();
  }

  listen() {
    const { canvas } = this;
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.pen.shown = this.pen.down = false;
      this.begin(point(event));
      this.drawing = true;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.drawing) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.strokes.at(-1).push(point(each));
      this.drawn();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.drawing = false));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.raise(false));
  }

  key(event) {
    const { pen } = this;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in KEYS) {
      pen.at = pen.at.map((place, axis) => Math.max(0, Math.min(axis ? this.canvas.height / SIDE : 1, place + MOVE * KEYS[event.key][axis])));
      if (pen.down) this.strokes.at(-1).push(pen.at);
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) this.begin(pen.at);
    } else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
    pen.shown = true;
    if (pen.down) this.drawn();
    else this.draw();
  }

  raise(shown) {
    Object.assign(this.pen, { down: false, shown });
    this.draw();
  }

  /** Begin a stroke; a picture that is no drawing gives way. */
  begin(point) {
    this.picture = null;
    this.strokes.push([point]);
    this.drawn();
  }

  undo() {
    this.strokes.pop();
    this.pen.down = this.drawing = false;
    this.drawn();
  }

  clear() {
    this.strokes = [];
    this.picture = null;
    this.pen.down = this.drawing = false;
    this.drawn();
  }

  /** True if nothing is drawn. */
  get empty() {
    return !this.strokes.length && !this.picture;
  }

  start() {
    this.strokes = DRAWN[this.example++ % DRAWN.length].map((stroke) => stroke.map((point) => [...point]));
    this.picture = null;
    this.drawn();
  }

  set(values) {
    this.strokes = [];
    this.values = Float64Array.from(values, Number);
    this.picture = Array.from(this.values, (_, i) => this.shareAt(i));
    complain(this.problem, "");
    this.draw();
    this.changed();
  }

  drawn() {
    const [height, width] = this.part.shape;
    if (!this.picture) this.fromShares(inkOf(this.strokes, height, width));
    complain(this.problem, "");
    this.draw();
    this.changed();
  }

  draw() {
    const { canvas, pen } = this;
    const [height, width] = this.part.shape;
    const [paper, ink] = ["--paper", "--stroke"].map(colour);
    const shade = (i) => mixed(paper, ink, this.shareAt(i));
    paint(this.seen, height, width, shade);
    const context = canvas.getContext("2d");
    context.fillStyle = `rgb(${paper})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (this.picture) {
      context.imageSmoothingEnabled = false;
      context.drawImage(this.seen, 0, 0, canvas.width, canvas.height);
    }
    Object.assign(context, { lineWidth: 0.06 * SIDE, lineCap: "round", lineJoin: "round", strokeStyle: `rgb(${ink})` });
    for (const stroke of this.strokes) {
      context.beginPath();
      for (const [x, y] of stroke.length > 1 ? stroke : [stroke[0], stroke[0]]) context.lineTo(SIDE * x, SIDE * y);
      context.stroke();
    }
    if (!pen.shown) return;
    context.beginPath();
    context.arc(SIDE * pen.at[0], SIDE * pen.at[1], 12, 0, 7);
    Object.assign(context, { lineWidth: 4, strokeStyle: `rgb(${colour(pen.down ? "--against" : "--for")})` });
    context.stroke();
  }

  /** Take a picture from a file, in grey; one that is dark on a bright ground is reversed. */
  async open(file) {
    try {
      const [height, width] = this.part.shape;
      const bytes = await pixelsOf(file, height, width);
      const grey = Array.from(this.values, (_, i) => (0.299 * bytes[4 * i] + 0.587 * bytes[4 * i + 1] + 0.114 * bytes[4 * i + 2]) / 255);
      const edge = grey.filter((_, i) => i < width || i >= (height - 1) * width || i % width === 0 || i % width === width - 1);
      const bright = edge.reduce((a, b) => a + b, 0) / edge.length > 0.5;
      const [low, high] = range(grey);
      this.fromShares(grey.map((share) => (high > low ? (bright ? high - share : share - low) / (high - low) : 0)));
      this.set(this.values);
    } catch (error) {
      complain(this.problem, error);
    }
  }
}
