/** Break it: a classic mistake in the gradient, trained beside the right one. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Mistake } from "../host";
import { useStore, type Store } from "../store";
import { Radios } from "./guess";
import { fmt } from "./numbers";
import { Spark } from "./spark";
import { cut, ending, judge, OUTCOMES, type Line, type Outcome } from "./trying";

interface Broken {
  name: string;
  said: Outcome | null;
  /** The right run's curve. */
  right: Line;
}
const state = new WeakMap<Store, ReturnType<typeof signal<Broken | null>>>();
function brokenOf(store: Store) {
  let broken = state.get(store);
  if (!broken) state.set(store, (broken = signal<Broken | null>(null)));
  return broken;
}

const UPDATES = 300;

export function Breaking() {
  const store = useStore();
  const mistakes = store.setup.value!.mistakes;
  const broken = brokenOf(store);
  return (
    <div class="cb-breaking" data-part="mistakes">
      <p class="cb-note">One line of the gradient becomes wrong, and training starts anew from the same weights. What will you see?</p>
      {mistakes.map((mistake) => <MistakeRow key={mistake.name} mistake={mistake} on={broken.value?.name === mistake.name} />)}
    </div>
  );
}

function MistakeRow({ mistake, on }: { mistake: Mistake; on: boolean }) {
  const store = useStore();
  const [open, setOpen] = useState(on);
  return (
    <section class={`cb-mistake${on ? " cb-mistake--on" : ""}`}>
      <button class="cb-mistake-title" aria-expanded={open || on} onClick={() => setOpen(!open)}>{mistake.title}</button>
      {(open || on) && (
        <div class="cb-mistake-body">
          <Lines right={mistake.right} wrong={mistake.wrong} />
          {on ? <Result mistake={mistake} /> : <Switch name={mistake.name} />}
          {on && <button class="cb-main" onClick={() => mend(store)}>mend it</button>}
        </div>
      )}
    </section>
  );
}

export const Lines = ({ right, wrong }: { right: string; wrong: string }) => (
  <dl class="cb-lines">
    <dt>right</dt>
    <dd><code class="cb-code">{right}</code></dd>
    <dt>wrong</dt>
    <dd class="cb-lines-wrong"><code class="cb-code">{wrong}</code></dd>
  </dl>
);

function Switch({ name }: { name: string }) {
  const store = useStore();
  const [said, say] = useState<Outcome | null>(null);
  return (
    <>
      <Radios legend="I expect, beside the right gradient" value={said} choices={Object.entries(OUTCOMES) as [Outcome, string][]} onChange={say} />
      <button class="cb-main" disabled={!said} onClick={() => start(store, name, said)}>break it</button>
    </>
  );
}

/** The right run's curve is kept; the wrong one is trained as far. */
function start(store: Store, name: string, said: Outcome | null): void {
  const before = brokenOf(store).peek();
  const right = before?.right ?? cut(store.curves[store.branch.value], 0, Infinity);
  brokenOf(store).value = { name, said, right };
  store.send({ do: "mistake", name });
  store.send({ do: "play", rate: null });
}

function mend(store: Store): void {
  brokenOf(store).value = null;
  store.send({ do: "mistake", name: null });
}

function Result({ mistake }: { mistake: Mistake & { diagnosis?: string } }) {
  const store = useStore();
  void store.curvesTold.value;
  const { said, right } = brokenOf(store).value!;
  const update = store.frame.value?.update ?? 0;
  const wrong = cut(store.curves.a, 0, Infinity);
  const shared: Line = { update: right.update.filter((u) => u <= update), loss: right.loss.slice(0, right.update.filter((u) => u <= update).length) };
  const outcome = shared.loss.length && wrong.loss.length ? judge(ending(shared), ending(wrong), right.loss[0]!) : null;
  return (
    <>
      {right.loss.length ? (
        <Spark label="Loss of the right run and of the wrong one" lines={[{ line: right, name: "right", kind: "first" }, { line: wrong, name: "wrong", kind: "second" }]} />
      ) : (
        <p class="cb-note">To see both side by side, mend it, train some {UPDATES} updates, and break it again.</p>
      )}
      {outcome && update >= UPDATES / 3 && (
        <div class="cb-sides">
          <div><h4>What you said</h4><p>{said ? OUTCOMES[said] : "nothing"}</p></div>
          <div><h4>What happens</h4><p>{OUTCOMES[outcome]}: {fmt(ending(wrong), 3)} against {fmt(ending(shared), 3)} at update {update}</p></div>
        </div>
      )}
      {mistake.diagnosis && <p class="cb-diagnosis"><b>Diagnosis.</b> {mistake.diagnosis}</p>}
    </>
  );
}
