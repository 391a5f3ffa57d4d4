// A small graph of numbers: values go forward, adjoints backward; each edge has a local derivative.
import { load } from "parts/net.mjs";
import { button, el, fixed, legend, put, row, slider, status, Surface } from "./kit.js";

// Each box: its step from top to bottom, and its lane from left to right.
const BOXES = { w: [0, 0], x: [0, 1], b: [0, 2], y: [0, 3], product: [1, 0.5], z: [2, 1], h: [3, 1.5], error: [4, 2], loss: [5, 2] };
const TEXTS = { product: "w · x", z: "w x + b", h: "tanh z", error: "h − y", loss: "error²" };
const EDGES = [["w", "product"], ["x", "product"], ["b", "z"], ["product", "z"], ["z", "h"], ["h", "error"], ["y", "error"], ["error", "loss"]];
const VALUES = ["product", "z", "h", "error", "loss"];
const INPUTS = ["w", "x", "b", "y"];
const text = (value) => fixed(value, 3);

export default async function start(stage) {
  const net = await load();
  const first = net.save();
  let [values, adjoints] = [{}, {}];

  const graph = new Surface((context, width, height, colour) => {
    const [lanes, steps] = [width / 4, height / 6];
    const [w, h] = [Math.min(lanes - 8, 120), 48];
    const place = (name) => [(BOXES[name][1] + 0.5) * lanes, (BOXES[name][0] + 0.5) * steps];
    context.textAlign = "center";
    const labels = [];
    for (const [from, to] of EDGES) {
      const [[x1, y1], [x2, y2]] = [place(from), place(to)];
      const local = adjoints[to] ? adjoints[from] / adjoints[to] : null;
      context.strokeStyle = colour.two;
      context.lineWidth = 1 + Math.min(8, 4 * Math.abs(adjoints[from]));
      context.globalAlpha = 0.5;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
      context.globalAlpha = 1;
      if (local === null) continue;
      labels.push([`× ${fixed(local, 2)}`, (x1 + x2) / 2, (y1 + y2) / 2]);
    }
    for (const [factor, x, y] of labels) {
      context.fillStyle = colour.back;
      context.fillRect(x - 22, y - 9, 44, 17);
      context.fillStyle = colour.three;
      context.fillText(factor, x, y + 4);
    }
    for (const name of Object.keys(BOXES)) {
      const [x, y] = place(name);
      context.fillStyle = colour.surface;
      context.strokeStyle = colour.text;
      context.lineWidth = 1;
      context.beginPath();
      context.roundRect(x - w / 2, y - h / 2, w, h, 6);
      context.fill();
      context.stroke();
      context.fillStyle = colour.text;
      context.fillText(TEXTS[name] ?? name, x, y - 9);
      context.fillStyle = colour.one;
      context.fillText(text(values[name]), x, y + 5);
      context.fillStyle = colour.two;
      context.fillText(text(adjoints[name]), x, y + 19);
    }
  }, { height: 440 });
  const note = status();

  async function show(changed) {
    const row = await net.predict(new Float64Array(5));
    values = Object.fromEntries([...VALUES.map((name, i) => [name, row[i]]), ...INPUTS.map((name) => [name, net.weights[name][0]])]);
    const { gradients } = await net.gradients(new Float64Array(5));
    adjoints = { loss: 1, ...Object.fromEntries(Object.entries(gradients).map(([name, [value]]) => [name, value])) };
    note.textContent = `The loss is ${text(values.loss)}. ` + (changed ? `If ${changed} grows by 0.001, the loss changes by about ${fixed(adjoints[changed] / 1000, 6)}.` : `Its derivatives: ${INPUTS.map((name) => `${text(adjoints[name])} by ${name}`).join(", ")}.`);
    graph.describe(`A graph from w, x, b and y to the loss. ${Object.keys(BOXES).map((name) => `${TEXTS[name] ?? name} is ${text(values[name])} with adjoint ${text(adjoints[name])}`).join("; ")}`);
    graph.again();
  }

  const sliders = Object.fromEntries(INPUTS.map((name) => [name, slider({ label: name, min: -2, max: 2, step: 0.1, value: net.weights[name][0], show: (value) => fixed(value, 1) }, (value) => {
    put(net, { [name]: Float64Array.of(value) });
    show(name);
  })]));
  const reset = () => {
    net.restore(first);
    for (const name of INPUTS) {
      const input = sliders[name].querySelector("input");
      input.value = net.weights[name][0];
      sliders[name].querySelector("output").textContent = input.value.replace("-", "−");
    }
    return show();
  };
  const descend = async () => {
    const next = Object.fromEntries(["w", "b"].map((name) => [name, Float64Array.of(net.weights[name][0] - 0.5 * adjoints[name])]));
    put(net, next);
    await show();
  };
  stage.append(graph.canvas, legend({ value: "one", "adjoint: the loss's derivative by it": "two", "local derivative": "three" }),
    el("div", { class: "live-two" }, ...Object.values(sliders)), row(button("Step w and b downhill", descend), button("Start again", reset)), note);
  await show();
}
