/** The layers of a network as they are shown: what is weighted, into what, by which formula. */
import type { Line, Setup } from "../host";

export type Formula = Pick<Line, "code" | "formula">;

export interface LayerView {
  name: string;
  title: string;
  weights: string;
  bias: string | null;
  inputs: number;
  outputs: number;
  /** What the outputs are called (classes); null: their numbers. */
  labels: string[] | null;
  hidden: boolean;
  /** Its inputs are features: each output has a picture (or bars) of its own. */
  first: boolean;
  /** Its lines of the forward pass. */
  lines: Formula[];
  /** The value that it makes, by its name in the anatomy. */
  value: string | null;
}

export function layersOf(setup: Setup): LayerView[] {
  const { units, parameters, data } = setup;
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const last = units.length ? units[units.length - 1]!.out : firstMatrix(setup);
  const views = units.map((unit) => ({ ...unit, hidden: true }));
  if (last) views.push({ name: "", weights: last, bias: biasOf(last, shapes), out: "", hidden: false });
  const layers = views
    .filter(({ weights }) => shapes.get(weights)?.length === 2)
    .map(({ name, weights, bias, hidden }): LayerView => {
      const [inputs, outputs] = shapes.get(weights) as [number, number];
      const first = inputs === data.features.length && weights === views[0]!.weights;
      const labels = !hidden && data.classes?.length === outputs ? data.classes : null;
      const title = hidden ? `${outputs} hidden units` : labels ? `${outputs} classes` : "output";
      return { name, title, weights, bias, inputs, outputs, labels, hidden, first, lines: [], value: null };
    });
  giveLines(layers, setup);
  return layers;
}

const firstMatrix = ({ parameters, data }: Setup): string | undefined =>
  parameters.find(({ shape }) => shape.length === 2 && shape[0] === data.features.length)?.name;

/** Next to the weights: a vector with one number an output. */
function biasOf(weights: string, shapes: Map<string, number[]>): string | null {
  const names = [...shapes.keys()];
  const next = names[names.indexOf(weights) + 1];
  const shape = next === undefined ? undefined : shapes.get(next);
  return shape?.length === 1 && shape[0] === shapes.get(weights)![1] ? next! : null;
}

/** An equation belongs to the layer whose weights were met last; a line, to that of its last equation. */
function giveLines(layers: LayerView[], { anatomy: { predict } }: Setup): void {
  if (!predict || !layers.length) return;
  const keys = new Map(predict.inputs.map(({ name, key }) => [name, key]));
  const home = new Map<number, LayerView>();
  const made = new Map<LayerView, Formula>();
  let at = 0;
  for (const equation of predict.equations) {
    const { part, name, uses, line, shape } = equation;
    if (part !== "forward") continue;
    at = Math.max(at, layers.findIndex(({ weights }) => uses.some((use) => keys.get(use) === weights)));
    const layer = layers[at]!;
    home.set(line, layer);
    // What a layer makes is the last value of its size, before the next layer's weights are met.
    if (shape.reduce((a, b) => a * b, 1) !== layer.outputs) continue;
    layer.value = name;
    made.set(layer, equation);
  }
  for (const [line, layer] of home) if (predict.lines[line]) layer.lines.push(predict.lines[line]);
  // Where a line goes on into the next layer, the equation alone stands for this one.
  for (const [layer, equation] of made) if (!layer.lines.length) layer.lines.push(equation);
  const output = layers[layers.length - 1]!;
  if (!output.hidden && predict.output) output.value = predict.output;
}

const FEW = 24; // features that have a bar each

/** Rows and columns of the picture of an input: pixels where it is one, a square of many features; null: bars. */
export function pictureOf({ data: { image, features } }: Setup): [number, number] | null {
  if (image || features.length <= FEW) return image;
  const columns = Math.ceil(Math.sqrt(features.length));
  return [Math.ceil(features.length / columns), columns];
}

/** Parameters that no layer shows (those of other kinds of models): to be shown as they are. */
export function others(setup: Setup, layers: LayerView[]): Setup["parameters"] {
  const shown = new Set(layers.flatMap(({ weights, bias }) => [weights, bias]));
  return setup.parameters.filter(({ name }) => !shown.has(name));
}
