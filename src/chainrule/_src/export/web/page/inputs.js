// All controls of the input, and the samples that are inside the page.
import { CategoryField, NumberField, TimeField } from "./fields.js";
import { Pad } from "./pad.js";
import { Picture } from "./picture.js";
import { Sequence } from "./sequence.js";

const CONTROLS = { number: NumberField, category: CategoryField, time: TimeField, drawing: Pad, picture: Picture, sequence: Sequence };

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

export class Inputs {
  constructor(net, changed) {
    const { columns, inputs, page } = net.about;
    this.columns = columns;
    this.inputs = inputs;
    this.data = Object.fromEntries(net.named("page").map(([name, { data }]) => [name, data]));
    if (this.data.codes) this.data["X/"] = decoded(this.data.codes, net.values.get("page/levels"), net.values.get("page/codes").shape[1]);
    const { low, high, typical } = this.data;
    const arrays = Object.fromEntries(Object.entries({ low, high, typical }).filter(([, array]) => array));
    this.controls = page.parts.map((part) => {
      const column = columns?.find(({ name }) => name === part.name);
      const control = new CONTROLS[part.kind]({ ...column, ...part, ...arrays }, changed);
      control.element.control = control; // for scripts that look into the page
      return control;
    });
    const one = columns && this.data[`X/${columns[0].name}`];
    const size = page.parts.reduce((sum, { shape }) => sum + product(shape ?? []), 0);
    this.count = columns ? this.lengthOf(one, columns[0]) : (this.data["X/"]?.length ?? 0) / size;
    this.size = size;
    this.next = 0;
  }

  lengthOf(array, { shape = [] }) {
    return array ? array.length / product(shape) : 0;
  }

  /** The value of each control; raises a sentence if one cannot be read. */
  get values() {
    return this.controls.map((control) => control.value);
  }

  /** Return samples, each a list of values by control, as the network takes them. */
  samples(list) {
    if (!this.columns) {
      const arrays = this.inputs.map(({ shape }) => new Float64Array(list.length * product(shape)));
      list.forEach((values, i) => {
        const flat = values.flatMap((value) => (typeof value === "number" ? value : [...value]));
        let at = 0;
        for (const array of arrays) {
          const width = array.length / list.length;
          array.set(flat.slice(at, (at += width)), i * width);
        }
      });
      return arrays.length > 1 ? arrays : arrays[0];
    }
    return list.map((values) => {
      const row = {};
      this.controls.forEach(({ part }, k) => {
        if (!part.names) row[part.name] = values[k];
        else part.names.forEach((name, i) => name !== null && (row[name] = values[k][i]));
      });
      return row;
    });
  }

  /** Begin: typical values, and for what is drawn an example. */
  begin() {
    for (const control of this.controls) {
      if (!control.start) control.set(control.typical);
      else if (!this.count) control.start();
    }
    if (this.count && this.controls.some((control) => control.start)) this.showExample();
  }

  get hasFields() {
    return this.controls.some((control) => !control.start);
  }

  showTypical() {
    for (const control of this.controls) if (!control.start) control.set(control.typical);
  }

  /** Show the next example; return its target, if the page knows it. */
  showExample() {
    if (!this.count) {
      for (const control of this.controls) control.start?.();
      return undefined;
    }
    const i = this.next++ % this.count;
    this.controls.forEach((control, k) => control.set(this.valueOf(control.part, i, k)));
    return this.data.y?.length === this.count ? this.data.y[i] : undefined;
  }

  valueOf({ name, names, kind, shape = [] }, i, k) {
    const low = 0;
    if (names) return names.map((each) => (each === null ? low : this.data[`X/${each}`][i]));
    const size = product(shape);
    if (!this.columns) return size > 1 || kind === "sequence" ? this.data["X/"].subarray(i * size, (i + 1) * size) : this.data["X/"][i * this.size + k];
    const column = this.data[`X/${name}`];
    return shape.length ? column.subarray(i * size, (i + 1) * size) : column[i];
  }

  /** Return all samples inside the page, as the network takes them. */
  everything() {
    if (!this.columns) return this.data["X/"];
    return [...Array(this.count).keys()].map((i) =>
      Object.fromEntries(this.columns.map((column) => [column.name, this.read(column, i)])));
  }

  read({ name, kind, shape = [], codes }, i) {
    const column = this.data[`X/${name}`];
    if (kind === "category") return Object.keys(codes).find((each) => codes[each] === column[i]) ?? "\u0000";
    if (kind === "time") return column[i] < -8e15 ? "" : new Date(Number(column[i]) * 1000).toISOString();
    const size = product(shape);
    return shape.length ? column.subarray(i * size, (i + 1) * size) : column[i];
  }
}

/** Return the numbers that codes stand for: places among the levels of all columns, or of each. */
function decoded(codes, { data: levels, shape: [columns, count] }, width) {
  const numbers = new levels.constructor(codes.length);
  codes.forEach((code, i) => (numbers[i] = levels[(columns > 1 ? (i % width) * count : 0) + code]));
  return numbers;
}
