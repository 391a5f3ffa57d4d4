// Elements of the page, numbers as text, and small drawings.

/**
 * Return an element. Properties named on… are listeners; others are attributes, false ones left out.
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  const made = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * Return the element of the page that has this id.
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

export const button = (text, act, properties = {}) =>
  element("button", { type: "button", onclick: act, ...properties }, text);

/** @type {[number, number]} */
export const PLOT = [480, 140]; // width and height of a curve, in the drawing's units
export const MOST_BARS = 12; // bars of classes, or of reasons

let count = 0;
/** Return an id that no other element has. */
export const freeId = () => `part-${(count += 1)}`;

const minus = (text) => text.replace("-", "−").replace("e-", "e−");

/** Return a number as a short text, with the precision that `scale` asks for. */
export function numberText(value, scale = Math.abs(value)) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.max(Math.abs(value), scale);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return minus(value.toExponential(2));
  const digits = size === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(scale || size)));
  return minus(value.toLocaleString("en", { maximumFractionDigits: Math.min(digits, 6) }));
}

/** Return a share as a percentage; only 0 and 1 are 0 % and 100 %. */
export function shareText(share) {
  const percent = 100 * share;
  if (percent > 99.9 && percent < 100) return "> 99.9 %";
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent.toFixed(percent > 99 || percent < 10 ? 1 : 0)} %`;
}

export const signed = (value, text) => (value < 0 ? text(value) : `+${text(value)}`);

/** Show an error in a place, or clear the place. */
export function complain(place, message) {
  const text = message ? sentence(message) : "";
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

/** Return an error's message as a sentence, without the name of the function that raised it. */
export function sentence(error) {
  const text = String(error?.message ?? error).replace(/^(predict|train|restore|load): /, "");
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** Return a colour of the page's style, as red, green and blue. */
export function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
}

/** Draw pixels into a canvas: `pixel(i)` returns red, green and blue. */
export function paint(canvas, height, width, pixel) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) image.data.set([...pixel(i), 255], 4 * i);
  context.putImageData(image, 0, 0);
}

export const mixed = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);

/**
 * Return curves in a box of `width` × `height`, one after the other in the page's colours.
 * @param {number[][]} lines
 */
export function curves(lines, width, height, [low, high] = range(lines.flat())) {
  const span = high - low || 1;
  return lines.map((values, k) => {
    const last = Math.max(values.length - 1, 1);
    const points = values.map((value, i) => `${((i / last) * width).toFixed(1)},${(height - ((value - low) / span) * height).toFixed(1)}`);
    return element("svg:polyline", { points: points.join(" "), class: `line line-${k % 4}` });
  });
}

/** Return an empty drawing for curves, stretched to its place on the page. */
export const plot = (label, [width, height] = PLOT) =>
  element("svg:svg", { viewBox: `-4 -6 ${width + 8} ${height + 12}`, class: "curve", role: "img", "aria-label": label, preserveAspectRatio: "none" });

/** Return the smallest and the largest number. */
export function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

/** Let a person choose a file with a button, or drop it on an area. */
export function filePicker(text, kinds, take, area) {
  const input = element("input", { type: "file", accept: kinds, class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  const receive = (files) => files[0] && take(files[0]);
  input.addEventListener("change", () => {
    receive(input.files);
    input.value = "";
  });
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    receive(event.dataTransfer.files);
  });
  return [input, button(text, () => input.click())];
}
