// Dropout: each update trains another thinned network; the prediction is that of all units together.
import { load } from "parts/net.mjs";
import { button, chart, idle, legend, player, points, random, range, row, short, slider, status } from "./kit.js";
import data from "parts/data.json";

const UNITS = 40;
const places = range(-1, 1, 121);
const wave = places.map((x) => Math.sin(4 * x));

export default async function start(stage) {
  const net = await load();
  const first = net.save();
  let [rate, epochs, heights, thinned, uniform] = [0.2, 0, places, [], random(1)];

  /** Rows for places: in each, the place and the factors of the hidden units. */
  const masked = (xs, factors) => Float32Array.from(Array.from(xs).flatMap((x) => [x, ...factors()]));
  const all = () => Array(UNITS).fill(1);
  const some = () => Array.from({ length: UNITS }, () => (uniform() < rate ? 0 : 1 / (1 - rate)));
  const same = () => { const factors = some(); return () => factors; };

  const plot = chart(() => ({
    x: [-1, 1], y: [-2.2, 2.2], xlabel: "x", ylabel: "y", dots: [{ points: points(data.x, data.y), radius: 4 }],
    lines: [...thinned.map((values) => ({ points: points(places, values), colour: "two", width: 1, alpha: 0.5 })),
      { points: points(places, wave), colour: "text", width: 1, dash: [3, 4] }, { points: points(places, heights), width: 3 }],
  }), { height: 300 });
  const note = status();

  async function show() {
    heights = await net.predict(masked(places, all));
    thinned = [];
    for (let i = 0; i < 8 && rate; i++) thinned.push(await net.predict(masked(places, same())));
    const { loss } = await net.gradients(masked(data.x, all), data.y);
    const off = Math.sqrt(heights.reduce((sum, value, i) => sum + (value - wave[i]) ** 2, 0) / places.length);
    note.textContent = `Dropout rate ${rate}, ${epochs} epochs: error ${short(Math.sqrt(loss))} at the 16 points, and ${short(off)} from the wave without noise.`;
    plot.describe(`The network's curve, eight thinned networks and the wave. ${note.textContent}`);
    plot.again();
  }

  async function restart() {
    train.set(false);
    await idle(net);
    net.restore(first);
    [epochs, uniform] = [0, random(1)];
    await show();
  }

  const train = player(stage, async () => {
    const copies = Array.from({ length: 20 }, () => data.x).flat();
    await net.train(masked(copies, some), Array.from({ length: 20 }, () => data.y).flat(), { epochs: 1, batchSize: 16, shuffle: false });
    epochs += 20;
    await show();
    return epochs < 3000;
  });
  stage.append(plot.canvas, legend({ "all units": "one", "eight thinned networks": "two", "the wave without noise": "text" }),
    row(slider({ label: "Dropout rate", min: 0, max: 0.8, step: 0.1, value: rate }, (value) => { rate = value; restart(); })),
    row(train.button, button("Start again", restart)), note);
  await restart();
}
