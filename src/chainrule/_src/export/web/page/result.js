// The result: the prediction, large, and the bars of all classes.
import { MOST_BARS, PLOT, byId, curves, element, numberText, plot } from "./elements.js";

export class Result {
  /** `choose(k)` is called when a person wants the reasons for another class. */
  constructor(outcomes, choose) {
    this.outcomes = outcomes;
    this.choose = choose;
    /** @type {any[]} */
    this.bars = [];
    const { name } = outcomes.output;
    if (name) byId("result-title").textContent = `Prediction: ${name}`;
  }

  /** Show an outcome; number k is the one whose reasons are shown. */
  show(outcome, k) {
    const { outcomes } = this;
    const { kind, share } = outcomes.output;
    const [large, small] = this.words(outcome);
    byId("large").textContent = large;
    byId("small").textContent = small;
    byId("result").classList.remove("stale");
    const interval = outcome.low === undefined ? "" : `with a probability of ${Math.round(100 * (share || 0))} % between ${outcomes.valueText(outcome.low, outcome.high - outcome.low)} and ${outcomes.valueText(outcome.high, outcome.high - outcome.low)}`;
    byId("interval").textContent = interval;
    byId("interval").hidden = !interval;
    this.tell(`${large}, ${small} ${interval}`);
    if (outcomes.isShare) this.showBars(outcome, k);
    else if (kind === "numbers" && outcome.values.length > 1) this.showNumbers(outcome.values);
  }

  words({ values, best }) {
    const { outcomes } = this;
    const { kind, name, names } = outcomes.output;
    if (kind === "several") {
      const chosen = names.filter((_, i) => values[i] > 0.5);
      return [chosen.join(", ") || "none", `of ${names.length} that may be true together`];
    }
    if (kind === "classes") return [names[best], `${outcomes.valueText(values[best])} sure`];
    if (kind === "quantity" || values.length === 1) return [outcomes.valueText(values[0], Math.abs(values[0])), name || "the network's output"];
    return [`${values.length} numbers`, name || "the network's output"];
  }

  /** Tell a screen reader, once changes have ended. */
  tell(text) {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => (byId("said").textContent = text), 600);
  }

  showBars({ values, best }, k) {
    const order = [...values.keys()];
    if (order.length > MOST_BARS) order.sort((a, b) => values[b] - values[a]).splice(MOST_BARS);
    if (!this.bars.length) {
      this.bars = order.map(() => {
        const [name, bar, share] = [element("span", { class: "name" }), element("span", { class: "bar for" }), element("b")];
        const row = element("button", { type: "button", class: "class", onclick: () => this.choose(row.number) }, name, element("span", { class: "whole", "aria-hidden": "true" }, bar), share);
        return { row, name, bar, share };
      });
      byId("bars").replaceChildren(...this.bars.map(({ row }) => element("li", {}, row)));
    }
    order.forEach((number, i) => {
      const { row, name, bar, share } = this.bars[i];
      row.number = number;
      row.title = `Reasons for ${this.outcomes.nameOf(number)}`;
      row.setAttribute("aria-pressed", String(number === k));
      row.classList.toggle("best", number === best);
      name.textContent = this.outcomes.nameOf(number);
      share.textContent = this.outcomes.valueText(values[number]);
      bar.style.width = `${(100 * values[number]).toFixed(2)}%`;
    });
  }

  showNumbers(values) {
    const shown = values.length > MOST_BARS
      ? [this.curveOf(values)]
      : values.map((value, i) => element("li", { class: "number" }, `output ${i + 1}`, element("b", {}, numberText(value))));
    byId("bars").replaceChildren(...shown);
  }

  curveOf(values) {
    const curve = plot("the outputs as a curve");
    const { features } = this.outcomes.output;
    const lines = [...Array(Math.min(features, 4)).keys()].map((k) => values.filter((_, i) => i % features === k));
    curve.append(...curves(lines, ...PLOT));
    return element("li", { class: "number" }, curve);
  }

  /** Show that there is no prediction for what is there. */
  stale(sentence) {
    byId("result").classList.add("stale");
    byId("small").textContent = sentence;
    this.tell(sentence);
  }
}
