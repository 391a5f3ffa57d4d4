// The loss in training falls on; that on other points falls and rises again.
import { load } from "parts/net.mjs";
import { button, chart, el, idle, legend, player, points, put, range, row, short, slider, status } from "./kit.js";
import data from "parts/data.json";

const places = range(-1, 1, 161);
const EPOCHS = 3000;

export default async function start(stage) {
  const net = await load();
  const all = net.weights;
  let [units, heights, losses, best] = [40, places, [], null];

  const fit = chart(() => ({
    x: [-1, 1], y: [-2.2, 2.2], xlabel: "x", ylabel: "y",
    lines: [{ points: points(places, heights), width: 3 }],
    dots: [{ points: points(data.X_test, data.y_test), colour: "two", radius: 1.5 }, { points: points(data.x, data.y), colour: "one", radius: 5 }],
  }), { height: 260 });
  const curves = chart(() => ({
    x: [5, EPOCHS], xlog: true, y: [0.003, 2], log: true, xlabel: "epoch", ylabel: "loss",
    lines: ["one", "two"].map((colour, i) => ({ points: losses.map((line) => [line[0], line[i + 1]]), colour })),
    dots: best ? [{ points: [[best[0], best[2]]], colour: "two", radius: 5 }] : [],
  }), { height: 260 });
  const note = status();

  async function show(epochs) {
    heights = await net.predict(places);
    const [train, test] = [await net.gradients(data.x, data.y), await net.gradients(data.X_test, data.y_test)];
    losses.push([epochs, train.loss, test.loss]);
    best = losses.reduce((low, line) => (line[2] < low[2] ? line : low));
    note.textContent = `${3 * units + 1} weights, ${epochs} epochs: loss ${short(train.loss)} in training, ${short(test.loss)} on other points; the least there was ${short(best[2])}, after ${best[0]} epochs.`;
    fit.describe(`The network's curve among 14 points of training and 100 others. ${note.textContent}`);
    curves.describe(`Loss by epoch in training and on other points. ${note.textContent}`);
    fit.again();
    curves.again();
  }

  async function restart() {
    learn.set(false);
    await idle(net);
    const used = (values) => values.map((value, i) => (i < units ? value : 0));
    put(net, { W: used(all.W), b: used(all.b), v: used(all.v), c: all.c });
    losses = [];
    await show(0);
  }

  const learn = player(stage, async () => {
    const before = losses.at(-1)[0];
    const epochs = Math.max(5, Math.round(before / 50));
    await net.train(data.x, data.y, { epochs, batchSize: data.y.length, shuffle: false });
    await show(before + epochs);
    return before < EPOCHS;
  });
  stage.append(el("div", { class: "live-two" }, fit.canvas, curves.canvas), legend({ "training": "one", "other points": "two" }),
    row(slider({ label: "Hidden units", min: 1, max: 40, step: 1, value: units }, (value) => { units = value; restart(); })),
    row(learn.button, button("Start again", restart)), note);
  await restart();
}
