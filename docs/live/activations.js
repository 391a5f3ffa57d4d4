// Gradients by layer in a deep network, with sigmoid, tanh and relu.
import { load as relu } from "parts/relu.mjs";
import { load as sigmoid } from "parts/sigmoid.mjs";
import { load as tanh } from "parts/tanh.mjs";
import { button, chart, el, legend, normal, points, put, random, range, row, short, slider, status } from "./kit.js";

const [DEPTH, WIDTH, SAMPLES] = [12, 16, 64];
const NAMES = ["sigmoid", "tanh", "relu"];
const COLOURS = ["one", "two", "three"];
const places = range(-4, 4, 161);
const size = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

export default async function start(stage) {
  const nets = await Promise.all([sigmoid(), tanh(), relu()]);
  const shapes = await Promise.all(nets.map((net) => net.predict(Array.from(places).flatMap((x) => [x, ...Array(WIDTH - 1).fill(0)]))));
  let [scale, seed, W, X, y, sizes] = [1, 1, [], [], [], []];

  const curves = chart(() => ({ x: [-4, 4], y: [-1.1, 2], xlabel: "z", ylabel: "activation", lines: shapes.map((values, i) => ({ points: points(places, values), colour: COLOURS[i] })) }), { height: 280, label: "Sigmoid goes from 0 to 1, tanh from −1 to 1, relu is zero below zero and a line above" });
  const gradients = chart(() => ({
    x: [1, DEPTH], y: [1e-12, 10], log: true, xlabel: "layer", ylabel: "size of the gradient",
    lines: sizes.map((values, i) => ({ points: values, colour: COLOURS[i] })), dots: sizes.map((values, i) => ({ points: values, colour: COLOURS[i], radius: 4 })),
  }), { height: 280 });
  const note = status();

  async function show() {
    sizes = await Promise.all(nets.map(async (net) => {
      put(net, { W: W.map((value) => scale * value) });
      const { gradients } = await net.gradients(X, y);
      return Array.from({ length: DEPTH }, (_, k) => [k + 1, Math.max(1e-13, size(gradients.W.subarray(k * WIDTH * WIDTH, (k + 1) * WIDTH * WIDTH)))]);
    }));
    const ratio = sizes.map((values) => short(values[0][1] / values.at(-1)[1]));
    note.textContent = `Weights of scale ${short(scale)}: the first layer's gradient is, as a share of the last one's, ${NAMES.map((name, i) => `${ratio[i]} with ${name}`).join(", ")}.`;
    gradients.describe(`Size of the gradient by layer, for three activations. ${note.textContent}`);
    gradients.again();
  }

  function again() {
    const uniform = random(seed++);
    W = normal(DEPTH * WIDTH * WIDTH, uniform).map((value) => value / Math.sqrt(WIDTH));
    [X, y] = [normal(SAMPLES * WIDTH, uniform), normal(SAMPLES, uniform)];
    return show();
  }
  stage.append(el("div", { class: "live-two" }, curves.canvas, gradients.canvas), legend(Object.fromEntries(NAMES.map((name, i) => [name, COLOURS[i]]))),
    row(slider({ label: "Scale of the weights", min: -0.6, max: 0.8, step: 0.05, value: 0, show: (power) => short(10 ** power) }, (power) => { scale = 10 ** power; show(); })),
    row(button("Draw other weights", again)), note);
  curves.again();
  await again();
}
