// Training in the page: on the samples inside it, or on those of a CSV file.
import { button, byId, complain, element, filePicker, freeId, numberText } from "./elements.js";
import { Chart } from "./chart.js";
import { samplesOfCsv } from "./csv.js";

const EPOCHS = 20;

export class Lessons {
  /** `changed()` is called when the network has other weights. */
  constructor(net, inputs, changed) {
    this.net = net;
    this.inputs = inputs;
    this.changed = changed;
    /** @type {Record<string, number[]>} */
    this.history = {};
    /** @type {AbortController|null} */
    this.abort = null;
    this.exported = new Map(net.values);
    this.data = inputs.count && inputs.data.y ? { x: inputs.everything(), y: inputs.data.y, rows: inputs.count } : null;
    this.source = element("p", {});
    this.status = element("p", { class: "status", role: "status" });
    this.problem = element("p", { class: "problem", role: "alert", hidden: true });
    this.loss = new Chart("Loss", true);
    this.metrics = new Chart("Metrics", false);
    this.charts = element("div", { class: "charts", hidden: true }, this.loss.element, this.metrics.element);
    byId("lessons").append(this.source, this.controls(), this.status, this.problem, this.charts);
    byId("training").hidden = false;
    this.tellSource("inside this page");
    this.enable();
  }

  controls() {
    const rate = this.net.values.get("optimizer/learning_rate")?.data[0];
    const field = (name, value) => {
      const input = element("input", { type: "text", inputmode: "decimal", id: freeId(), value: String(value), autocomplete: "off" });
      return [input, element("div", { class: "field" }, element("label", { for: input.id }, name), input)];
    };
    const [epochs, epochsField] = field("Epochs", EPOCHS);
    const [batch, batchField] = field("Batch size", this.net.about.batchSize);
    const [speed, speedField] = rate === undefined ? [null, null] : field("Learning rate", Number(rate.toPrecision(6)));
    this.epochs = epochs;
    this.batch = batch;
    this.speed = speed;
    this.start = button("Train", () => this.train(), { class: "main" });
    this.stop = button("Stop", () => this.abort?.abort());
    this.anew = button("Start untrained", () => this.restart(true));
    this.back = button("As exported", () => this.restart(false));
    this.anew.hidden = !Object.keys(this.inputs.data).some((name) => name.startsWith("initial/"));
    this.takesCsv = !this.net.about.columns?.some(({ kind }) => kind === "picture");
    const data = this.takesCsv ? filePicker("Data (CSV)…", ".csv,.tsv,.txt,text/csv", (file) => this.take(file), byId("training")) : [];
    const weights = filePicker("Load weights…", ".safetensors", (file) => this.load(file), element("div"));
    this.loader = weights[1];
    return element("div", {},
      element("div", { class: "settings" }, epochsField, speedField, batchField),
      element("div", { class: "buttons" }, this.start, this.stop, this.anew, this.back),
      element("div", { class: "buttons" }, ...data, button("Save weights", () => this.save()), ...weights));
  }

  tellSource(where) {
    const { columns, page } = this.net.about;
    const wanted = columns ? `the columns ${columns.slice(0, 4).map(({ name }) => name).join(", ")}${columns.length > 4 ? " …" : ""} and ${page.output.name}` : `${this.inputs.size} numbers in each row, and the target last`;
    const held = this.data ? `${this.data.rows.toLocaleString("en")} samples are ${where}.` : "No data are inside this page.";
    const drop = this.data ? "Other data: drop a CSV file" : "Drop a CSV file here,";
    this.source.textContent = this.takesCsv ? `${held} ${drop} with ${wanted}.` : held;
  }

  enable() {
    const busy = Boolean(this.abort);
    this.start.disabled = busy || !this.data;
    this.stop.disabled = !busy;
    for (const each of [this.anew, this.back, this.loader]) each.disabled = busy;
  }

  /** Do something; an error becomes a sentence, and nothing else changes. */
  async attempt(act) {
    complain(this.problem, "");
    try {
      await act();
    } catch (error) {
      complain(this.problem, error);
    }
  }

  take(file) {
    return this.attempt(async () => {
      try {
        this.data = samplesOfCsv(await file.text(), this.net.about);
      } catch (error) {
        throw new Error(`${file.name}: ${/** @type {Error} */ (error).message}`);
      }
      this.tellSource(`read from ${file.name}`);
      this.enable();
    });
  }

  load(file) {
    return this.attempt(async () => {
      try {
        this.net.restore(await file.arrayBuffer());
      } catch (error) {
        throw new Error(`${file.name}: ${/** @type {Error} */ (error).message.replace(/^restore: /, "")}. The network is unchanged`);
      }
      this.forget(`Weights of ${file.name}.`);
    });
  }

  save() {
    const url = URL.createObjectURL(new Blob([this.net.save()], { type: "application/octet-stream" }));
    element("a", { href: url, download: `${document.title}.safetensors` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  restart(untrained) {
    const values = new Map(this.exported);
    for (const [name, data] of Object.entries(this.inputs.data)) {
      const key = name.replace("initial/", "weights/");
      if (untrained && key !== name) values.set(key, { ...values.get(key), data: data.slice() });
    }
    this.net.values = values;
    complain(this.problem, "");
    this.forget(untrained ? "New weights: the network knows nothing." : "The weights of the export.");
  }

  forget(status) {
    this.history = {};
    this.charts.hidden = true;
    this.status.textContent = status;
    this.changed();
  }

  number(input, name, whole) {
    const value = Number(input.value.replace(",", "."));
    if (!(value > 0) || !Number.isFinite(value) || (whole && !Number.isInteger(value))) throw new Error(`${name} must be a positive ${whole ? "whole " : ""}number, received “${input.value}”`);
    return value;
  }

  train() {
    return this.attempt(async () => {
      const epochs = this.number(this.epochs, "the number of epochs", true);
      const options = { epochs, batchSize: this.number(this.batch, "the batch size", true), signal: (this.abort = new AbortController()).signal };
      if (this.speed) options.learningRate = this.number(this.speed, "the learning rate");
      const before = this.history.loss?.length ?? 0;
      const began = performance.now();
      this.charts.hidden = false;
      this.enable();
      const onEpoch = (epoch, logs) => {
        for (const [name, value] of Object.entries(logs)) if (typeof value === "number") (this.history[name] ??= []).push(value);
        this.draw(`Epoch ${epoch + 1} of ${epochs}`);
      };
      await this.net.train(this.data?.x, this.data?.y, { ...options, onEpoch });
      const done = (this.history.loss?.length ?? 0) - before;
      const seconds = (performance.now() - began) / 1000;
      this.draw(`${done < epochs ? "Stopped after" : "Trained for"} ${done} epochs in ${numberText(seconds)} s`);
    }).finally(() => {
      this.abort = null;
      this.enable();
      this.changed();
    });
  }

  /** Draw the history, at most once a frame. */
  draw(status) {
    this.word = status;
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      const { loss, ...metrics } = this.history;
      if (!loss) return;
      const scores = Object.entries(metrics).map(([name, values]) => `, ${name.replaceAll("_", " ")} ${numberText(values.at(-1))}`);
      this.status.textContent = `${this.word}: loss ${numberText(loss.at(-1))}${scores.join("")}.`;
      this.loss.show({ loss });
      this.metrics.element.hidden = !scores.length;
      if (scores.length) this.metrics.show(metrics);
      this.changed();
    });
  }
}
