// The error of a difference quotient by its step, in single and double precision.
import { load as double } from "parts/float64.mjs";
import { load as single } from "parts/float32.mjs";
import { chart, choice, el, legend, row, short, slider, status } from "./kit.js";

const W = 0.6;
const STEPS = Float64Array.from({ length: 241 }, (_, i) => 10 ** (-14 + i / 17.2));
const KINDS = { "both sides": true, "one side": false };

export default async function start(stage) {
  const nets = [await single(), await double()];
  const kinds = [Float32Array, Float64Array];
  const exact = (await nets[1].gradients([0])).gradients.w[0];
  let [power, central, errors] = [-5, true, [[], []]];

  /** Difference quotients: the steps that the precision cannot add to w are as they are there. */
  async function quotients(steps, precision) {
    const to = kinds[precision].from(steps, (h) => W + h);
    const from = kinds[precision].from(steps, (h) => W - (central ? h : 0));
    const f = await nets[precision].predict([...to, ...from]);
    return Array.from(steps, (h, i) => (f[i] - f[steps.length + i]) / ((central ? 2 : 1) * h));
  }

  const plot = chart(() => ({
    x: [1e-14, 1], xlog: true, y: [1e-13, 10], log: true, xlabel: "step", ylabel: "error",
    lines: [...errors.map((values, i) => ({ points: Array.from(STEPS, (h, at) => [h, Math.max(values[at], 1e-14)]), colour: ["two", "one"][i] })),
      { points: [[10 ** power, 1e-13], [10 ** power, 10]], colour: "text", width: 1, dash: [3, 4] }],
  }), { height: 300 });
  const table = el("table", { class: "live-table" });
  const note = status();

  async function curves() {
    errors = await Promise.all([0, 1].map(async (precision) => (await quotients(STEPS, precision)).map((value) => Math.abs(value - exact))));
    await show();
  }

  async function show() {
    const now = (await Promise.all([0, 1].map((precision) => quotients([10 ** power], precision)))).map(([value]) => value);
    const line = (name, value) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value.toFixed(12)), el("td", {}, short(Math.abs(value - exact))));
    table.replaceChildren(el("thead", {}, el("tr", {}, ...["", "derivative", "error"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, line("float32", now[0]), line("float64", now[1]), line("chain rule, float64", exact)));
    const best = errors.map((values) => STEPS[values.reduce((low, value, i) => (value < values[low] ? i : low), 0)]);
    note.textContent = `Step ${short(10 ** power)}: error ${short(Math.abs(now[0] - exact))} in float32 and ${short(Math.abs(now[1] - exact))} in float64.`;
    plot.describe(`Error by step, both axes logarithmic: two curves with a lowest point each, near ${short(best[0])} in float32 and ${short(best[1])} in float64. ${note.textContent}`);
    plot.again();
  }

  stage.append(plot.canvas, legend({ float32: "two", float64: "one" }),
    row(slider({ label: "Step", min: -14, max: 0, step: 0.25, value: power, show: (value) => short(10 ** value) }, (value) => { power = value; show(); }),
      choice("Difference on:", KINDS, (value) => { central = value; curves(); })), table, note);
  await curves();
}
