/** The layers of a network as they are shown: what is weighted, into what, by which formula. */
import type { Line, Setup } from "../host";

export type Formula = Pick<Line, "code" | "formula">;

/** How a layer is shown: a picture or bars for each unit; a matrix; filters over their feature maps; states over time. */
export type LayerKind = "tiles" | "matrix" | "filters" | "states";

export interface LayerView {
  name: string;
  title: string;
  kind: LayerKind;
  weights: string;
  /** Of the weights. */
  shape: number[];
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
  /** The value that its weights are multiplied with. */
  incoming: string | null;
  /** The states of a recurrent layer, one a step. */
  states: string[];
}

const RECURRENT = "_recurrent_kernel";

export function layersOf(setup: Setup): LayerView[] {
  const { parameters, data } = setup;
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const names = weightsOf(setup);
  const layers = names.map((weights, at): LayerView => {
    const shape = shapes.get(weights)!;
    const outputs = shape[shape.length - 1]!;
    const inputs = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const name = setup.units[at]?.name ?? weights.replace(/_kernel$/, "");
    const hidden = at < names.length - 1 || recurs(weights, shapes);
    const first = at === 0 && shape.length === 2 && inputs === data.features.length;
    const kind = recurs(weights, shapes) ? "states" : shape.length > 2 ? "filters" : first ? "tiles" : "matrix";
    const labels = !hidden && data.classes?.length === outputs ? data.classes : null;
    return {
      name, title: "", kind, weights, shape, bias: biasOf(weights, shapes), inputs, outputs, labels, hidden, first,
      lines: [], value: null, incoming: null, states: [],
    };
  });
  giveLines(layers, setup);
  for (const layer of layers) layer.title = titleOf(layer);
  return layers;
}

const recurs = (weights: string, shapes: Map<string, number[]>): boolean =>
  weights.endsWith("_kernel") && shapes.has(weights.replace(/_kernel$/, RECURRENT));

function titleOf({ kind, outputs, shape, hidden, labels }: LayerView): string {
  if (kind === "filters") return `${outputs} filters of ${shape.slice(0, -2).join(" × ")}, and what each finds`;
  if (kind === "states") return "hidden state, step by step";
  return hidden ? `${outputs} hidden units` : labels ? `${outputs} classes` : "output";
}

/** The weights of the layers in order: of those that the host tells, else of those that the forward pass meets. */
function weightsOf(setup: Setup): string[] {
  const { units, parameters, anatomy: { predict } } = setup;
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const isLayer = (name: string) => (shapes.get(name)?.length ?? 0) >= 2 && !name.endsWith(RECURRENT);
  if (units.length) return [...units.map(({ weights }) => weights), units[units.length - 1]!.out].filter(isLayer);
  const keys = new Map(predict?.inputs.map(({ name, key }) => [name, key]));
  const met = (predict?.equations ?? []).flatMap(({ uses }) => uses.map((use) => keys.get(use) ?? "")).filter(isLayer);
  const first = firstMatrix(setup);
  return met.length ? [...new Set(met)] : first ? [first] : [];
}

const firstMatrix = ({ parameters, data }: Setup): string | undefined =>
  parameters.find(({ shape }) => shape.length === 2 && shape[0] === data.features.length)?.name;

/** Next to the weights: a vector with one number an output. */
function biasOf(weights: string, shapes: Map<string, number[]>): string | null {
  const names = [...shapes.keys()];
  const own = weights.replace(/_kernel$/, "_bias");
  const next = own !== weights && shapes.has(own) ? own : names[names.indexOf(weights) + 1];
  const shape = next === undefined ? undefined : shapes.get(next);
  return shape?.length === 1 && shape[0] === shapes.get(weights)!.slice(-1)[0] ? next! : null;
}

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

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
    const met = uses.find((use) => keys.get(use) === layer.weights);
    if (met) layer.incoming ??= uses.find((use) => use !== met) ?? null;
    if (uses.some((use) => keys.get(use)?.endsWith(RECURRENT))) layer.states.push(uses.find((use) => !keys.get(use))!);
    home.set(line, layer);
    // What a layer makes has its name; else it is the last value of its size, before the next layer's weights are met.
    const own = name === layer.name || (layer.value !== layer.name && size(shape) === layer.outputs);
    const map = layer.kind === "filters" && layer.value !== layer.name && shape[shape.length - 1] === layer.outputs && shape.length === layer.shape.length;
    if (!own && !map) continue;
    layer.value = name;
    made.set(layer, equation);
  }
  for (const [line, layer] of home) if (predict.lines[line]) layer.lines.push(predict.lines[line]);
  // Where a line goes on into the next layer, the equation alone stands for this one.
  for (const [layer, equation] of made) if (!layer.lines.length) layer.lines.push(equation);
  for (const layer of layers) {
    const [own] = [layer.lines.findIndex(({ code }) => code.startsWith(`${layer.value} = `))];
    if (own >= 0 && layer.kind !== "tiles" && layer.kind !== "matrix") layer.lines.splice(own + 1);
    if (layer.kind === "states") layer.lines = [];
    if (layer.kind === "states" && layer.value) layer.states = [...new Set(layer.states.slice(1)), layer.value];
  }
  const output = layers[layers.length - 1]!;
  if (!output.hidden && predict.output) output.value = predict.output;
}

const FEW = 24; // features that have a bar each

/** Rows and columns of the picture of an input: pixels where it is one, a square of many features; null: bars. */
export function pictureOf({ data: { image, features, sequence } }: Setup): [number, number] | null {
  if (image || features.length <= FEW || sequence) return image;
  const columns = Math.ceil(Math.sqrt(features.length));
  return [Math.ceil(features.length / columns), columns];
}

/** Parameters that no layer shows (those of other kinds of models): to be shown as they are. */
export function others(setup: Setup, layers: LayerView[]): Setup["parameters"] {
  const shown = new Set(layers.flatMap(({ weights, bias }) => [weights, bias]));
  return setup.parameters.filter(({ name }) => !shown.has(name));
}
