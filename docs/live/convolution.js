// Filters slide over a digit: at each place, nine products and their sum; the filters learn.
import { load } from "parts/net.mjs";
import { button, cells, choice, el, fixed, idle, legend, player, row, slider, status, Surface, unpacked } from "./kit.js";
import data from "parts/data.json";

const [FILTERS, MAP] = [4, 36];
const CLASSES = data.classes.length;
const bytes = unpacked(data.images);
const images = Float32Array.from({ length: 2 * bytes.length }, (_, i) => (i % 2 ? bytes[i >> 1] & 15 : bytes[i >> 1] >> 4) / 15);
const TRAINED = 160; // digits; the others are for tests
const largest = (values) => values.indexOf(Math.max(...values));

export default async function start(stage) {
  const net = await load();
  const first = net.save();
  let [digit, filter, place, epochs] = [TRAINED + 1, 0, 14, 0];
  let [p, maps, W, b] = [[], [], [], []];
  const image = () => images.subarray(64 * digit, 64 * digit + 64);
  const filterOf = (k) => Float32Array.from({ length: 9 }, (_, i) => W[FILTERS * i + k]);
  const mapOf = (k) => Float32Array.from({ length: MAP }, (_, i) => maps[FILTERS * i + k]);

  const picture = new Surface((context, width, height, colour) => {
    const side = Math.min(width, height, 300) / 8;
    const [column, line] = [place % 6, Math.floor(place / 6)];
    cells(context, image(), 8, [0, 0, 8 * side, 8 * side], colour);
    context.strokeStyle = colour.faint;
    context.strokeRect(0.5, 0.5, 8 * side - 1, 8 * side - 1);
    context.strokeStyle = colour.two;
    context.lineWidth = 4;
    context.strokeRect(column * side, line * side, 3 * side, 3 * side);
  }, { height: 240 });
  const features = new Surface((context, width, height, colour) => {
    const side = Math.min((width - 30) / FILTERS, height - 60, 150);
    const most = Math.max(...maps, 0.1);
    const strongest = Math.max(...W.map(Math.abs));
    for (let k = 0; k < FILTERS; k++) {
      const x = k * (side + 10);
      cells(context, filterOf(k), 3, [x, 0, side / 2, side / 2], colour, { high: strongest, ink: "one", other: "two" });
      cells(context, mapOf(k), 6, [x, side / 2 + 10, side, side], colour, { high: most });
      context.lineWidth = k === filter ? 3 : 1;
      context.strokeStyle = k === filter ? colour.two : colour.faint;
      context.strokeRect(x + 1, 1, side / 2, side / 2);
      context.strokeRect(x + 1, side / 2 + 10, side - 2, side);
      if (k !== filter) continue;
      context.strokeRect(x + (place % 6) * (side / 6), side / 2 + 10 + Math.floor(place / 6) * (side / 6), side / 6, side / 6);
    }
  }, { height: 240 });
  const sum = el("p", { class: "live-hint" });
  const note = status();

  async function show() {
    const all = await net.predict(image());
    [p, maps] = [all.subarray(0, CLASSES), all.subarray(CLASSES)];
    ({ W_f: W, b_f: b } = net.weights);
    const outputs = await net.predict(images.subarray(64 * TRAINED));
    const labels = data.labels.slice(TRAINED);
    const right = labels.filter((label, i) => largest(outputs.subarray(i * (CLASSES + FILTERS * MAP)).subarray(0, CLASSES)) === label).length;
    note.textContent = `${epochs} epochs: of ${labels.length} digits it was not trained on, ${right} are read right. It takes this one for a ${data.classes[largest(p)]}, with probability ${Math.max(...p).toFixed(2)}.`;
    slide();
  }

  function slide() {
    const [column, line] = [place % 6, Math.floor(place / 6)];
    sum.textContent = `Filter ${filter + 1} at row ${line + 1}, column ${column + 1} gives ${mapOf(filter)[place].toFixed(3)}: nine pixels by nine weights, their sum with the bias ${fixed(b[filter], 2)}, and zero if that is negative.`;
    picture.describe(`A handwritten ${data.classes[data.labels[digit]]} of eight by eight pixels; the filter lies on row ${line + 1}, column ${column + 1}`);
    features.describe(`Four filters and their feature maps, of six by six numbers. Filter ${filter + 1} has the weights ${Array.from(filterOf(filter), (value) => value.toFixed(2)).join(", ")}`);
    picture.again();
    features.again();
  }

  const train = player(stage, async () => {
    await net.train(images.subarray(0, 64 * TRAINED), data.labels.slice(0, TRAINED), { epochs: 1, batchSize: 16, seed: epochs });
    epochs++;
    await show();
    return epochs < 60;
  }, { frame: 60 });
  const restart = async () => {
    train.set(false);
    await idle(net);
    net.restore(first);
    epochs = 0;
    await show();
  };
  const another = () => {
    digit = digit + 1 < data.labels.length ? digit + 1 : TRAINED;
    show();
  };
  stage.append(el("div", { class: "live-two live-uneven" }, picture.canvas, features.canvas), sum, legend({ "weight above zero": "one", "weight below zero": "two" }),
    row(slider({ label: "Place of the filter", min: 0, max: MAP - 1, step: 1, value: place, show: (at) => `row ${Math.floor(at / 6) + 1}, column ${(at % 6) + 1}` }, (value) => { place = value; slide(); }),
      choice("Filter:", { 1: 0, 2: 1, 3: 2, 4: 3 }, (k) => { filter = k; slide(); })),
    row(train.button, button("Start again", restart), button("Another digit", another)), note);
  await restart();
}
