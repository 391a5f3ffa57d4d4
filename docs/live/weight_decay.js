// Weight decay: the larger it is, the smaller are the weights and the smoother is the curve.
import { load } from "parts/net.mjs";
import { button, chart, el, idle, legend, player, points, put, range, row, short, slider, status, Surface } from "./kit.js";
import data from "parts/data.json";

const places = range(-1, 1, 161);
const wave = places.map((x) => Math.sin(4 * x));
const WEIGHTS = 13;

export default async function start(stage) {
  const net = await load();
  let [decay, epochs, heights, w] = [0.001, 0, places, new Float32Array(WEIGHTS)];
  const rows = (xs) => Array.from(xs).flatMap((x) => [x, decay]);

  const plot = chart(() => ({
    x: [-1, 1], y: [-2.2, 2.2], xlabel: "x", ylabel: "y", dots: [{ points: points(data.x, data.y), radius: 4 }],
    lines: [{ points: points(places, wave), colour: "text", width: 1, dash: [3, 4] }, { points: points(places, heights), width: 3 }],
  }), { height: 260 });
  const bars = new Surface((context, width, height, colour) => {
    const step = width / WEIGHTS;
    context.fillStyle = colour.text;
    context.textAlign = "left";
    context.fillText("weights", 4, 14);
    context.fillRect(0, height / 2, width, 1);
    context.fillStyle = colour.two;
    w.forEach((value, i) => context.fillRect(i * step + 3, height / 2, step - 6, -value * height / 6));
  }, { height: 260 });
  const note = status();

  async function show() {
    heights = await net.predict(rows(places));
    w = net.weights.w;
    const answers = await net.predict(rows(data.x));
    const error = (values, truth) => Math.sqrt(values.reduce((sum, value, i) => sum + (value - truth[i]) ** 2, 0) / truth.length);
    note.textContent = `Decay ${short(decay)}, ${epochs} epochs: the weights' squares sum to ${short(w.reduce((sum, value) => sum + value * value, 0))}; error ${short(error(answers, data.y))} at the points, ${short(error(heights, wave))} from the wave without noise.`;
    plot.describe(`A polynomial of degree 12 through 14 noisy points. ${note.textContent}`);
    bars.describe(`The 13 weights: ${Array.from(w, (value) => value.toFixed(2)).join(", ")}`);
    plot.again();
    bars.again();
  }

  const train = player(stage, async () => {
    await net.train(rows(data.x), data.y, { epochs: 20, batchSize: data.y.length, shuffle: false });
    epochs += 20;
    await show();
    return epochs < 3000;
  });
  async function restart() {
    train.set(false);
    await idle(net);
    put(net, { w: new Float32Array(WEIGHTS) });
    epochs = 0;
    await show();
  }
  stage.append(el("div", { class: "live-two" }, plot.canvas, bars.canvas), legend({ "the polynomial": "one", "its weights": "two", "the wave without noise": "text" }),
    row(slider({ label: "Weight decay", min: -5, max: 0.5, step: 0.25, value: -3, show: (power) => (power === -5 ? "0" : short(10 ** power)) }, (power) => { decay = power === -5 ? 0 : 10 ** power; epochs = 0; train.set(true); })),
    row(train.button, button("Start again", restart)), note);
  await restart();
}
