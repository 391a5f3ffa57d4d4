/** A network trained in the page by SGD with momentum: enough to have something to look at. */
import { Random } from "./random";

export interface Layer {
  name: string;
  W: Float64Array;
  b: Float64Array;
  inputs: number;
  outputs: number;
}
type Curve = [f: (z: number) => number, slope: (h: number) => number];
export const ACTIVATIONS: Record<string, Curve> = {
  identity: [(z) => z, () => 1],
  sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (h) => h * (1 - h)],
  tanh: [Math.tanh, (h) => 1 - h * h],
  relu: [(z) => Math.max(0, z), (h) => (h > 0 ? 1 : 0)],
};
export const INITS: Record<string, (inputs: number, outputs: number, random: Random) => number> = {
  uniform: (_i, _o, random) => random.uniform(-0.01, 0.01),
  zeros: () => 0,
  glorot_uniform: (i, o, random) => random.uniform(-1, 1) * Math.sqrt(6 / (i + o)),
  he_normal: (i, _o, random) => random.normal() * Math.sqrt(2 / i),
};

export function layers(sizes: number[], init: string, seed: number): Layer[] {
  const random = new Random(seed);
  const hidden = sizes.length - 2;
  return sizes.slice(1).map((outputs, l) => {
    const inputs = sizes[l]!;
    const name = l === hidden ? "o" : hidden === 1 ? "h" : `h${l + 1}`;
    const W = Float64Array.from({ length: inputs * outputs }, () => INITS[init]!(inputs, outputs, random));
    return { name, W, b: new Float64Array(outputs), inputs, outputs };
  });
}

/** Activations of every layer for one sample; the last are class probabilities. */
export function forward(net: Layer[], x: Float64Array, activation: string): Float64Array[] {
  const all = [x];
  net.forEach(({ W, b, inputs, outputs }, l) => {
    const z = Float64Array.from(b);
    const h = all[l]!;
    for (let i = 0; i < inputs; i++) {
      const value = h[i]!;
      if (value !== 0) for (let j = 0, at = i * outputs; j < outputs; j++) z[j]! += value * W[at + j]!;
    }
    if (l < net.length - 1) all.push(z.map(ACTIVATIONS[activation]![0]));
    else {
      const most = Math.max(...z);
      const e = z.map((value) => Math.exp(value - most));
      const sum = e.reduce((a, b) => a + b);
      all.push(e.map((value) => value / sum));
    }
  });
  return all;
}

/** Adds the gradient of one sample to `into` (shaped as the layers), returns its loss. */
export function backward(net: Layer[], all: Float64Array[], y: number, activation: string, into: Layer[]): number {
  const probabilities = all[all.length - 1]!;
  let delta = Float64Array.from(probabilities, (p, k) => p - (k === y ? 1 : 0));
  for (let l = net.length - 1; l >= 0; l--) {
    const { W, inputs, outputs } = net[l]!;
    const [h, gradient] = [all[l]!, into[l]!];
    const down = new Float64Array(inputs);
    for (let j = 0; j < outputs; j++) gradient.b[j]! += delta[j]!;
    for (let i = 0, at = 0; i < inputs; i++)
      for (let j = 0; j < outputs; j++, at++) {
        gradient.W[at]! += h[i]! * delta[j]!;
        down[i]! += W[at]! * delta[j]!;
      }
    if (l > 0) delta = down.map((value, i) => value * ACTIVATIONS[activation]![1](h[i]!));
  }
  return -Math.log(Math.max(probabilities[y]!, 1e-300));
}

export const zeros = (net: Layer[]): Layer[] =>
  net.map((layer) => ({ ...layer, W: new Float64Array(layer.W.length), b: new Float64Array(layer.b.length) }));

export const copy = (net: Layer[]): Layer[] =>
  net.map((layer) => ({ ...layer, W: layer.W.slice(), b: layer.b.slice() }));
