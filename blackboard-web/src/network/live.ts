/** What flows for the sample shown, and what pictures of weights show. */
import { computed, type ReadonlySignal } from "@preact/signals";
import type { Data, Setup } from "../host";
import { body, parameters } from "../panels/scope";
import type { Store, View } from "../store";
import { layersOf, type LayerView } from "./layers";

export interface Live {
  layers: ReadonlySignal<LayerView[]>;
  /** The pass of the sample shown with the weights shown, by name; null: cannot be computed here. */
  values: ReadonlySignal<Record<string, Float64Array> | null>;
}

const lives = new WeakMap<Store, Live>();
export function liveOf(store: Store): Live {
  let live = lives.get(store);
  if (!live) lives.set(store, (live = make(store)));
  return live;
}

function make(store: Store): Live {
  const layers = computed(() => (store.setup.value ? layersOf(store.setup.value) : []));
  const values = computed(() => {
    const [{ value: frame }, { value: sample }] = [store.frame, store.sample];
    const predict = body(store.setup.value, "predict");
    if (!predict || !frame || !sample) return null;
    return predict.pass(parameters(frame), sample.x).values;
  });
  return { layers, values };
}

export const valueOf = (live: Live, layer: LayerView | undefined): Float64Array | null =>
  (layer?.value && live.values.value?.[layer.value]) || null;

/** What the weights of a layer are multiplied with. */
export function incomingOf(store: Store, live: Live, layer: LayerView): Float64Array | null {
  if (layer.first) return store.sample.value?.x ?? null;
  return (layer.incoming && live.values.value?.[layer.incoming]) || null;
}

const PREFIX: Record<View, string> = { weights: "p:", evidence: "p:", gradient: "g:", change: "d:" };
const scratch = new Map<number, Float64Array>();

/** The numbers of a layer's picture; null where there are none yet (no update was made). */
export function shown(store: Store, live: Live, layer: LayerView): ArrayLike<number> | null {
  const { value: view } = store.view;
  const data = store.frame.value?.arrays[PREFIX[view] + layer.weights]?.data ?? null;
  if (view !== "evidence" || !data) return data;
  const incoming = incomingOf(store, live, layer);
  return incoming?.length === layer.inputs ? evidence(data, incoming, layer) : null;
}

/** weights × what comes in, of each entry; into memory that is used again. */
function evidence(weights: Data, incoming: ArrayLike<number>, { inputs, outputs }: LayerView): Float64Array {
  let out = scratch.get(weights.length);
  if (!out) scratch.set(weights.length, (out = new Float64Array(weights.length)));
  for (let i = 0, at = 0; i < inputs; i++)
    for (let j = 0; j < outputs; j++, at++) out[at] = incoming[i]! * weights[at]!;
  return out;
}

/** The name of what a picture shows, for one entry. */
export const WORD: Record<View, string> = {
  weights: "weight",
  gradient: "gradient",
  change: "last change",
  evidence: "weight × input",
};

export function featureName({ data }: Setup, index: number): string {
  if (!data.image) return data.features[index] ?? String(index);
  return `pixel (${Math.floor(index / data.image[1])}, ${index % data.image[1]})`;
}
