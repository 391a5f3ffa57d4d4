// Activations and gradients of ten layers, by the size of the first weights.
import { load } from "parts/net.mjs";
import { button, cells, chart, el, normal, put, random, row, short, slider, status } from "./kit.js";

const [DEPTH, WIDTH, SAMPLES, BINS] = [10, 24, 64, 25];
const spread = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

export default async function start(stage) {
  const net = await load();
  let [scale, seed] = [1, 1];
  let [counts, sizes, X, y] = [[], [], [], []];

  const histogram = chart(() => ({ x: [0.5, DEPTH + 0.5], y: [-1, 1], xlabel: "layer", ylabel: "activations" }), {
    height: 280,
    before: (context, { x, y }, colour) => cells(context, counts, DEPTH, [x(0.5), y(1), x(DEPTH + 0.5) - x(0.5), y(-1) - y(1)], colour, { high: 0.35, ink: "one" }),
  });
  const gradient = chart(() => ({
    x: [1, DEPTH], y: [1e-9, 10], log: true, xlabel: "layer", ylabel: "size of the gradient",
    lines: [{ points: sizes, colour: "two" }], dots: [{ points: sizes, colour: "two", radius: 4 }],
  }), { height: 280 });
  const note = status();

  async function show() {
    put(net, { scale: Float32Array.of(scale) });
    const h = await net.predict(X);
    const layers = Array.from({ length: DEPTH }, (_, k) => h.filter((_, i) => Math.floor(i / WIDTH) % DEPTH === k));
    counts = new Float32Array(BINS * DEPTH);
    layers.forEach((values, k) => values.forEach((value) => { counts[Math.min(BINS - 1, Math.floor(((1 - value) / 2) * BINS)) * DEPTH + k] += 1 / values.length; }));
    counts = counts.map(Math.sqrt);
    const { gradients } = await net.gradients(X, y);
    sizes = layers.map((_, k) => [k + 1, Math.max(1e-12, spread(gradients.W.subarray(k * WIDTH * WIDTH, (k + 1) * WIDTH * WIDTH)))]);
    const last = spread(layers[DEPTH - 1]);
    const full = layers[DEPTH - 1].filter((value) => Math.abs(value) > 0.95).length / layers[DEPTH - 1].length;
    note.textContent = `Scale ${short(scale)}: the last layer's activations have the size ${short(last)}, and ${Math.round(100 * full)} % of them are beyond ±0.95. The gradient of the first layer has the size ${short(sizes[0][1])}, that of the last ${short(sizes[DEPTH - 1][1])}.`;
    histogram.describe(`How activations are distributed in ten layers. ${note.textContent}`);
    gradient.describe(`The size of the gradient by layer: ${sizes.map(([, size]) => short(size)).join(", ")}`);
    histogram.again();
    gradient.again();
  }

  /** Draw other weights and samples. */
  function again() {
    const uniform = random(seed++);
    put(net, { W: normal(DEPTH * WIDTH * WIDTH, uniform).map((value) => value / Math.sqrt(WIDTH)) });
    [X, y] = [normal(SAMPLES * WIDTH, uniform), normal(SAMPLES, uniform)];
    return show();
  }
  stage.append(el("div", { class: "live-two" }, histogram.canvas, gradient.canvas),
    row(slider({ label: "Scale of the first weights", min: -1, max: 1, step: 0.05, value: 0, show: (power) => short(10 ** power) }, (power) => { scale = 10 ** power; show(); })),
    row(button("Draw other weights", again)), note);
  await again();
}
