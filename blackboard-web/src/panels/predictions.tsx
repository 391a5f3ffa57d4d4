/** The worst predictions, sorted anew as the network learns; which class is taken for which. */
import { useStore } from "../store";
import { Confusion } from "./confusion";
import { Errors } from "./errors";
import { scoresOf, type Change } from "./scores";
import { Worst } from "./worst";

export function Predictions() {
  const store = useStore();
  const classes = store.setup.value!.data.classes;
  if (!classes) return <Errors />;
  const scores = scoresOf(store);
  const all = scores.all.value;
  if (!all.length) return <p class="cb-note">Nothing was predicted yet.</p>;
  const wrong = all.filter(({ truth, guess }) => truth !== guess).length;
  return (
    <div class="cb-predictions" data-part="predictions">
      <div class="cb-predictions-head">
        <p><b>{wrong}</b> of {all.length} held-out samples are wrong.</p>
        <Marks />
      </div>
      <Confusion scored={all} classes={classes} />
      <Worst />
    </div>
  );
}

function Marks() {
  const store = useStore();
  const scores = scoresOf(store);
  const marked = store.frame.value?.marked ?? null;
  if (marked === null)
    return (
      <div class="cb-buttons">
        <button onClick={() => store.send({ do: "mark" })} title="From here on, tell what is fixed and what is broken">mark this update</button>
      </div>
    );
  const count = (change: Change) => scores.all.value.filter((one) => one.change === change).length;
  const only = (change: Change) => (scores.filter.value = scores.filter.value.change === change ? {} : { change });
  return (
    <div class="cb-buttons">
      {(["fixed", "broken"] as const).map((change) => (
        <button key={change} class={`cb-${change}`} aria-pressed={scores.filter.value.change === change} onClick={() => only(change)}>
          {count(change)} {change}
        </button>
      ))}
      <span class="cb-since">since update {marked}</span>
      <button onClick={() => store.send({ do: "mark" })}>mark anew</button>
      <button aria-label="Take the mark away" onClick={() => store.send({ do: "mark", clear: true })}>×</button>
    </div>
  );
}
