// Parts that widgets share: elements, sliders, a drawing surface in the page's colours, a loop.

/**
 * Return an element with these properties and children.
 * @param {string} tag
 * @param {Record<string, any>} [properties] `class`, `on…`, attributes with a dash, or properties
 * @param {...(Node|string)} children
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name === "class" ? "class" : name, value);
  }
  element.append(...children);
  return element;
}

/** Return a button with a text. */
export const button = (text, onclick, properties = {}) => el("button", { type: "button", onclick, ...properties }, text);

/**
 * Return a labelled slider, which shows its value and calls `change` with it.
 * @param {{label: string, min: number, max: number, step: number, value: number, show?: (value: number) => string}} options
 * @param {(value: number) => void} change
 */
export function slider({ label, show = String, ...range }, change) {
  const output = el("output", {}, show(range.value));
  const input = el("input", { type: "range", ...range, value: range.value });
  input.setAttribute("aria-valuetext", show(range.value));
  input.addEventListener("input", () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    change(Number(input.value));
  });
  return el("label", { class: "live-slider" }, el("span", {}, label), output, input);
}

/** Return a labelled choice among options: names and what `change` is called with. */
export function choice(label, options, change) {
  const select = el("select", {}, ...Object.keys(options).map((name) => el("option", {}, name)));
  select.addEventListener("change", () => change(options[select.value]));
  return el("label", { class: "live-choice" }, el("span", {}, label), select);
}

/** The page's colours now: the text's, a faint one, and three that differ for everyone. */
export function colours(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(name).trim();
  return { text: of("--pst-color-text-base"), faint: of("--pst-color-border"), surface: of("--pst-color-surface"),
    one: of("--live-one"), two: of("--live-two"), three: of("--live-three"), back: of("--pst-color-background") };
}

const STILL = 1000; // milliseconds between two pictures of what plays, for readers who want little motion
let playing = 0; // how many figures train now

/**
 * A drawing surface that is sharp on every screen. `draw(context, width, height, colours)` draws all of
 * it: when `again` is called and, from then on, when its size or the page's theme changes.
 */
export class Surface {
  constructor(draw, { label = "A figure before its first numbers", height = 240 } = {}) {
    this.canvas = el("canvas", { role: "img", "aria-label": label, class: "live-surface" });
    this.canvas.style.height = `${height}px`;
    this.draw = draw;
    this.drawn = -STILL;
    this.later = null;
    const anew = () => this.isDrawn && this.again();
    new ResizeObserver(anew).observe(this.canvas);
    new MutationObserver(anew).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  again() {
    const { canvas } = this;
    const wait = isStill() && playing ? this.drawn + STILL - performance.now() : 0;
    if (wait > 0) {
      this.later ??= setTimeout(() => { this.later = null; this.again(); }, wait);
      return;
    }
    this.drawn = performance.now();
    this.isDrawn = true;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.font = `13px ${getComputedStyle(canvas).fontFamily}`;
    this.draw(context, width, height, colours(canvas));
  }

  describe(text) {
    this.canvas.setAttribute("aria-label", text);
  }
}

const LEFT = 60; // pixels for the texts of an axis

/** The scales of a plot on a surface, between the texts of its axes. */
const scales = (width, height, { x, y, log, xlog }) => ({ across: scale(x, xlog, LEFT, width - 12), up: scale(y, log, height - 34, 12) });

/**
 * Axes of a plot on a surface: `x(value)` and `y(value)` are places of the canvas.
 * @param {{x: [number, number], y: [number, number], xlabel?: string, ylabel?: string, log?: boolean, xlog?: boolean}} ranges
 */
export function axes(context, width, height, colour, { xlabel = "", ylabel = "", ...ranges }) {
  const bottom = height - 34;
  const { across, up } = scales(width, height, ranges);
  context.strokeStyle = colour.faint;
  context.fillStyle = colour.text;
  context.lineWidth = 1;
  context.textAlign = "center";
  for (const [value, text] of across.marks) {
    line(context, [[across.place(value), 12], [across.place(value), bottom]]);
    context.fillText(text, across.place(value), bottom + 15);
  }
  context.textAlign = "right";
  for (const [value, text] of up.marks) {
    line(context, [[LEFT, up.place(value)], [width - 12, up.place(value)]]);
    context.fillText(text, LEFT - 6, up.place(value) + 4);
  }
  context.textAlign = "center";
  context.fillText(xlabel, (LEFT + width) / 2, height - 3);
  context.save();
  context.rotate(-Math.PI / 2);
  context.fillText(ylabel, -height / 2, 12);
  context.restore();
  return { x: across.place, y: up.place };
}

/** Places of values from `start` to `end`, and round values to mark with their texts. */
function scale([from, to], log, start, end) {
  const of = log ? Math.log10 : (value) => value;
  const place = (value) => start + ((of(value) - of(from)) / (of(to) - of(from))) * (end - start);
  const span = Math.abs(of(to) - of(from));
  const magnitude = 10 ** Math.floor(Math.log10(span / 4));
  const step = log ? Math.max(1, Math.ceil(span / 6)) : magnitude * [1, 2, 5, 10].find((factor) => factor * magnitude >= span / 5);
  const first = Math.ceil(Math.min(of(from), of(to)) / step - 1e-9);
  const marks = Array.from({ length: Math.floor(span / step + 1e-9) + 1 }, (_, i) => (first + i) * step).filter((value) => value <= Math.max(of(from), of(to)) + 1e-9 * span);
  return { place, marks: marks.map((value) => (log ? [10 ** value, power(value)] : [value, String(Number(value.toPrecision(6))).replace("-", "−")])) };
}

/** Return ten to a power as a text. */
const power = (exponent) =>
  Math.abs(exponent) < 4 ? String(Number((10 ** exponent).toPrecision(1))) : `10${[...String(exponent)].map((each) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(each)]).join("")}`;

/**
 * A chart that is drawn from what `describe()` returns at that moment: the ranges of `axes`, `lines`
 * of points in one of the colours (`one`, `two`, `three`, `text`, `faint`), and `dots`. `behind` and
 * `before` draw what no line says, below and above them.
 * @param {() => {lines?: {points: number[][], colour?: string, width?: number, dash?: number[]}[],
 *   dots?: {points: number[][], colour?: string, radius?: number}[]}} describe
 */
export function chart(describe, { behind, before, ...options } = {}) {
  return new Surface((context, width, height, colour) => {
    const { lines = [], dots = [], ...ranges } = describe();
    if (behind) {
      const { across, up } = scales(width, height, ranges);
      behind(context, { x: across.place, y: up.place }, colour);
    }
    const places = axes(context, width, height, colour, ranges);
    context.save();
    context.beginPath();
    context.rect(LEFT - 4, 8, width - LEFT - 4, height - 38);
    context.clip();
    for (const { points, colour: name = "one", width: thick = 2, dash = [], alpha = 1 } of lines) {
      context.strokeStyle = colour[name];
      context.lineWidth = thick;
      context.globalAlpha = alpha;
      context.setLineDash(dash);
      line(context, points.map(([x, y]) => [places.x(x), places.y(y)]));
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
    for (const { points, colour: name = "text", radius = 3 } of dots) {
      context.fillStyle = colour[name];
      context.strokeStyle = colour.back;
      context.lineWidth = 1;
      for (const [x, y] of points) dot(context, places.x(x), places.y(y), radius);
    }
    before?.(context, places, colour);
    context.restore();
  }, options);
}

/** Draw a dot; a large one has an edge in the style of lines. */
function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  if (radius > 3) context.stroke();
}

/**
 * Draw numbers as cells from left to right and from top to bottom, in a box `[x, y, width, height]`. From
 * `low` to `high` the colour goes from the page's background to `ink`; with `other`, numbers below
 * zero have that colour.
 */
export function cells(context, values, columns, [x, y, width, height], colour, { high = 1, ink = "text", other = null } = {}) {
  const rows = Math.ceil(values.length / columns);
  context.fillStyle = colour.back;
  context.fillRect(x, y, width, height);
  values.forEach((value, i) => {
    const [column, line] = [i % columns, Math.floor(i / columns)];
    const [left, right] = [column, column + 1].map((at) => Math.round(x + (at * width) / columns));
    const [top, bottom] = [line, line + 1].map((at) => Math.round(y + (at * height) / rows));
    context.fillStyle = colour[other && value < 0 ? other : ink];
    context.globalAlpha = Math.min(1, Math.max(0, (other ? Math.abs(value) : value) / high));
    context.fillRect(left, top, right - left, bottom - top);
  });
  context.globalAlpha = 1;
}

/** A row of names, each with its colour. */
export const legend = (names) =>
  el("p", { class: "live-legend" }, ...Object.entries(names).map(([name, colour]) => el("span", { style: `--ink: var(--live-${colour})` }, name)));

/** A row of controls. */
export const row = (...children) => el("div", { class: "live-row" }, ...children);

/** Put other weights into a network, by name; its optimizer starts anew. */
export function put(net, weights) {
  const bytes = net.save();
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  for (const [name, values] of Object.entries(weights))
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), start + header[`weights/${name}`].data_offsets[0]);
  net.restore(bytes);
}

/** Numbers from one to another, both included. */
export const range = (from, to, count) => Float32Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** Points of the same number of places and values. */
export const points = (x, y) => Array.from(x, (value, i) => [value, y[i]]);

/** A number with few digits, for a sentence. */
export const short = (value) => (Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replace("-", "−");

/** Draw a line through points in the present style. */
export function line(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

/**
 * Call `step` again and again, once a frame, while the figure is in view and `play` is on; each call
 * may be a promise. Returns the button that starts and pauses it.
 */
export function player(figure, step, { label = "Train", frame = 0 } = {}) {
  let isOn = false;
  let isSeen = true;
  let isRunning = false;
  const toggle = button(label, () => set(!isOn), { class: "live-play" });
  const set = (on) => {
    isOn = on;
    toggle.textContent = on ? "Pause" : label;
    if (on && !isRunning) run();
  };
  const run = async () => {
    isRunning = true;
    playing += 1;
    try {
      while (isOn && isSeen) {
        await new Promise((done) => (frame ? setTimeout(done, frame) : requestAnimationFrame(done)));
        if (isOn && (await step()) === false) set(false);
      }
    } finally {
      playing -= 1;
      isRunning = false;
    }
  };
  new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    if (isSeen && isOn && !isRunning) run();
  }).observe(figure);
  return { button: toggle, set };
}

/** Whether the reader asked for as little motion as possible. */
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A paragraph that screen readers read when it changes. */
export const status = (text = "") => el("p", { class: "live-status", role: "status" }, text);

/** Normal numbers (Box and Muller) for a generator of random numbers. */
export const normal = (n, uniform) => Float32Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));

/** Wait until a network may be changed: training that was begun ends first. */
export async function idle(net) {
  while (net.training) await new Promise((done) => setTimeout(done, 5));
}

/** A number with so many decimals and a real minus. */
export const fixed = (value, digits) => Number(value).toFixed(digits).replace("-", "−");

/** Return numbers that were packed as base64 of bytes. */
export const unpacked = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A generator of random numbers between 0 and 1 for a seed, so that a figure starts the same each time. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
