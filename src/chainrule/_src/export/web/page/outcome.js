// Predictions as the page shows them: probabilities of classes, a quantity, or numbers.
import { numberText, shareText, signed } from "./elements.js";

const LARGEST = 2 ** 19; // numbers of the samples that are predicted at once
const SMALL = 1e-12;

export class Outcomes {
  constructor(net, inputs) {
    this.net = net;
    this.inputs = inputs;
    this.output = net.about.page.output;
    this.isShare = this.output.kind === "classes" || this.output.kind === "several";
  }

  /** Predict for samples, each a list of values by control. */
  async of(list) {
    const most = Math.max(1, Math.floor(LARGEST / Math.max(1, this.inputs.size)));
    const outcomes = [];
    for (let from = 0; from < list.length; from += most) {
      const part = list.slice(from, from + most);
      outcomes.push(...this.read(await this.net.predict(this.inputs.samples(part)), part.length));
    }
    return outcomes;
  }

  read(result, rows) {
    const { outputs, label } = this.net.about;
    const [scores, low, high] = outputs.length > 1 ? outputs.map((name) => result[name]) : [result];
    const width = scores.length / rows;
    return [...Array(rows).keys()].map((i) => {
      const values = Array.from(scores.subarray(i * width, (i + 1) * width), Number);
      if (this.output.kind === "quantity") return { values, low: low?.[i], high: high?.[i], best: 0 };
      if (!this.isShare) return { values, best: 0 };
      const shares = this.shares(values);
      const best = label ? this.output.names.indexOf(result[label][i]) : shares.indexOf(Math.max(...shares));
      return { values: shares, best };
    });
  }

  shares(scores) {
    const { convert, kind } = this.output;
    if (convert === "softmax" && scores.length > 1) {
      const top = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - top));
      const sum = powers.reduce((a, b) => a + b);
      return powers.map((power) => power / sum);
    }
    const shares = convert ? scores.map((score) => 1 / (1 + Math.exp(-score))) : scores;
    return kind === "classes" && shares.length === 1 ? [1 - shares[0], shares[0]] : shares;
  }

  /** Return how strongly an output speaks for number k: log-odds of a probability, or the number. */
  strength({ values }, k) {
    if (!this.isShare) return values[k];
    const rest = this.output.kind === "several" ? 1 - values[k] : values.reduce((sum, value, i) => (i === k ? sum : sum + value), 0);
    return Math.log(Math.max(values[k], SMALL)) - Math.log(Math.max(rest, SMALL));
  }

  nameOf(k) {
    return this.isShare ? this.output.names[k] : this.output.name || (this.output.kind === "quantity" ? "the prediction" : `output ${k + 1}`);
  }

  valueText(value, scale) {
    if (this.isShare) return shareText(value);
    return `${numberText(value, scale)}${this.output.unit ? ` ${this.output.unit}` : ""}`;
  }

  /** Return a difference of two values as a text. */
  changeText(change, scale) {
    if (!this.isShare) return signed(change, (value) => this.valueText(value, scale));
    const points = 100 * change;
    return signed(points, (value) => value.toFixed(Math.abs(value) < 10 ? 1 : 0).replace("-", "−"));
  }
}
