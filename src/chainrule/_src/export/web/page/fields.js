// Fields of a table: numbers, categories and times.
import { complain, element, freeId, numberText } from "./elements.js";
import { Control } from "./parts.js";

const ELSE = "\u0000another"; // a text that is no category

/** A label, a control, and a place for a sentence on what is wrong with it. */
function labelled(part, ...controls) {
  const id = freeId();
  const problem = element("p", { class: "problem", id: `${id}-problem`, hidden: true });
  const unit = part.unit ? element("span", { class: "soft" }, ` ${part.unit}`) : null;
  controls[0].id = id;
  controls[0].setAttribute("aria-describedby", problem.id);
  const label = element("label", { for: id }, part.name, unit);
  return { problem, field: element("div", { class: "field" }, label, element("div", { class: "row" }, ...controls), problem) };
}

class Field extends Control {
  constructor(part, changed) {
    super(part, changed);
    /** @type {any} the element that a person writes in or chooses from */
    this.input = null;
    /** @type {any} the place for a sentence on what is wrong */
    this.problem = null;
  }

  /** Show a problem, or take it away and tell of the change. */
  read() {
    try {
      this.value;
      complain(this.problem, "");
    } catch (error) {
      complain(this.problem, error);
    }
    this.input.setAttribute("aria-invalid", String(!this.problem.hidden));
    this.changed();
  }
}

export class NumberField extends Field {
  constructor(part, changed) {
    super(part, changed);
    const { low, high, step } = part;
    this.input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", oninput: () => this.typed() });
    this.slider = element("input", {
      type: "range", min: low, max: high, step, "aria-label": `${part.name}, slider`,
      oninput: () => this.slid(),
    });
    const { field, problem } = labelled(part, this.input, this.slider);
    Object.assign(this, { element: field, problem });
  }

  get value() {
    const text = this.input.value.trim().replace("−", "-").replace(/^(-?\d+),(\d+)$/, "$1.$2");
    if (!text && this.part.missing) return null;
    const number = Number(text);
    if (!text) throw new Error(`${this.part.name} is empty: a number is expected`);
    if (!Number.isFinite(number)) throw new Error(`“${this.input.value.trim()}” is no number`);
    return number;
  }

  set(value) {
    this.input.value = value === null || Number.isNaN(value) ? "" : String(Number(Number(value).toPrecision(8)));
    this.typed();
  }

  typed() {
    const number = Number(this.input.value);
    if (Number.isFinite(number)) this.slider.value = number;
    this.read();
  }

  slid() {
    this.input.value = String(Number(Number(this.slider.value).toPrecision(12)));
    this.read();
  }

  text(value = this.value) {
    return value === null ? "(missing)" : `${numberText(value, Math.max(this.part.step * 100, 0))}${this.part.unit ? ` ${this.part.unit}` : ""}`;
  }
}

export class CategoryField extends Field {
  constructor(part, changed) {
    super(part, changed);
    const { codes, other } = part;
    this.names = Object.keys(codes).sort((a, b) => codes[a] - codes[b]);
    const options = [...this.names, ...(other === null ? [] : [ELSE])];
    this.input = element("select", { onchange: () => this.read() },
      ...options.map((name) => element("option", { value: name }, this.text(name))));
    const { field, problem } = labelled(part, this.input);
    Object.assign(this, { element: field, problem });
  }

  get value() {
    return this.input.value;
  }

  get typical() {
    return this.names.find((name) => this.part.codes[name] === this.part.typical) ?? ELSE;
  }

  set(value) {
    this.input.value = typeof value === "string" ? value : this.names.find((name) => this.part.codes[name] === Number(value)) ?? ELSE;
    this.read();
  }

  text(value = this.value) {
    return value === ELSE ? "(another)" : value || "(missing)";
  }
}

export class TimeField extends Field {
  constructor(part, changed) {
    super(part, changed);
    this.input = element("input", { type: part.hours ? "datetime-local" : "date", min: "0001-01-01", max: "9999-12-31", oninput: () => this.read() });
    const { field, problem } = labelled(part, this.input);
    Object.assign(this, { element: field, problem });
  }

  get value() {
    if (this.input.value) return this.input.value;
    if (this.part.missing) return "";
    throw new Error(`${this.part.name} is empty: a ${this.part.hours ? "time" : "date"} is expected`);
  }

  get typical() {
    return this.written(this.part.typical);
  }

  /** Return seconds since 1970 as the control's text. */
  written(seconds) {
    const at = new Date(Number(seconds) * 1000);
    return Number.isNaN(at.getTime()) ? "" : at.toISOString().slice(0, this.part.hours ? 16 : 10);
  }

  set(value) {
    this.input.value = typeof value === "string" ? value : this.written(value);
    this.read();
  }

  text(value = this.value) {
    return value.replace("T", " ") || "(missing)";
  }
}
