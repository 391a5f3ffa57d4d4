// Gradient descent for inputs of different sizes, and for the same inputs normalised.
import { load } from "parts/net.mjs";
import { load as loadValley } from "parts/valley.mjs";
import { button, cells, chart, choice, el, idle, player, put, range, row, short, slider, status } from "./kit.js";
import data from "parts/data.json";

const [COLUMNS, ROWS, STEPS] = [50, 40, 60];
const SAMPLES = data.y.length;

export default async function start(stage) {
  const [net, valley] = await Promise.all([load(), loadValley()]);
  let [factor, rate, normalised, path, losses, X, heights, span] = [4, 0.05, false, [], [], [], [], [2, 2]];

  const plot = chart(() => ({
    x: [-span[0], span[0]], y: [-span[1], span[1]], xlabel: "weight of the first input", ylabel: "weight of the second",
    lines: [{ points: path, colour: "two" }], dots: [{ points: path, colour: "two", radius: 3 }, { points: path.slice(-1), colour: "two", radius: 6 }],
  }), { height: 300,
    behind: (context, { x, y }, colour) => cells(context, heights, COLUMNS, [x(-span[0]), y(span[1]), x(span[0]) - x(-span[0]), y(-span[1]) - y(span[1])], colour, { high: 8 }) });
  const curve = chart(() => ({
    x: [0, STEPS], y: [0.01, 100], log: true, xlabel: "step", ylabel: "loss", lines: [{ points: losses }],
  }), { height: 300 });
  const note = status();

  async function restart() {
    walk.set(false);
    await idle(net);
    X = Float32Array.from(data.X, (value, i) => (i % 2 ? value * factor : value));
    if (normalised)
      for (const column of [0, 1]) {
        const values = X.filter((_, i) => i % 2 === column);
        const mean = values.reduce((sum, value) => sum + value, 0) / SAMPLES;
        const size = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / SAMPLES);
        for (let i = column; i < X.length; i += 2) X[i] = (X[i] - mean) / size;
      }
    put(net, { w: new Float32Array(2) });
    put(valley, { data: Float32Array.from({ length: 3 * SAMPLES }, (_, i) => (i % 3 === 2 ? data.y[(i - 2) / 3] : X[2 * Math.floor(i / 3) + (i % 3)])) });
    const places = Array.from(range(span[1], -span[1], ROWS)).flatMap((b) => Array.from(range(-span[0], span[0], COLUMNS)).flatMap((a) => [a, b]));
    heights = (await valley.predict(places)).map((value) => Math.floor(2 * Math.log2(1 + 4 * value)) / 2);
    path = [[0, 0]];
    losses = [[0, (await valley.predict([0, 0]))[0]]];
    tell();
  }

  function tell(fault = "") {
    const [step, loss] = losses.at(-1);
    note.textContent = `Inputs ${normalised ? "normalised" : `as they are, the second ${short(factor)} times larger`}, learning rate ${short(rate)}: after ${step} steps the loss is ${short(loss)}.${fault}`;
    plot.describe(`The loss by two weights as a shade, and the path of gradient descent. ${note.textContent}`);
    curve.describe(`Loss by step. ${note.textContent}`);
    plot.again();
    curve.again();
  }

  const walk = player(stage, async () => {
    try {
      await net.train(X, data.y, { epochs: 1, batchSize: SAMPLES, learningRate: rate, shuffle: false });
    } catch {
      tell(" The loss grows beyond all numbers: each step overshoots.");
      return false;
    }
    const w = Array.from(net.weights.w);
    const [loss] = await valley.predict(w);
    path.push(w);
    losses.push([path.length - 1, loss]);
    tell(loss > 1e4 ? " Each step overshoots more than the one before." : "");
    return loss < 1e4 && path.length <= STEPS;
  }, { label: "Walk", frame: 40 });
  stage.append(el("div", { class: "live-two" }, plot.canvas, curve.canvas),
    row(slider({ label: "Size of the second input", min: 0, max: 1, step: 0.05, value: 0.6, show: (power) => short(10 ** power) }, (power) => { factor = 10 ** power; restart(); }),
      slider({ label: "Learning rate", min: -2.5, max: 0, step: 0.1, value: -1.3, show: (power) => short(10 ** power) }, (power) => { rate = 10 ** power; restart(); })),
    row(walk.button, button("Back to the start", restart), choice("Inputs:", { "as they are": false, normalised: true }, (value) => { normalised = value; restart(); })), note);
  await restart();
}
