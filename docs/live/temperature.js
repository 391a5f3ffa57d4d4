// The softmax of four scores at a temperature, and its gradient.
import { load } from "parts/net.mjs";
import { chart, choice, el, fixed, legend, points, put, range, row, short, slider, status, Surface } from "./kit.js";

const CLASSES = ["A", "B", "C", "D"];
const COLOURS = ["one", "two", "three", "text"];

export default async function start(stage) {
  const net = await load();
  const z = net.weights.z;
  let [temperature, label, p, gradient, curves] = [1, 0, z, z, []];
  const powers = range(-1.3, 1.3, 80);
  const temperatures = powers.map((power) => 10 ** power);

  const bars = new Surface((context, width, height, colour) => {
    const [step, base, unit] = [width / 4, height / 2, height / 2 - 18];
    context.textAlign = "center";
    const bar = (i, value, zero, size, name) => {
      const middle = (i + 0.5) * step;
      context.fillStyle = colour[COLOURS[i]];
      context.fillRect(middle - step / 4, zero, step / 2, -value * size);
      context.fillStyle = colour.text;
      context.fillText(name, middle, value < 0 ? zero - 5 : zero + 15);
    };
    CLASSES.forEach((name, i) => {
      bar(i, p[i], base, unit, `${name}: ${fixed(p[i], 3)}`);
      bar(i, gradient[i] * temperature, 0.78 * height, height / 5, fixed(gradient[i], 3));
    });
    context.fillStyle = colour.faint;
    for (const y of [base, 0.78 * height]) context.fillRect(0, y, width, 1);
  }, { height: 300 });
  const plot = chart(() => ({
    x: [temperatures[0], temperatures.at(-1)], xlog: true, y: [0, 1], xlabel: "temperature", ylabel: "probability",
    lines: [...curves.map((values, i) => ({ points: points(temperatures, values), colour: COLOURS[i] })), { points: [[temperature, 0], [temperature, 1]], colour: "text", width: 1, dash: [4, 4] }],
  }), { height: 240 });
  const note = status();

  async function show() {
    put(net, { z });
    p = await net.predict([temperature]);
    gradient = (await net.gradients([temperature], [label])).gradients.z;
    const all = await net.predict(temperatures);
    curves = CLASSES.map((_, i) => temperatures.map((_, at) => all[4 * at + i]));
    const best = p.indexOf(Math.max(...p));
    note.textContent = `At temperature ${short(temperature)}, ${CLASSES[best]} has probability ${fixed(p[best], 3)}. If the true class is ${CLASSES[label]}, its score has the gradient ${fixed(gradient[label], 3)}.`;
    bars.describe(`Probabilities ${CLASSES.map((name, i) => `${name} ${fixed(p[i], 3)}`).join(", ")}; gradients by the scores ${CLASSES.map((name, i) => `${name} ${fixed(gradient[i], 3)}`).join(", ")}`);
    plot.describe(`Probabilities by temperature: near zero the largest score takes all, and at 20 all classes are nearly equal. Now ${short(temperature)}`);
    bars.again();
    plot.again();
  }

  const scores = CLASSES.map((name, i) => slider({ label: `Score of ${name}`, min: -4, max: 4, step: 0.1, value: z[i].toFixed(1), show: (value) => fixed(value, 1) }, (value) => { z[i] = value; show(); }));
  stage.append(
    row(slider({ label: "Temperature", min: -1.3, max: 1.3, step: 0.05, value: 0, show: (power) => short(10 ** power) }, (power) => { temperature = 10 ** power; show(); }),
      choice("True class:", Object.fromEntries(CLASSES.map((name, i) => [name, i])), (value) => { label = value; show(); })),
    el("div", { class: "live-two" }, el("div", {}, bars.canvas, el("p", { class: "live-hint" }, "Above, the probabilities; below, the gradient of the loss by each score")), plot.canvas), legend(Object.fromEntries(CLASSES.map((name, i) => [`class ${name}`, COLOURS[i]]))),
    el("div", { class: "live-two" }, ...scores), note);
  await show();
}
