// log(sum(exp(x))) in single precision: as it is written, and with the largest exponent taken out.
import { load as naive } from "parts/naive.mjs";
import { load as stable } from "parts/stable.mjs";
import { chart, el, fixed, legend, points, range, row, slider, status } from "./kit.js";

const BASE = [0, 1, 2];
const shown = (value) => (Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? fixed(value, 4) : value > 0 ? "∞" : "−∞");

export default async function start(stage) {
  const nets = await Promise.all([naive(), stable()]);
  const shifts = range(-120, 120, 481);
  const curves = await Promise.all(nets.map((net) => net.predict(Array.from(shifts).flatMap((shift) => BASE.map((x) => x + shift)))));
  let shift = 0;
  let values = [0, 0];

  const plot = chart(() => ({
    x: [-120, 120], y: [-130, 130], xlabel: "shift", ylabel: "log of the sum",
    lines: [
      { points: points(shifts, curves[1]), width: 2 },
      { points: points(shifts, curves[0]).filter(([, y]) => Number.isFinite(y)), colour: "two", width: 4, dash: [8, 5] },
      { points: [[shift, -130], [shift, 130]], colour: "text", width: 1, dash: [3, 4] },
    ],
    dots: [{ points: [[shift, values[1]]], colour: "one", radius: 7 }, ...(Number.isFinite(values[0]) ? [{ points: [[shift, values[0]]], colour: "two", radius: 4 }] : [])],
  }), { height: 280 });
  const table = el("table", { class: "live-table" });
  const note = status();

  async function show() {
    const x = BASE.map((each) => each + shift);
    const parts = await Promise.all(nets.map(async (net) => [(await net.predict(x))[0], (await net.gradients(x)).gradients.b[0]]));
    values = parts.map(([value]) => value);
    const line = (name, cellsOfLine) => el("tr", {}, el("th", { scope: "row" }, name), ...cellsOfLine.map((text) => el("td", {}, text)));
    table.replaceChildren(el("thead", {}, el("tr", {}, ...["", "value", "derivative"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, line("as written", parts[0].map(shown)), line("largest taken out", parts[1].map(shown))));
    const good = Number.isFinite(values[0]);
    note.textContent = good && !Number.isNaN(parts[0][1]) ? `The exponents are ${x.join(", ").replaceAll("-", "−")}: both agree, ${shown(values[1])}.`
      : `The exponents are ${x.join(", ").replaceAll("-", "−")}: exp ${shift > 0 ? "exceeds the largest number of single precision" : "is below its smallest"}, and what is written gives ${shown(values[0])} with derivative ${shown(parts[0][1])} instead of ${shown(values[1])} with derivative 1.`;
    plot.describe(`Logarithm of the sum by shift. The formula as written ends at about 87 and −103; the other is a straight line. ${note.textContent}`);
    plot.again();
  }

  stage.append(plot.canvas, legend({ "as written": "two", "largest taken out": "one" }),
    row(slider({ label: "Shift of the exponents", min: -120, max: 120, step: 1, value: 0, show: (value) => String(value).replace("-", "−") }, (value) => { shift = value; show(); })), table, note);
  await show();
}
