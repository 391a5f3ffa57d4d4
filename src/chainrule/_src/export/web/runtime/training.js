// Training: epochs of updates, in a worker or, where there is none, in turns on the page's thread.
import { Kernel } from "./kernel.js";
import { Random } from "./random.js";

const SLICE = 15; // milliseconds of a call of the kernel
const REPORTS = 30; // milliseconds between two reports
const PAUSE = 60; // milliseconds between two moments at which others may run
const EARLY = 100; // milliseconds after which the worker starts: first predictions have the processor alone
const IDLE = 10_000; // milliseconds after which a worker without work ends

const now = () => performance.now();
const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * @typedef {import("./kernel.js").Part} Part
 * @typedef {{carry: [string, any][], data: [string, any][], rows: number, epochs: number,
 *   batchSize: number, shuffle: boolean, seed: number}} Job
 */

/** Trains a network; its code is compiled once. */
class Trainer {
  /** @param {{train: Part, scores: Part|null}} parts */
  constructor({ train, scores }) {
    this.kernel = Kernel.of(train);
    this.score = scorer(scores);
    for (const each of [this.kernel, this.score]) each.catch(() => {}); // `run` throws it
  }

  /**
   * Train; return the history, the carry, and the reason if the loss is no longer finite.
   * @param {Job} job
   * @param {(message: object) => void} report
   * @param {() => boolean} isStopped
   */
  async run(job, report, isStopped) {
    const { rows, epochs, batchSize } = job;
    const [kernel, score] = [await this.kernel, await this.score];
    kernel.reserve(batchSize, rows, 1, rows);
    for (const [key, values] of [...job.carry, ...job.data]) kernel.write(key, values);
    const random = job.shuffle ? new Random(job.seed) : null;
    const sums = job.carry.filter(([key]) => key.startsWith("carry/metrics/"));
    const history = [];
    // The first calls are short: a browser replaces its first code of a function between two calls.
    let reported = now(), paused = now(), sent = 0, count = 4;
    let last = null, spare; // the last call of the kernel, and the memory of the copy before
    for (let epoch = 0; epoch < epochs && !isStopped(); epoch++) {
      const order = Int32Array.from({ length: rows }, (_, i) => i);
      random?.shuffle(order);
      for (const [key, values] of sums) kernel.write(key, values);
      const updates = Math.ceil(rows / batchSize);
      kernel.begin(order);
      let done = 0;
      while (done < updates && !isStopped()) {
        const turn = { order, done, count: Math.min(count, updates - done), state: kernel.copyState(spare) };
        const start = now();
        const finite = kernel.update(done, turn.count, batchSize);
        if (finite < turn.count) {
          goBack(kernel, finite ? { ...turn, count: finite } : last ?? turn, batchSize);
          return { history, carry: kernel.state(), diverged: { epoch, batch: done + finite } };
        }
        done += turn.count;
        spare = last?.state;
        last = turn;
        const took = now() - start;
        if (took < SLICE / 2) count = Math.min(2 * count, updates);
        else if (took > 2 * SLICE) count = Math.max(1, count >> 1);
        if (now() - paused > PAUSE) {
          await pause();
          paused = now();
        }
      }
      if (done < updates) break;
      history.push({ loss: kernel.total() / rows, ...score(kernel) });
      if (now() - reported > REPORTS || epoch === epochs - 1) {
        report({ logs: history.slice(sent), carry: kernel.state() });
        sent = history.length;
        reported = now();
      }
    }
    return { history, carry: kernel.state(), diverged: null };
  }
}

/** Restore the carry before the last update of a call: it is the last one with a finite loss. */
function goBack(kernel, { order, done, count, state }, batchSize) {
  kernel.restoreState(state);
  kernel.begin(order);
  if (count > 1) kernel.update(done, count - 1, batchSize);
}

/**
 * Return a function of the training kernel that computes the metrics from their sums.
 * @param {Part|null} part
 * @returns {Promise<(training: Kernel) => Record<string, number|number[]>>}
 */
async function scorer(part) {
  if (!part) return () => ({});
  const kernel = await Kernel.of(part);
  kernel.reserve(1);
  return (training) => {
    /** @type {Record<string, number|number[]>} */
    const logs = {};
    for (const { role, key } of kernel.form.arrays)
      if (role === "argument") kernel.write(key, training.read(key.replace(/^sums/, "carry/metrics")));
    kernel.compute(1);
    for (const { role, key } of kernel.form.arrays)
      if (role === "result") logs[key.replace(/^result\//, "")] = several(kernel.read(key));
    return logs;
  };
}

/** Return a single number as a number, several as an array. */
const several = (values) => (values.length === 1 ? Number(values[0]) : Array.from(values, Number));

/** Answer a page's messages, in a worker: what is trained comes first, then the jobs. */
export function serve(port) {
  let trainer, isStopped = false;
  const post = (message) => port.postMessage(message);
  port.onmessage = async ({ data }) => {
    if (data.parts) {
      trainer = new Trainer(data.parts);
      post({ ready: true });
    } else if (data.stop) isStopped = true;
    else
      try {
        isStopped = data.isStopped;
        post({ result: await trainer.run(data.job, post, () => isStopped) });
      } catch (error) {
        const { name, message } = /** @type {Error} */ (error);
        post({ error: { name, message } });
      }
  };
}

/** Trains in a worker that runs this text, or without one where none is allowed. */
export class Apart {
  /**
   * @param {string} text
   * @param {{train: Part, scores: Part|null}} parts
   */
  constructor(text, parts) {
    this.text = text;
    this.parts = parts;
    /** @type {ReturnType<typeof startedWorker>|null} */
    this.worker = null;
    /** @type {any} */
    this.idle = null;
    this.later(() => this.start(), EARLY);
    /** @type {Trainer|null} the one that trains where there is no worker */
    this.here = null;
  }

  /** Start the worker, which compiles the code, unless it runs. It ends when it has been idle for long. */
  start() {
    this.later(() => this.end(), IDLE);
    return (this.worker ??= startedWorker(this.text, this.parts));
  }

  /** Do something after a while, instead of what was to come. */
  later(act, milliseconds) {
    clearTimeout(this.idle);
    this.idle = setTimeout(act, milliseconds);
    this.idle.unref?.(); // in Node
  }

  async end() {
    clearTimeout(this.idle);
    const worker = this.worker;
    this.worker = null;
    (await worker)?.terminate();
  }

  /** Train; return what `Trainer.run` returns. */
  async train(job, report, signal) {
    const worker = await this.start();
    clearTimeout(this.idle);
    if (!worker) {
      this.here ??= new Trainer(this.parts);
      return this.here.run(job, report, () => Boolean(signal?.aborted));
    }
    const stop = () => worker.postMessage({ stop: true });
    try {
      return await new Promise((resolve, reject) => {
        const fail = (error) => {
          worker.listen(() => {}, reject); // a message may be on its way
          this.end();
          reject(error);
        };
        worker.listen((message) => {
          if (message.result) resolve(message.result);
          else if (message.error) reject(Object.assign(new Error(message.error.message), { name: message.error.name }));
          else
            try {
              report(message);
            } catch (error) {
              fail(error);
            }
        }, fail);
        signal?.addEventListener("abort", stop);
        worker.postMessage({ job, isStopped: Boolean(signal?.aborted) });
      });
    } finally {
      signal?.removeEventListener("abort", stop);
      worker.unref?.();
      if (this.worker) this.start();
    }
  }
}

/** Start a worker of the browser or of Node; return null where none is allowed, or none starts. */
async function startedWorker(text, parts) {
  let take, fail, failure; // it may fail before anybody listens
  const told = (message) => take?.(message);
  const failed = (error) => {
    failure = error;
    fail?.(error);
  };
  try {
    /** @type {any} */
    const worker = await (typeof Worker === "undefined" ? nodeWorker : browserWorker)(text, told, failed);
    worker.listen = (...both) => {
      [take, fail] = both;
      worker.ref?.(); // Node's process may end while the worker rests
      if (failure) fail(failure);
    };
    await new Promise((resolve, reject) => {
      worker.listen(resolve, reject); // a page's policy may forbid it, which comes as an error of the worker
      worker.postMessage({ parts });
    });
    worker.unref?.();
    return worker;
  } catch {
    return null;
  }
}

function browserWorker(text, told, failed) {
  const url = URL.createObjectURL(new Blob([`${text}.serve(self)`], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  worker.onmessage = ({ data }) => told(data);
  worker.onerror = ({ message }) => failed(new Error(message || "the worker cannot start"));
  return worker;
}

async function nodeWorker(text, told, failed) {
  const threads = "node:worker_threads"; // a name, so that bundlers do not look for it
  const { Worker: Thread } = await import(/* @vite-ignore */ threads);
  const start = `import("${threads}").then(({ parentPort }) => ${text}.serve(parentPort))`;
  return new Thread(start, { eval: true }).on("message", told).on("error", failed);
}
