// The boundary between two classes, as a network of a few hidden units learns it.
import { load } from "parts/net.mjs";
import { button, cells, chart, idle, legend, player, put, range, row, short, slider, status } from "./kit.js";
import data from "parts/data.json";

const [COLUMNS, ROWS, X, Y] = [56, 40, 2.2, 1.6];
const grid = Array.from(range(Y, -Y, ROWS)).flatMap((y) => Array.from(range(-X, X, COLUMNS)).flatMap((x) => [x, y]));
const of = (label) => data.y.flatMap((y, i) => (y === label ? [[data.X[2 * i], data.X[2 * i + 1]]] : []));

export default async function start(stage) {
  const net = await load();
  const all = net.weights;
  let [units, epochs, p, folds] = [3, 0, [], []];

  const plot = chart(() => ({
    x: [-X, X], y: [-Y, Y], xlabel: "first feature", ylabel: "second feature",
    lines: folds.map((ends) => ({ points: ends, colour: "text", width: 1, dash: [4, 4] })),
    dots: [0, 1].map((label) => ({ points: of(label), colour: ["one", "two"][label], radius: 4 })),
  }), {
    height: 340,
    behind: (context, { x, y }, colour) => cells(context, p, COLUMNS, [x(-X), y(Y), x(X) - x(-X), y(-Y) - y(Y)], colour, { high: 1.6, ink: "two", other: "one" }),
  });
  const note = status();

  async function show() {
    p = (await net.predict(grid)).map((each) => 2 * each - 1);
    const { W, b } = net.weights; // where a unit's input is zero
    folds = Array.from({ length: units }, (_, i) => {
      const [a, c] = [W[i], W[b.length + i]];
      const far = [-9 * c - (a * b[i]) / (a * a + c * c), 9 * a - (c * b[i]) / (a * a + c * c)];
      return [far, [far[0] + 18 * c, far[1] - 18 * a]];
    });
    const answers = await net.predict(data.X);
    const right = answers.reduce((sum, each, i) => sum + (each > 0.5 === data.y[i] > 0.5), 0);
    const { loss } = await net.gradients(data.X, data.y);
    note.textContent = `${units} hidden unit${units > 1 ? "s" : ""}, ${epochs} epochs: ${right} of ${data.y.length} points are on the right side, loss ${short(loss)}.`;
    plot.describe(`Two moons and the network's probability as a shade. ${note.textContent}`);
    plot.again();
  }

  async function restart() {
    train.set(false);
    await idle(net);
    const used = (values) => values.map((value, i) => (i % 16 < units ? value : 0));
    put(net, { W: used(all.W), b: used(all.b), v: used(all.v), c: all.c });
    epochs = 0;
    await show();
  }

  const train = player(stage, async () => {
    await net.train(data.X, data.y, { epochs: 2, batchSize: 32, seed: epochs });
    epochs += 2;
    await show();
    return epochs < 600;
  });
  stage.append(plot.canvas, legend({ "class 0": "one", "class 1": "two", "where a hidden unit is zero": "text" }),
    row(slider({ label: "Hidden units", min: 1, max: 16, step: 1, value: units }, (value) => { units = value; restart(); })),
    row(train.button, button("Start again", restart)), note);
  await restart();
}
