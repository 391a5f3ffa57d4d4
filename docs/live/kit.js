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
  return el("label", { class: "live-slider" }, el("span", {}, label), input, output);
}

/** Return a labelled choice among options: names and what `change` is called with. */
export function choice(label, options, change) {
  const select = el("select", {}, ...Object.keys(options).map((name) => el("option", {}, name)));
  select.addEventListener("change", () => change(options[select.value]));
  return el("label", { class: "live-choice" }, el("span", {}, label), select);
}

/** The page's colours now: the text's, a faint one, and two that differ for everyone. */
export function colours(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(name).trim();
  return { text: of("--pst-color-text-base"), faint: of("--pst-color-border"), surface: of("--pst-color-surface"),
    one: of("--live-one"), two: of("--live-two"), back: of("--pst-color-background") };
}

/**
 * A drawing surface that keeps its proportions, is sharp on every screen, and is drawn anew when its
 * size or the page's theme changes. `draw(context, width, height, colours)` draws all of it.
 */
export class Surface {
  constructor(draw, { label, height = 240 }) {
    this.canvas = el("canvas", { role: "img", "aria-label": label, class: "live-surface" });
    this.canvas.style.height = `${height}px`;
    this.draw = draw;
    new ResizeObserver(() => this.again()).observe(this.canvas);
    new MutationObserver(() => this.again()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  again() {
    const { canvas } = this;
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

/**
 * Axes of a plot on a surface: `x(value)` and `y(value)` are places of the canvas.
 * @param {{x: [number, number], y: [number, number], xlabel?: string, ylabel?: string, log?: boolean}} ranges
 */
export function axes(context, width, height, colour, { x, y, xlabel = "", ylabel = "", log = false }) {
  const left = 52;
  const bottom = height - 34;
  const scaled = log ? Math.log10 : (value) => value;
  const [low, high] = y.map(scaled);
  const px = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (width - left - 12);
  const py = (value) => bottom - ((scaled(value) - low) / (high - low)) * (bottom - 12);
  context.strokeStyle = colour.faint;
  context.fillStyle = colour.text;
  context.lineWidth = 1;
  const marks = ([from, to], count) => Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
  const short = (value) => String(Number(value.toPrecision(2)));
  context.textAlign = "center";
  for (const value of marks(x, 4)) {
    line(context, [[px(value), 12], [px(value), bottom]]);
    context.fillText(short(value), px(value), bottom + 15);
  }
  context.textAlign = "right";
  for (const value of marks([low, high], 4)) {
    const place = log ? 10 ** value : value;
    line(context, [[left, py(place)], [width - 12, py(place)]]);
    context.fillText(short(place), left - 6, py(place) + 4);
  }
  context.textAlign = "center";
  context.fillText(xlabel, (left + width) / 2, height - 3);
  context.save();
  context.rotate(-Math.PI / 2);
  context.fillText(ylabel, -height / 2, 12);
  context.restore();
  return { x: px, y: py };
}

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
    while (isOn && isSeen) {
      await new Promise((done) => (frame ? setTimeout(done, frame) : requestAnimationFrame(done)));
      if (isOn && (await step()) === false) set(false);
    }
    isRunning = false;
  };
  new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    if (isSeen && isOn && !isRunning) run();
  }).observe(figure);
  return { button: toggle, set };
}

/** A paragraph that screen readers read when it changes. */
export const status = (text = "") => el("p", { class: "live-status", role: "status" }, text);

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
