// A network learns two moons; the losses of the last runs stay, to be compared.
import { load } from "parts/net.mjs";
import { button, chart, el, idle, isStill, row, short, slider, status } from "./kit.js";
import data from "parts/data.json";

const EPOCHS = 30;
const COLOURS = ["one", "two", "three", "text"];

export default async function start(stage) {
  const net = await load();
  const first = net.save();
  const runs = [];
  let [rate, batchSize, stop] = [0.1, 16, null];

  const curves = chart(() => ({
    x: [0, EPOCHS], y: [0.02, 20], log: true, xlabel: "epoch", ylabel: "loss",
    lines: runs.map(({ losses, colour }, i) => ({ points: losses.map((loss, epoch) => [epoch + 1, loss]), colour, width: i === runs.length - 1 ? 3 : 1.5 })),
  }), { label: "No run yet", height: 280 });
  const names = el("p", { class: "live-legend" });
  const note = status();

  async function run() {
    stop?.abort();
    const own = (stop = new AbortController());
    const same = runs.findIndex((each) => each.rate === rate && each.batchSize === batchSize);
    if (same >= 0) runs.splice(same, 1);
    const now = { rate, batchSize, losses: [], colour: COLOURS.find((each) => !runs.slice(-3).some(({ colour }) => colour === each)) };
    runs.push(now);
    if (runs.length > COLOURS.length) runs.shift();
    await idle(net);
    net.restore(first);
    const show = () => {
      names.replaceChildren(...runs.map(({ rate, batchSize, colour }) => el("span", { style: `--ink: var(--live-${colour})` }, `rate ${short(rate)}, batch ${batchSize}`)));
      curves.again();
    };
    show();
    let fault = "";
    try {
      for (let epoch = 0; epoch < EPOCHS && !own.signal.aborted; epoch++) {
        await net.train(data.X, data.y, { epochs: 1, batchSize, learningRate: rate, seed: epoch, onEpoch: (_, { loss }) => now.losses.push(loss) });
        if (!isStill()) show();
      }
    } catch (error) {
      fault = ` It stopped: ${error.message}.`;
    }
    if (own.signal.aborted) return;
    show();
    const last = now.losses.at(-1);
    const updates = Math.ceil(data.y.length / batchSize) * now.losses.length;
    note.textContent = `Learning rate ${short(rate)}, batches of ${batchSize}: ${updates} updates, loss ${short(last)} after ${now.losses.length} epochs.${fault}`;
    curves.describe(`Losses by epoch: ${runs.map(({ rate, batchSize, losses }) => `rate ${short(rate)} with batches of ${batchSize} ends at ${short(losses.at(-1))}`).join("; ")}`);
  }

  stage.append(
    curves.canvas, names,
    row(slider({ label: "Learning rate", min: -3, max: 1.5, step: 0.25, value: -1, show: (power) => short(10 ** power) }, (power) => { rate = 10 ** power; }),
      slider({ label: "Batch size", min: 0, max: 7, step: 1, value: 4, show: (power) => String(2 ** power) }, (power) => { batchSize = 2 ** power; })),
    row(button("Train 30 epochs", run, { class: "live-play" })),
    note);
  await run();
}
