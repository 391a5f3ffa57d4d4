// A recurrent network reads noise with one marked bit in it, and learns to hold that bit.
import { load } from "parts/net.mjs";
import { button, cells, idle, legend, player, random, row, short, slider, status, Surface } from "./kit.js";

const [STEPS, UNITS, BATCH] = [20, 8, 32];

export default async function start(stage) {
  const net = await load();
  const first = net.save();
  let [ago, updates, uniform, shown, p, hidden] = [5, 0, random(1), null, [], []];

  /** Sequences of noise with a marked bit, and the bits. */
  function sequences(n) {
    const X = new Float32Array(2 * n * STEPS);
    for (let i = 0; i < X.length; i += 2) X[i] = uniform() < 0.5 ? -1 : 1;
    const at = Array.from({ length: n }, (_, i) => 2 * (i * STEPS + STEPS - 1 - ago));
    for (const i of at) X[i + 1] = 1;
    return { X, y: at.map((i) => (X[i] > 0 ? 1 : 0)) };
  }

  const plot = new Surface((context, width, height, colour) => {
    const left = 84;
    const step = (width - left) / STEPS;
    const cell = (height - 24) / (UNITS + 4);
    const name = (text, line) => { context.fillStyle = colour.text; context.fillText(text, 0, (line + 0.7) * cell); };
    context.textAlign = "left";
    name("input", 0);
    name("hidden", 2 + UNITS / 2);
    name("output", UNITS + 2.5);
    const signs = { high: 1, ink: "one", other: "two" };
    cells(context, shown.X.filter((_, i) => i % 2 === 0), STEPS, [left, 0, STEPS * step, cell], colour, signs);
    const turned = Float32Array.from({ length: STEPS * UNITS }, (_, i) => hidden[(i % STEPS) * UNITS + Math.floor(i / STEPS)]);
    cells(context, turned, STEPS, [left, 2 * cell - 6, STEPS * step, UNITS * cell], colour, signs);
    cells(context, p.map((each) => 2 * each - 1), STEPS, [left, (UNITS + 3) * cell - 12, STEPS * step, cell], colour, signs);
    context.strokeStyle = colour.text;
    context.lineWidth = 3;
    context.strokeRect(left + (STEPS - 1 - ago) * step + 1.5, 1.5, step - 3, cell - 3);
    context.strokeRect(left + (STEPS - 1) * step + 1.5, (UNITS + 3) * cell - 10.5, step - 3, cell - 3);
    context.textAlign = "center";
    context.fillStyle = colour.text;
    for (let t = 0; t < STEPS; t += 1 + (step < 24)) context.fillText(String(t + 1), left + (t + 0.5) * step, height - 4);
  }, { height: 300 });
  const note = status();

  async function show() {
    const result = await net.predict(shown.X);
    [p, hidden] = [result.subarray(0, STEPS), result.subarray(STEPS)];
    const tests = sequences(200);
    const outputs = await net.predict(tests.X);
    const right = tests.y.filter((bit, i) => outputs[(i * (UNITS + 1) + 1) * STEPS - 1] > 0.5 === bit > 0.5).length;
    note.textContent = `${updates} updates: the bit of ${ago} steps ago is right in ${short(right / 2)} % of new sequences. Here it was ${shown.y[0]}; the output at the end is ${p[STEPS - 1].toFixed(2)}.`;
    plot.describe(`Input, eight hidden numbers and output of a recurrent network over 20 steps; the marked bit is at step ${STEPS - ago}. ${note.textContent}`);
    plot.again();
  }

  const another = () => { shown = sequences(1); return show(); };
  const train = player(stage, async () => {
    const { X, y } = sequences(8 * BATCH);
    await net.train(X, y, { epochs: 1, batchSize: BATCH, shuffle: false });
    updates += 8;
    await show();
    return updates < 3000;
  });
  async function restart() {
    train.set(false);
    await idle(net);
    net.restore(first);
    [updates, uniform] = [0, random(1)];
    await another();
  }
  stage.append(plot.canvas, legend({ "above zero (or bit 1)": "one", "below zero (or bit 0)": "two" }),
    row(slider({ label: "Steps to remember", min: 0, max: STEPS - 1, step: 1, value: ago }, (value) => { ago = value; another(); })),
    row(train.button, button("Another sequence", another), button("Start again", restart)), note);
  await restart();
}
