// SGD, momentum and Adam walk down the same valley.
import { load as adam } from "parts/adam.mjs";
import { load as momentum } from "parts/momentum.mjs";
import { load as sgd } from "parts/sgd.mjs";
import { button, cells, chart, choice, idle, legend, player, put, range, row, short, slider, status } from "./kit.js";

const STEPS = 100;
const [COLUMNS, ROWS] = [60, 40];
const COLOURS = ["one", "two", "three"];
const NAMES = ["SGD", "momentum", "Adam"];
const STARTS = { "far to the left": [-2.5, 1.5], "high on the slope": [-0.5, 1.8], "in the valley's floor": [-2.8, 0] };

export default async function start(stage) {
  const nets = await Promise.all([sgd(), momentum(), adam()]);
  let [rate, steep, from, paths, heights] = [0.05, 12, STARTS["far to the left"], [], []];
  const valley = ([x, y]) => [x, y, 0.5, steep];

  const plot = chart(() => ({
    x: [-3, 3], y: [-2, 2], xlabel: "first weight", ylabel: "second weight",
    lines: paths.map((points, i) => ({ points, colour: COLOURS[i] })),
    dots: paths.flatMap((points, i) => [{ points, colour: COLOURS[i], radius: 2.5 }, { points: points.slice(-1), colour: COLOURS[i], radius: 6 }]),
  }), {
    height: 340,
    behind: (context, { x, y }, colour) => cells(context, heights, COLUMNS, [x(-3), y(2), x(3) - x(-3), y(-2) - y(2)], colour, { high: 6 }),
  });
  const note = status();

  async function ground() {
    const [across, down] = [range(-3, 3, COLUMNS), range(2, -2, ROWS)];
    const values = await nets[0].predict(Array.from(down).flatMap((y) => Array.from(across).flatMap((x) => valley([x, y]))));
    heights = values.map((value) => Math.floor(3 * Math.log2(1 + value)) / 4); // in steps, as contours
  }

  async function restart() {
    walk.set(false);
    await Promise.all(nets.map(idle));
    for (const net of nets) put(net, { w: Float32Array.from(from) });
    paths = nets.map(() => [from]);
    await ground();
    await tell();
  }

  async function tell() {
    const ends = await nets[0].predict(paths.flatMap((points) => valley(points.at(-1))));
    const steps = Math.max(...paths.map((points) => points.length)) - 1;
    note.textContent = steps ? `After ${steps} steps with learning rate ${short(rate)}, the loss is ${NAMES.map((name, i) => `${short(ends[i])} with ${name}`).join(", ")}.`
      : `All three stand at the same place, where the loss is ${short(ends[0])}.`;
    plot.describe(`Three paths down a valley that is ${short(2 * steep)} times steeper across than along. ${note.textContent}`);
    plot.again();
    return steps < STEPS;
  }

  const walk = player(stage, async () => {
    const faults = await Promise.all(nets.map((net) => net.train(valley(from), undefined, { epochs: 1, batchSize: 1, learningRate: rate, shuffle: false }).catch((error) => error)));
    nets.forEach((net, i) => faults[i] instanceof Error || paths[i].push(Array.from(net.weights.w)));
    return tell();
  }, { label: "Walk", frame: 30 });

  stage.append(plot.canvas, legend(Object.fromEntries(NAMES.map((name, i) => [name, COLOURS[i]]))),
    row(slider({ label: "Learning rate", min: -2.5, max: -0.5, step: 0.1, value: -1.3, show: (power) => short(10 ** power) }, (power) => { rate = 10 ** power; restart(); }),
      slider({ label: "Steepness across", min: 0.5, max: 25, step: 0.5, value: steep, show: short }, (value) => { steep = value; restart(); })),
    row(walk.button, button("Back to the start", restart), choice("Start:", STARTS, (place) => { from = place; restart(); })), note);
  await restart();
}
