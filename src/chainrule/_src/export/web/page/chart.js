// A chart of values by epoch.
import { PLOT, curves, element, numberText, plot, range } from "./elements.js";

export class Chart {
  /** @param {string} title @param {boolean} fromZero True if the scale begins at 0. */
  constructor(title, fromZero) {
    this.fromZero = fromZero;
    this.plot = plot(title);
    this.title = title;
    this.low = element("span", {});
    this.high = element("span", {});
    this.key = element("p", { class: "legend" });
    this.last = element("span", {});
    this.element = element("figure", { class: "chart" },
      this.key,
      element("div", { class: "frame" }, element("div", { class: "scale soft" }, this.high, this.low), this.plot),
      element("div", { class: "epochs soft" }, element("span", {}, "epoch 1"), this.last));
  }

  /** @param {Record<string, number[]>} lines */
  show(lines) {
    const names = Object.keys(lines);
    const [least, most] = range(names.flatMap((name) => lines[name]));
    const ends = this.fromZero ? [Math.min(0, least), most] : [least, most];
    const count = lines[names[0]]?.length ?? 0;
    this.plot.replaceChildren(...curves(names.map((name) => lines[name]), ...PLOT, ends));
    this.low.textContent = numberText(ends[0], ends[1] - ends[0]);
    this.high.textContent = numberText(ends[1], ends[1] - ends[0]);
    this.last.textContent = count > 1 ? String(count) : "";
    this.key.replaceChildren(...names.map((name, k) => element("span", {}, element("span", { class: `key key-${k % 4}` }), `${name} `, element("b", {}, numberText(lines[name].at(-1) ?? NaN)), " ")));
    this.plot.setAttribute("aria-label", `${this.title} by epoch: ${names.map((name) => `${name} ${numberText(lines[name].at(-1))}`).join(", ")}`);
  }
}
