// The lab's network learns the digits, and its gradient lights up line by line.
import { load } from "parts/net.mjs";
import { button, choice, el, isStill, player, status, Surface, unpacked } from "./kit.js";
import data from "parts/data.json";

const SIZE = 8;
const PIXELS = SIZE * SIZE;
const BATCH = 8;
const PAD = "A digit of eight by eight pixels: draw on it with a pointer, or with arrow keys and space";

const bytes = unpacked(data.images);
const images = Float32Array.from({ length: 2 * bytes.length }, (_, i) => (i % 2 ? bytes[i >> 1] & 15 : bytes[i >> 1] >> 4) / 15);
const labels = Int32Array.from(data.labels, Number);
const trained = { X: images.slice(0, data.samples * PIXELS), y: labels.slice(0, data.samples) };
const tests = { X: images.slice(data.samples * PIXELS), y: labels.slice(data.samples) };

/** Return the share of rows whose largest probability is that of their label. */
function accuracy(p, y) {
  let right = 0;
  for (let row = 0; row < y.length; row++) right += largest(p.subarray(10 * row, 10 * row + 10)) === y[row];
  return right / y.length;
}

const largest = (values) => values.indexOf(Math.max(...values));

/** The text of the gradient; the lines of the gradients by weights are found by their names. */
function program() {
  const lines = data.text.split("\n").map((text) => text.replace(/^ {4}/, "").replace(/\s+#.*$/, ""));
  const elements = lines.map((text) => el("span", { class: "live-line" }, text || " "));
  const names = lines.map((text) => /^d_([Wb]_[ho]) =/.exec(text)?.[1]);
  return { element: el("pre", { class: "live-program", tabIndex: 0, "aria-label": "The loss and its gradient, as NumPy" }, ...elements), elements, names };
}

export default async function start(stage) {
  const net = await load();
  const first = net.save();
  const drawn = new Float32Array(PIXELS);
  drawn.set(tests.X.subarray(0, PIXELS));
  let probabilities = new Float32Array(10);
  let target = 0;
  let seen = 0;

  const pad = new Surface((context, width, height, colour) => {
    const side = Math.min(width, height) / SIZE;
    context.fillStyle = colour.surface;
    context.fillRect(0, 0, side * SIZE, side * SIZE);
    context.fillStyle = colour.text;
    drawn.forEach((ink, i) => {
      context.globalAlpha = ink;
      context.fillRect((i % SIZE) * side, Math.floor(i / SIZE) * side, side, side);
    });
    context.globalAlpha = 1;
    context.strokeStyle = colour.faint;
    context.strokeRect(0.5, 0.5, side * SIZE - 1, side * SIZE - 1);
  }, { label: PAD, height: 176 });
  Object.assign(pad.canvas.style, { width: "176px", touchAction: "none" });

  const bars = new Surface((context, width, height, colour) => {
    const step = width / 10;
    const best = largest(probabilities);
    context.textAlign = "center";
    probabilities.forEach((p, digit) => {
      context.fillStyle = digit === best ? colour.two : colour.one;
      const bar = p * (height - 22);
      context.fillRect(digit * step + 3, height - 20 - bar, step - 6, bar);
      context.fillStyle = colour.text;
      context.fillText(String(digit), (digit + 0.5) * step, height - 5);
    });
  }, { label: "Probabilities of the ten digits", height: 120 });

  const text = program();
  const score = el("strong", { class: "live-score" });
  const note = status();

  /** Predict the digit drawn, and score the digits that the network is not trained on. */
  async function look() {
    probabilities = await net.predict(drawn);
    const share = accuracy(await net.predict(tests.X), tests.y);
    score.textContent = `${Math.round(100 * share)} %`;
    bars.again();
    bars.describe(`The network takes the digit for a ${largest(probabilities)}, with probability ${probabilities[largest(probabilities)].toFixed(2)}`);
  }

  /** Light up the lines of the gradient by the size of what they compute. */
  async function light() {
    const { gradients } = await net.gradients(drawn, [target]);
    text.names.forEach((name, i) => {
      if (!name) return;
      const size = Math.sqrt(gradients[name].reduce((sum, value) => sum + value * value, 0));
      text.elements[i].style.setProperty("--light", Math.min(1, size / 1.5).toFixed(3));
    });
  }

  /** Train on the next samples of the 500. */
  async function update() {
    const at = seen % data.samples;
    const rows = Math.min(5 * BATCH, data.samples - at);
    await net.train(trained.X.subarray(at * PIXELS, (at + rows) * PIXELS), trained.y.subarray(at, at + rows), { epochs: 1, batchSize: BATCH, shuffle: false });
    seen += rows;
    await Promise.all([look(), light()]);
    note.textContent = `${seen.toLocaleString("en")} digits seen, ${BATCH} an update.`;
  }

  /** One update on the digit drawn, each line lit in its turn. */
  async function teach() {
    train.set(false);
    const before = probabilities[target];
    const pause = isStill() ? 0 : 110;
    for (const line of text.elements) {
      line.classList.add("live-now");
      line.scrollIntoView?.({ block: "nearest" });
      await new Promise((done) => setTimeout(done, pause));
      line.classList.remove("live-now");
    }
    await net.train(drawn, [target], { epochs: 1, batchSize: 1, shuffle: false });
    await Promise.all([look(), light()]);
    note.textContent = `One update: the probability of ${target} went from ${before.toFixed(3)} to ${probabilities[target].toFixed(3)}.`;
  }

  const train = player(stage, update, { frame: 40 });
  draws(pad, drawn, async () => {
    await look();
    note.textContent = `The network takes it for a ${largest(probabilities)}.`;
  });
  const digits = Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [`It is a ${digit}`, digit]));
  const restart = async () => {
    train.set(false);
    net.restore(first);
    seen = 0;
    await Promise.all([look(), light()]);
    note.textContent = "Untrained: it guesses.";
  };
  const another = () => {
    const k = Math.floor(Math.random() * tests.y.length);
    drawn.set(tests.X.subarray(k * PIXELS, (k + 1) * PIXELS));
    pad.again();
    look();
  };
  stage.append(
    el("div", { class: "live-digits" },
      el("div", {}, pad.canvas, el("div", { class: "live-row" }, button("Clear", () => { drawn.fill(0); pad.again(); look(); }), button("Another digit", another))),
      el("div", {}, el("p", { class: "live-big" }, score, " of 100 digits it was not trained on are read right"), bars.canvas,
        el("div", { class: "live-row" }, train.button, button("Start again", restart)),
        el("div", { class: "live-row" }, choice("Teach it:", digits, (digit) => { target = digit; light(); }), button("One update", teach))),
      text.element),
    note);
  pad.again();
  await restart();
}

/** Let a pointer, or arrow keys and space, draw on a surface of pixels: the nearest and, more faintly, its neighbours. */
function draws(surface, pixels, done) {
  const { canvas } = surface;
  const at = [3, 3]; // the pixel of the keyboard
  const ink = (x, y) => {
    for (let i = 0; i < PIXELS; i++) {
      const distance = Math.hypot((i % SIZE) - x, Math.floor(i / SIZE) - y);
      pixels[i] = Math.max(pixels[i], Math.min(1, Math.max(0, 1.25 - distance)));
    }
    surface.again();
  };
  const place = (event) => [event.offsetX, event.offsetY].map((each) => (each * SIZE) / canvas.clientHeight - 0.5);
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (event.button === 0) ink(...place(event));
  });
  canvas.addEventListener("pointermove", (event) => event.buttons & 1 && ink(...place(event)));
  canvas.addEventListener("pointerup", done);

  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  const cursor = surface.draw;
  surface.draw = (context, width, height, colour) => {
    cursor(context, width, height, colour);
    if (!canvas.matches(":focus-visible")) return;
    const side = height / SIZE;
    context.strokeStyle = colour.two;
    context.lineWidth = 3;
    context.strokeRect(at[0] * side + 1.5, at[1] * side + 1.5, side - 3, side - 3);
  };
  for (const type of ["focus", "blur"]) canvas.addEventListener(type, () => surface.again());
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] };
  canvas.addEventListener("keydown", async (event) => {
    const [axis, by] = moves[event.key] ?? [];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    if (by) at[axis] = Math.max(0, Math.min(SIZE - 1, at[axis] + by));
    else ink(...at);
    surface.again();
    surface.describe(`${PAD}. Row ${at[1] + 1}, column ${at[0] + 1}, ${pixels[at[1] * SIZE + at[0]] > 0.5 ? "ink" : "empty"}`);
    if (!by) await done();
  });
}
