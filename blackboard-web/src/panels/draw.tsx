/** Draw: what the network sees of it, what it thinks, what would change its mind; it can be trained on. */
import { able } from "../able";
import { useStore } from "../store";
import { className } from "./chooser";
import { Curve } from "./curve";
import { drawingOf } from "./drawing";
import { Features } from "./features";
import { Pad } from "./pad";
import { Probabilities } from "./probabilities";
import { predict } from "./scope";
import { Thumb } from "./thumb";
import { fmt } from "./numbers";
import { target } from "./units";

export function Draw() {
  const store = useStore();
  const setup = store.setup.value!;
  const sample = store.sample.value;
  const p = sample && predict(setup, store.frame.value, sample.x);
  return (
    <div class="cb-draw" data-part="draw">
      <div class="cb-draw-in">
        {setup.data.sequence && <Curve sequence={setup.data.sequence} />}
        {setup.data.image ? <Drawn /> : <Features />}
      </div>
      <div class="cb-draw-out">
        {p && (setup.data.classes ? <Probabilities p={p} y={sample!.y} /> : <p class="cb-value">{fmt(target(setup, p[0]!))}</p>)}
        <Actions />
      </div>
    </div>
  );
}

function Drawn() {
  const store = useStore();
  const drawing = drawingOf(store);
  const [sample, change] = [store.sample.value!, drawing.change.value];
  const mine = sample.set === "drawn";
  return (
    <>
      <Pad />
      <div class="cb-buttons">
        <button disabled={!drawing.strokes.value.length} onClick={() => drawing.undo()}>undo</button>
        <button disabled={!drawing.strokes.value.length} onClick={() => drawing.clear()}>clear</button>
        {mine && <span class="cb-took" title="From the stroke to the probabilities">{drawing.took.value.toFixed(1)} ms</span>}
      </div>
      {store.setup.value!.data.name === "digits" && (
        <p class="cb-note cb-hint">Most sevens of these data have a bar across: one without may be taken for another digit.</p>
      )}
      <div class="cb-pair">
        <figure>
          <Thumb x={sample.x} size={104} />
          <figcaption>{mine ? "what the network sees" : "the sample looked at"}</figcaption>
        </figure>
        {change && (
          <figure>
            <Thumb x={change.x} size={104} signed />
            <figcaption>
              towards {className(store, change.second)}: <span class="cb-more-ink">more ink</span>, <span class="cb-less-ink">less</span>
            </figcaption>
          </figure>
        )}
      </div>
    </>
  );
}

function Actions() {
  const store = useStore();
  const drawing = drawingOf(store);
  const sample = store.sample.value;
  const setup = store.setup.value!;
  const classes = setup.data.classes;
  if (!sample) return null;
  const own = sample.set === "drawn";
  const train = () => sample.y !== null && store.send({ do: "train_on", x: Array.from(sample.x), y: sample.y });
  return (
    <div class="cb-actions">
      {classes && own && (
        <label>
          it is a{" "}
          <select value={sample.y ?? ""} onChange={(event) => drawing.name(event.currentTarget.value === "" ? null : Number(event.currentTarget.value))}>
            <option value="">?</option>
            {classes.map((name, k) => <option key={k} value={k}>{name}</option>)}
          </select>
        </label>
      )}
      <div class="cb-buttons">
        {able(setup, "train_on") && <button disabled={sample.y === null} title={sample.y === null ? "First say what it is" : ""} onClick={train}>train on this</button>}
        <button onClick={() => (store.panel.value = "microscope")}>open in microscope</button>
      </div>
    </div>
  );
}
