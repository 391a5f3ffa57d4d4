// Training: epochs of updates, in a worker or, where there is none, in turns on the page's thread.
import { Kernel } from "./kernel.js";
import { Random } from "./random.js";

const SLICE = 15; // milliseconds of a call of the kernel
const REPORTS = 30; // milliseconds between two reports
const PAUSE = 60; // milliseconds between two moments at which others may run

const now = () => performance.now();
const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * @typedef {import("./kernel.js").Part} Part
 * @typedef {{train: Part, scores: Part|null, carry: [string, any][], data: [string, any][], rows: number,
 *   epochs: number, batchSize: number, shuffle: boolean, seed: number}} Job
 */

/**
 * Train; return the history, the carry, and the reason if the loss is no longer finite.
 * @param {Job} job
 * @param {(message: object) => void} report
 * @param {() => boolean} isStopped
 */
export async function trained(job, report, isStopped) {
  const { rows, epochs, batchSize } = job;
  const kernel = await Kernel.of(job.train);
  kernel.reserve(batchSize, rows, 1, rows);
  const states = kernel.form.arrays.filter((each) => each.role === "state").map((each) => each.key);
  for (const [key, values] of [...job.carry, ...job.data]) kernel.write(key, values);
  const random = job.shuffle ? new Random(job.seed) : null;
  const score = await scorer(job.scores);
  const sums = new Map(job.carry.filter(([key]) => key.startsWith("carry/metrics/")));
  const carry = () => states.map((key) => [key, kernel.read(key)]);
  const history = [];
  let reported = now(), paused = now(), sent = 0, count = 4;
  let last = null; // the last call of the kernel
  for (let epoch = 0; epoch < epochs && !isStopped(); epoch++) {
    const order = Int32Array.from({ length: rows }, (_, i) => i);
    random?.shuffle(order);
    for (const [key, values] of sums) kernel.write(key, values);
    const updates = Math.ceil(rows / batchSize);
    kernel.begin(order);
    let done = 0;
    while (done < updates && !isStopped()) {
      const turn = { order, done, count: Math.min(count, updates - done), carry: carry() };
      const start = now();
      const finite = kernel.update(done, turn.count, batchSize);
      if (finite < turn.count) {
        goBack(kernel, finite ? { ...turn, count: finite } : last ?? turn, batchSize);
        return { history, carry: carry(), diverged: { epoch, batch: done + finite } };
      }
      done += turn.count;
      last = turn;
      const took = now() - start;
      if (took < SLICE / 2) count = Math.min(2 * count, 2 ** 30);
      else if (took > 2 * SLICE) count = Math.max(1, count >> 1);
      if (now() - paused > PAUSE) {
        await pause();
        paused = now();
      }
    }
    if (done < updates) break;
    history.push({ loss: kernel.total() / rows, ...score(kernel) });
    if (now() - reported > REPORTS || epoch === epochs - 1) {
      report({ from: sent, logs: history.slice(sent), carry: carry() });
      sent = history.length;
      reported = now();
    }
  }
  return { history, carry: carry(), diverged: null };
}

/** Restore the carry before the last update of a call: it is the last one with a finite loss. */
function goBack(kernel, { order, done, count, carry }, batchSize) {
  for (const [key, values] of carry) kernel.write(key, values);
  kernel.begin(order);
  if (count > 1) kernel.update(done, count - 1, batchSize);
}

/** Return a function of the training kernel that computes the metrics from their sums. */
async function scorer(part) {
  if (!part) return () => ({});
  const kernel = await Kernel.of(part);
  kernel.reserve(1);
  return (training) => {
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

/** Answer a page's messages, in a worker. */
export function serve(listen, post) {
  let isStopped = false;
  listen(async (message) => {
    if (message.stop) isStopped = true;
    else
      try {
        post({ result: await trained(message, post, () => isStopped) });
      } catch (error) {
        post({ error: { name: error.name, message: error.message } });
      }
  });
}

/** Train in a worker that runs this text; return what `trained` returns. */
export async function trainedApart(text, job, report, signal) {
  const worker = await startedWorker(text);
  const here = { stopped: false };
  if (!worker) {
    signal?.addEventListener("abort", () => (here.stopped = true));
    return trained(job, report, () => here.stopped || Boolean(signal?.aborted));
  }
  const stop = () => worker.post({ stop: true });
  try {
    return await new Promise((resolve, reject) => {
      worker.listen((message) => {
        if (message.result) resolve(message.result);
        else if (message.error) reject(Object.assign(new Error(message.error.message), { name: message.error.name }));
        else report(message);
      }, reject);
      signal?.addEventListener("abort", stop);
      worker.post(job);
      if (signal?.aborted) stop();
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    worker.end();
  }
}

/** Start a worker of the browser or of Node; return null where neither is allowed. */
async function startedWorker(text) {
  try {
    if (typeof Worker !== "undefined") {
      const url = URL.createObjectURL(new Blob([`${text}.serveBrowser()`], { type: "text/javascript" }));
      const worker = new Worker(url);
      URL.revokeObjectURL(url);
      const listen = (take, fail) => {
        worker.onmessage = (event) => take(event.data);
        worker.onerror = (event) => fail(new Error(event.message || "the worker cannot start"));
      };
      return { listen, post: (message) => worker.postMessage(message), end: () => worker.terminate() };
    }
    const threads = "node:worker_threads"; // a name, so that bundlers do not look for it
    const { Worker: Thread } = await import(/* @vite-ignore */ threads);
    const start = `import("${threads}").then(({ parentPort }) => ${text}.serveNode(parentPort))`;
    const worker = new Thread(start, { eval: true });
    const listen = (take, fail) => worker.on("message", take).on("error", fail);
    return { listen, post: (message) => worker.postMessage(message), end: () => worker.terminate() };
  } catch {
    return null;
  }
}

export const serveBrowser = () =>
  serve((take) => (onmessage = (event) => take(event.data)), (message) => postMessage(message));
export const serveNode = (port) => serve((take) => port.on("message", take), (message) => port.postMessage(message));
