// The training workloads as users of each library for web pages would run them at their best.
//
// Runs in Node (`node web_peers.mjs < job.json`) and in a page (`answer(job)`). A job names a
// subject, a workload, and the addresses of files. Batches of the peers are tensors before the
// clock starts, in the same order in each epoch; chainrule gathers its own in a new order each.

const inNode = typeof process !== "undefined" && Boolean(process.versions?.node);
const now = () => performance.now();
const WARM = 20; // updates before the clock starts
const LEAST = 30; // updates that are timed

const read = async (url) => {
  if (!inNode) return (await fetch(url)).text();
  return (await import("node:fs")).readFileSync(new URL(url), "utf8");
};

/** Return the updates' batches: [X, labels, rows]. */
function batches({ X, y, rows, sample }, size) {
  const width = sample.reduce((a, b) => a * b, 1);
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => {
    const n = Math.min(size, rows - i * size);
    return [Float32Array.from(X.slice(i * size * width, (i * size + n) * width)), y.slice(i * size, i * size + n), n];
  });
}

/** Return microseconds an update: at least `LEAST` of them, for some `seconds`. */
async function timed(update, count, seconds, settled = () => {}) {
  for (let i = 0; i < WARM; i++) await update(i % count);
  await settled();
  const start = now();
  let done = 0;
  while (done < LEAST || now() - start < 1e3 * seconds) await update(done++ % count);
  await settled();
  return (1e3 * (now() - start)) / done;
}

// chainrule

async function chainrule({ module, data: { X, y }, workload, epochs, seconds }) {
  const { load } = await import(module);
  const net = await load();
  const samples = Float32Array.from(X);
  const start = net.save();
  const options = { batchSize: workload.batchSize, seed: 0 };
  await net.train(samples, y, { ...options, epochs: 2 });
  const took = [];
  do {
    const begun = now();
    await net.train(samples, y, { ...options, epochs });
    took.push(now() - begun);
  } while (took.reduce((a, b) => a + b) < 1e3 * seconds);
  const updates = epochs * Math.ceil(workload.rows / workload.batchSize);
  // The weights after fifteen epochs from the start, to hold them against native ones.
  const fresh = await load();
  fresh.restore(start);
  await fresh.train(samples, y, { ...options, epochs: 15 });
  const weights = Object.fromEntries(Object.entries(fresh.weights).map(([name, w]) => [name, Array.from(w)]));
  return { us: (1e3 * took.sort((a, b) => a - b)[took.length >> 1]) / updates, weights };
}

/** From nothing: milliseconds until the module is loaded, the first prediction, and 15 epochs. */
async function cold({ module, data: { X, y, sample }, workload }) {
  const samples = Float32Array.from(X);
  const start = now();
  const { load } = await import(module);
  const net = await load();
  const loaded = now();
  await net.predict(samples.subarray(0, sample.reduce((a, b) => a * b, 1)));
  const predicted = now();
  await net.train(samples, y, { batchSize: workload.batchSize, seed: 0, epochs: 15 });
  return { load: loaded - start, prediction: predicted - start, training: now() - predicted };
}

async function predictions({ module, data: { X, sample }, seconds }) {
  const { load } = await import(module);
  const net = await load();
  const row = Float32Array.from(X.slice(0, sample.reduce((a, b) => a * b, 1)));
  return { us: await timed(() => net.predict(row), 1, seconds), output: Array.from(await net.predict(row)) };
}

// TensorFlow.js

async function tensorflow({ urls, backend }) {
  let tf;
  if (inNode) {
    const { createRequire } = await import("node:module");
    const require = createRequire(urls.root + "/");
    tf = require("@tensorflow/tfjs");
    if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm");
  } else {
    await import(`${urls.root}/node_modules/@tensorflow/tfjs/dist/tf.min.js`);
    tf = globalThis.tf;
    if (backend === "wasm") {
      await import(`${urls.root}/node_modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);
      tf.wasm.setWasmPaths(`${urls.root}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`);
    }
  }
  if (!(await tf.setBackend(backend))) throw new Error(`no backend ${backend}`);
  await tf.ready();
  return tf;
}

const TF_OPTIMIZERS = {
  sgd: (tf) => tf.train.sgd(0.1), momentum: (tf) => tf.train.momentum(0.1, 0.9), adam: (tf) => tf.train.adam(0.001),
};

async function tfjs(job) {
  const tf = await tensorflow(job);
  const { workload, data, seconds } = job;
  const params = Object.fromEntries(Object.entries(data.params).map(([name, { shape, values }]) =>
    [name, tf.variable(tf.tensor(Float32Array.from(values), shape))]));
  const optimizer = TF_OPTIMIZERS[workload.optimizer](tf);
  const all = batches(data, workload.batchSize).map(([X, y, n]) =>
    [tf.tensor(X, [n, ...data.sample]), tf.oneHot(tf.tensor1d(y, "int32"), workload.classes).toFloat()]);
  const outputs = {
    Dense(h) {
      for (let i = 0; i < workload.depth; i++) {
        h = h.matMul(params[`${i}/0`]).add(params[`${i}/1`]);
        if (i < workload.depth - 1) h = h[workload.activation]();
      }
      return h;
    },
    Convolutions(h) {
      let i = 0;
      for (; i < workload.depth - 1; i++)
        h = h.conv2d(params[`${i}/0`], 1, "same").add(params[`${i}/1`]).relu().maxPool(2, 2, "valid");
      return h.reshape([h.shape[0], -1]).matMul(params[`${i}/0`]).add(params[`${i}/1`]);
    },
    Recurrent(X) {
      let h = tf.zeros([X.shape[0], workload.hidden]);
      for (const x of tf.unstack(X, 1)) h = x.matMul(params.W).add(h.matMul(params.U)).add(params.b).tanh();
      return h.matMul(params.V).add(params.c);
    },
  }[workload.kind];
  let last;
  const update = (i) => {
    last?.dispose();
    last = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(all[i][1], outputs(all[i][0])), true);
  };
  return { us: await timed(update, all.length, seconds, () => last?.data()) };
}

// jax-js: one compiled function an update

async function jaxjs({ urls, workload, data, seconds }) {
  const jax = await import(`${urls.root}/node_modules/@jax-js/jax/dist/index.js`);
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const { numpy: np, nn, jit, valueAndGrad } = jax;
  const tensor = ({ shape, values }) => np.array(Float32Array.from(values)).reshape(shape);
  const names = Object.keys(data.params);
  const activation = { sigmoid: nn.sigmoid, relu: nn.relu }[workload.activation];
  const loss = (p, X, target) => {
    let h = X;
    for (let i = 0; i < workload.depth; i++) {
      h = np.matmul(h, p[`${i}/0`]).add(p[`${i}/1`]);
      if (i < workload.depth - 1) h = activation(h);
    }
    return nn.logSoftmax(h).mul(target).sum().neg().div(X.shape[0]);
  };
  const rules = {
    sgd: (w, g, s) => [w.sub(g.mul(0.1)), s],
    momentum: (w, g, { v }) => {
      const step = v.mul(0.9).sub(g.mul(0.1));
      return [w.add(step.ref), { v: step }];
    },
    adam: (w, g, { m, v }, rate) => {
      const mean = m.mul(0.9).add(g.ref.mul(0.1));
      const square = v.mul(0.999).add(g.ref.mul(g).mul(0.001));
      return [w.sub(rate.ref.mul(mean.ref).div(np.sqrt(square.ref).add(1e-7))), { m: mean, v: square }];
    },
  };
  const rule = rules[workload.optimizer];
  const slots = { sgd: [], momentum: ["v"], adam: ["m", "v"] }[workload.optimizer];
  const step = jit((p, state, X, target, rate) => {
    const [value, g] = valueAndGrad(loss)(Object.fromEntries(names.map((n) => [n, p[n].ref])), X, target);
    const newP = {}, newState = {};
    for (const n of names) [newP[n], newState[n]] = rule(p[n], g[n], state[n], rate);
    rate.dispose();
    return [value, newP, newState];
  });
  let params = Object.fromEntries(names.map((n) => [n, tensor(data.params[n])]));
  let state = Object.fromEntries(names.map((n) =>
    [n, Object.fromEntries(slots.map((slot) => [slot, np.zeros(data.params[n].shape)]))]));
  const all = batches(data, workload.batchSize).map(([X, y, n]) => {
    const hot = new Float32Array(n * workload.classes);
    y.forEach((label, i) => (hot[i * workload.classes + label] = 1));
    return [tensor({ shape: [n, ...data.sample], values: X }), tensor({ shape: [n, workload.classes], values: hot })];
  });
  let value, t = 0;
  const update = (i) => {
    value?.dispose();
    t++;
    const rate = np.array((0.001 * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t));
    [value, params, state] = step(params, state, all[i][0].ref, all[i][1].ref, rate);
  };
  const us = await timed(update, all.length, seconds, async () => { await value.ref.data(); });
  return { us, loss: (await value.data())[0] };
}

// brain.js: sigmoids, the mean square of the error, one sample an update

async function brainjs({ urls, workload, data, seconds }) {
  let brain;
  if (inNode) {
    const { createRequire } = await import("node:module");
    const { default: Network } = createRequire(urls.root + "/")("brain.js/dist/neural-network");
    brain = { NeuralNetwork: Network };
  } else {
    await import(`${urls.root}/node_modules/brain.js/browser.min.js`);
    brain = globalThis.brain;
  }
  const net = new brain.NeuralNetwork({ hiddenLayers: [10], learningRate: 0.1 });
  const samples = batches(data, 1).map(([X, [label]]) =>
    ({ input: X, output: Float32Array.from({ length: 10 }, (_, i) => +(i === label)) }));
  net.train(samples, { iterations: 1 });
  const took = [];
  do {
    const start = now();
    net.train(samples, { iterations: 3, errorThresh: 1e-9 });
    took.push((now() - start) / (3 * workload.rows));
  } while (took.reduce((a, b) => a + b) * 3 * workload.rows < 1e3 * seconds);
  return { us: 1e3 * took.sort((a, b) => a - b)[took.length >> 1] };
}

// ONNX Runtime

async function onnxruntime({ urls, data: { X, sample }, seconds }) {
  const dist = `${urls.root}/node_modules/onnxruntime-web/dist/`;
  const ort = await import(`${dist}ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = dist;
  let bytes;
  if (inNode) bytes = (await import("node:fs")).readFileSync(new URL(urls.onnx));
  else bytes = new Uint8Array(await (await fetch(urls.onnx)).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const row = Float32Array.from(X.slice(0, sample.reduce((a, b) => a * b, 1)));
  const run = () => session.run({ [session.inputNames[0]]: new ort.Tensor("float32", row, [1, ...sample]) });
  const us = await timed(run, 1, seconds);
  return { us, output: Array.from((await run())[session.outputNames[0]].data) };
}

const SUBJECTS = { chainrule, cold, predictions, tfjs, jaxjs, brainjs, onnxruntime };

export async function answer(job) {
  try {
    const data = JSON.parse(await read(job.urls.data));
    return await SUBJECTS[job.subject]({ ...job, data });
  } catch (error) {
    return { error: String(error?.stack ?? error).slice(0, 600) };
  }
}

if (inNode) {
  const { readFileSync } = await import("node:fs");
  const text = JSON.stringify(await answer(JSON.parse(readFileSync(0, "utf8"))));
  process.stdout.write(`${text}\n`, () => process.exit(0));
}
