/** The network: the sample, each layer as pictures under its formula, and what comes out. */
import type { ComponentType } from "preact";
import { short } from "../format";
import { Scatter, predictions } from "../panels/errors";
import { useStore, type View } from "../store";
import { Segments } from "../ui";
import { Filters } from "./filters";
import type { LayerKind, LayerView } from "./layers";
import { liveOf, valueOf } from "./live";
import { Matrix } from "./matrix";
import { Others } from "./others";
import { Answer } from "./outcome";
import { SampleView } from "./sample";
import { States } from "./states";
import { Tiles } from "./tiles";
import { Wires } from "./wires";

const VIEWS: [View, string][] = [
  ["weights", "Weights"],
  ["gradient", "Gradient"],
  ["change", "Last change"],
  ["evidence", "Evidence"],
];
const ABOUT: Record<View, string> = {
  weights: "what each unit looks for",
  gradient: "∂L/∂W of the last batch",
  change: "what the last update did",
  evidence: "weights × what came in",
};

export function Stage() {
  const store = useStore();
  const layers = liveOf(store).layers.value;
  const { value: setup } = store.setup;
  const columns = [...layers.map(column), ...(setup!.data.classes ? [] : ["minmax(150px, 0.9fr)"])].join(" ") || "auto";
  return (
    <section class="cb-stage" aria-label="Network">
      <div class="cb-stage__top">
        <h2>
          {setup!.model.title} <span class="cb-about">{setup!.data.name.split("/").pop()}</span>
        </h2>
        <Segments label="Pictures show" value={store.view.value} choices={VIEWS} onChange={(view) => (store.view.value = view)} />
        <About />
        <Legend />
      </div>
      <div class={`cb-flow ${layers.length > 2 ? "cb-flow--deep" : ""}`} style={{ "--columns": columns }}>
        <Wires />
        <SampleView />
        {layers.map((layer, i) => (
          <Layer key={layer.weights} layer={layer} index={i} />
        ))}
        {!setup!.data.classes && predictions(store) && (
          <div class="cb-layer">
            <h3 class="cb-head">
              <span class="cb-head__what">prediction against truth</span>
            </h3>
            <div class="cb-layer__body"><Scatter /></div>
          </div>
        )}
        <Others />
      </div>
      <UnitLine />
    </section>
  );
}

function About() {
  const { view, frame } = useStore();
  const early = !frame.value?.update && (view.value === "gradient" || view.value === "change");
  return <span class="cb-about">{early ? "no update was made yet" : ABOUT[view.value]}</span>;
}

/** How wide a layer is among the others. */
const column = ({ kind, hidden }: LayerView): string =>
  kind === "tiles" || kind === "filters" || kind === "states" ? "minmax(0, 1.9fr)" : hidden ? "minmax(0, 1fr)" : "minmax(132px, 0.9fr)";

/** Blue is below zero, orange above. */
const Legend = () => (
  <span class="cb-legend" aria-hidden="true">
    − <i /> +
  </span>
);

const VIEW: Record<LayerKind, ComponentType<{ layer: LayerView; index: number }>> = {
  tiles: Tiles,
  filters: Filters,
  states: States,
  matrix: ({ layer, index }) => <Matrix {...{ layer, index }} below={layer.hidden ? 20 : 92} />,
};

function Layer({ layer, index }: { layer: LayerView; index: number }) {
  const View = VIEW[layer.kind];
  return (
    <div class={`cb-layer ${layer.first ? "cb-layer--first" : ""} ${layer.hidden ? "" : "cb-layer--last"}`}>
      <h3 class="cb-head">
        {layer.lines.slice(-2).map(({ formula, code }) => (
          <span key={code} class="cb-math" title={code} dangerouslySetInnerHTML={{ __html: formula }} />
        ))}
        <span class="cb-head__what">{layer.title}</span>
      </h3>
      <div class="cb-layer__body">
        <View layer={layer} index={index} />
        {layer.kind !== "matrix" && !layer.hidden && <Answer layer={layer} />}
      </div>
    </div>
  );
}

/** The unit chosen, in words: how active it is, and what it speaks for. */
function UnitLine() {
  const store = useStore();
  const live = liveOf(store);
  const { value: unit } = store.unit;
  const layers = live.layers.value;
  const layer = unit ? layers[unit.layer] : undefined;
  if (!unit || !layer) return <p class="cb-unit cb-about">Choose a unit to follow it through the network.</p>;
  const arrays = store.frame.value?.arrays;
  const active = valueOf(live, layer)?.[unit.index];
  const bias = layer.bias ? arrays?.[`p:${layer.bias}`]?.data[unit.index] : undefined;
  const next = layers[unit.layer + 1];
  return (
    <p class="cb-unit">
      <b>{layer.labels ? layer.labels[unit.index] : `Unit ${unit.index}`}</b>
      {active !== undefined && <span>active {short(active)}</span>}
      {bias !== undefined && <span>bias {short(bias)}</span>}
      {next && <Speaks next={next} index={unit.index} />}
    </p>
  );
}

function Speaks({ next, index }: { next: LayerView; index: number }) {
  const data = useStore().frame.value?.arrays[`p:${next.weights}`]?.data;
  if (!data) return null;
  const row = Array.from(data.subarray(index * next.outputs, (index + 1) * next.outputs));
  const order = row.map((_, k) => k).sort((a, b) => row[b]! - row[a]!);
  const say = (k: number) => `${next.labels?.[k] ?? `unit ${k}`} (${short(row[k])})`;
  const [first, last] = [order.slice(0, 2), order.slice(-2).reverse()];
  return (
    <>
      <span>speaks for {first.map(say).join(", ")}</span>
      {row.length > 3 && <span>against {last.map(say).join(", ")}</span>}
    </>
  );
}
