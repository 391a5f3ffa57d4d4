// A few relus fit a curve; each adds one kink, which moves while the network learns.
import { load } from "parts/net.mjs";
import { button, chart, idle, legend, player, points, put, range, row, short, slider, status } from "./kit.js";
import data from "parts/data.json";

const places = range(-1, 1, 201);

export default async function start(stage) {
  const net = await load();
  const all = net.weights;
  let [units, epochs, heights, kinks] = [4, 0, places, []];

  const plot = chart(() => ({
    x: [-1, 1], y: [-1.7, 1.7], xlabel: "x", ylabel: "y",
    dots: [{ points: points(data.x, data.y) }, { points: kinks, colour: "two", radius: 6 }],
    lines: [...kinks.map(([x]) => ({ points: [[x, -1.7], [x, 1.7]], colour: "two", width: 1, dash: [3, 4] })), { points: points(places, heights), width: 3 }],
  }), { height: 300 });
  const note = status();

  async function show() {
    heights = await net.predict(places);
    const { W, b } = net.weights;
    const at = Float32Array.from({ length: units }, (_, i) => -b[i] / W[i]).filter((x) => Math.abs(x) <= 1).sort();
    kinks = at.length ? points(at, await net.predict(at)) : [];
    const { loss } = await net.gradients(data.x, data.y);
    note.textContent = `Relus: ${units}; epochs: ${epochs}; kinks in sight: ${kinks.length}; mean squared error ${short(loss)}.`;
    plot.describe(`A broken line through noisy points on a wave. ${note.textContent} Kinks at ${kinks.map(([x]) => x.toFixed(2)).join(", ")}.`);
    plot.again();
  }

  async function restart() {
    train.set(false);
    await idle(net);
    const kept = (values) => values.map((value, i) => (i < units ? value : 0));
    put(net, { W: kept(all.W), b: kept(all.b), v: kept(all.v), c: all.c });
    epochs = 0;
    await show();
  }

  const train = player(stage, async () => {
    await net.train(data.x, data.y, { epochs: 5, batchSize: data.y.length, shuffle: false });
    epochs += 5;
    await show();
    return epochs < 2000;
  });
  stage.append(plot.canvas, legend({ "the network": "one", "its kinks": "two" }),
    row(slider({ label: "Relus", min: 1, max: 12, step: 1, value: units }, (value) => { units = value; restart(); })),
    row(train.button, button("Start again", restart)), note);
  await restart();
}
