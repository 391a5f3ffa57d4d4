// A sequence of numbers: written or pasted, and drawn as a curve.
import { PLOT, colour, complain, curves, element, freeId, mixed, plot } from "./elements.js";
import { Many, stepsOf } from "./parts.js";

export class Sequence extends Many {
  constructor(part, changed) {
    super(part, changed);
    const id = freeId();
    const [steps, features] = part.shape;
    this.shown = plot("the sequence as a curve");
    this.text = element("textarea", { id, rows: 4, spellcheck: "false", "aria-describedby": `${id}-problem`, oninput: () => this.read() });
    this.problem = element("p", { class: "problem", id: `${id}-problem`, hidden: true });
    const expected = features > 1 ? `${steps} rows of ${features} numbers` : `${steps} numbers`;
    this.element = element("div", { class: "field wide" }, ...(part.name ? [element("h3", {}, part.name)] : []), this.shown,
      element("label", { for: id }, `${part.whole ? "Whole numbers" : "Numbers"}: `, element("span", { class: "soft" }, `${expected}, written or pasted, one after the other`)),
      this.text, this.problem);
  }

  /** The value that a number is compared with, if no data tell: the mean of this sequence. */
  middle(i) {
    if (this.part.whole) return 0;
    const features = this.part.shape[1];
    let sum = 0;
    for (let k = i % features; k < this.size; k += features) sum += this.values[k];
    return (sum * features) / this.size;
  }

  divided() {
    return stepsOf(this.part.shape);
  }

  get value() {
    if (!this.problem.hidden) throw new Error(this.problem.textContent);
    return this.values;
  }

  start() {
    const features = this.part.shape[1];
    const period = Math.max(8, this.size / features / 2);
    const wave = (i) => Math.round(100 * Math.sin(2 * Math.PI * (Math.floor(i / features) / period + (i % features) / features))) / 100;
    this.set(Array.from(this.values, (_, i) => (this.part.whole ? 1 : wave(i))));
  }

  set(values) {
    const features = this.part.shape[1];
    const texts = Array.from(values, (value) => String(Number(Number(value).toPrecision(7))));
    this.text.value = features > 1
      ? texts.map((text, i) => text + ((i + 1) % features ? ", " : "\n")).join("").trim()
      : texts.join(", ");
    this.read();
  }

  read() {
    try {
      this.values = numbersOf(this.text.value, this.size, this.part.whole);
      complain(this.problem, "");
      this.draw();
    } catch (error) {
      complain(this.problem, error);
    }
    this.text.setAttribute("aria-invalid", String(!this.problem.hidden));
    this.changed();
  }

  lines() {
    const features = this.part.shape[1];
    return [...Array(Math.min(features, 4)).keys()].map((k) => Array.from(this.values).filter((_, i) => i % features === k));
  }

  draw() {
    this.shown.replaceChildren(...curves(this.lines(), ...PLOT));
  }

  /** Return the curve on a ground that tells what speaks for the prediction, and what against. */
  figure(map, most) {
    const [steps, features] = this.part.shape;
    const [paper, positive, negative] = ["--card", "--for", "--against"].map(colour);
    const bands = [...Array(steps).keys()].map((step) => {
      const value = map[step * features];
      const ground = mixed(paper, value < 0 ? negative : positive, Math.min(1, Math.abs(value) / most));
      const width = PLOT[0] / Math.max(steps - 1, 1);
      return element("svg:rect", { x: (step - 0.5) * width, y: -6, width: width + 0.5, height: PLOT[1] + 12, fill: `rgb(${ground.map(Math.round)})` });
    });
    const drawing = plot("");
    drawing.classList.add("grounds");
    drawing.append(...bands, ...curves(this.lines(), ...PLOT));
    return drawing;
  }

  /** Name a place of the sequence. */
  placeOf(i) {
    return `step ${Math.floor(i / this.part.shape[1]) + 1}`;
  }
}

/** Return the numbers of a text; raise a sentence if they are not as many as expected. */
export function numbersOf(text, size, whole) {
  const decimalCommas = /[;\t]/.test(text) && !text.includes(".");
  const plain = decimalCommas ? text.replaceAll(",", ".") : text.replaceAll(",", " ");
  const texts = plain.replace(/[[\]();]/g, " ").split(/\s+/).filter(Boolean);
  const values = texts.map((each) => Number(each.replace("−", "-")));
  const wrong = values.findIndex((value) => !Number.isFinite(value) || (whole && !Number.isInteger(value)));
  if (wrong >= 0) throw new Error(`“${texts[wrong]}” at place ${wrong + 1} is no ${whole ? "whole " : ""}number`);
  if (values.length !== size) throw new Error(`expected ${size} numbers, received ${values.length}`);
  return Float64Array.from(values);
}
