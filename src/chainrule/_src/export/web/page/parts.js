// A control for one part of the input, and the pieces of a part that can be replaced.

const MOST_PIECES = 256; // predictions for the reasons of one part

/**
 * A control: `element` is in the page, `value` what the network takes of it, `typical` what it is
 * compared with. A value that cannot be read raises a sentence.
 */
export class Control {
  constructor(part, changed) {
    this.part = part;
    this.changed = changed;
  }

  /** @returns {any} */
  get value() {
    throw new Error("a control has a value");
  }

  /** @returns {any} */
  get typical() {
    return this.part.typical;
  }

  /** The values in which a piece has its typical value; none if the whole is typical. */
  variants() {
    return this.value === this.typical ? [] : [this.typical];
  }
}

/** A control of many numbers, whose reasons are a map of them. */
export class Many extends Control {
  constructor(part, changed) {
    super(part, changed);
    this.size = part.shape.reduce((a, b) => a * b, 1);
    this.values = new Float64Array(this.size);
    /** @type {number[][]|null} the numbers of each piece */
    this.pieces = null;
  }

  get value() {
    return this.values;
  }

  /**
   * Return the pieces, each a list of the numbers in it.
   * @returns {number[][]}
   */
  divided() {
    throw new Error("a control of many numbers has pieces");
  }

  /** Return the value of number i if nothing is known of typical ones. */
  middle(_i) {
    return 0;
  }

  /** Number i of a property that is one number for all, or one for each. */
  at(name, i) {
    const value = this.part[name];
    return typeof value === "number" ? value : value[i];
  }

  typicalAt(i) {
    return this.part.typical === undefined ? this.middle(i) : this.at("typical", i);
  }

  variants() {
    const pieces = (this.pieces ??= this.divided());
    return pieces.map((piece) => {
      const values = this.values.slice();
      for (const i of piece) values[i] = this.typicalAt(i);
      return values;
    });
  }

  /** Return for each number the mean of the differences of the pieces that it is in. */
  mapOf(differences) {
    const [sums, counts] = [new Float64Array(this.size), new Float64Array(this.size)];
    this.pieces?.forEach((piece, k) => {
      for (const i of piece) {
        sums[i] += differences[k];
        counts[i] += 1;
      }
    });
    return sums.map((sum, i) => sum / counts[i]);
  }
}

/** Return windows of a picture, which overlap by half, as lists of their numbers. */
export function windowsOf([height, width, channels]) {
  const size = Math.max(1, Math.round(Math.max(height, width) / 8));
  const step = Math.max(1, size >> 1);
  const starts = (length) => {
    const last = Math.max(0, length - size);
    return [...Array(Math.ceil(last / step) + 1).keys()].map((k) => Math.min(k * step, last));
  };
  return starts(height).flatMap((top) =>
    starts(width).map((left) => {
      const numbers = [];
      for (let y = top; y < Math.min(top + size, height); y++)
        for (let x = left; x < Math.min(left + size, width); x++)
          for (let c = 0; c < channels; c++) numbers.push((y * width + x) * channels + c);
      return numbers;
    }));
}

/** Return the steps of a sequence, several together in a long one, as lists of their numbers. */
export function stepsOf([steps, features]) {
  const size = Math.ceil(steps / MOST_PIECES) * features;
  const total = steps * features;
  return [...Array(Math.ceil(total / size)).keys()].map((k) =>
    [...Array(Math.min(size, total - k * size)).keys()].map((i) => k * size + i));
}
