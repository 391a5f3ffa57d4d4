/** Break it: a classic mistake in the gradient, trained beside the right one. */
import { useState } from "preact/hooks";
import type { Mistake } from "../host";
import { useStore } from "../store";
import { contestOf, type Result } from "./contest";
import { Radios } from "./radios";
import { fmt } from "./numbers";
import { Spark } from "./spark";
import { ending, OUTCOMES, type Outcome } from "./trying";

export function Breaking() {
  const store = useStore();
  const { name, stage } = contestOf(store);
  const on = (mistake: Mistake) => name.value === mistake.name || (stage.value === "idle" && mistake.diagnosis !== undefined);
  return (
    <div class="cb-breaking" data-part="mistakes">
      <p class="cb-note">
        One line of the gradient becomes wrong. The right one and the wrong one start from the same weights. What will you see?
      </p>
      {store.setup.value!.mistakes.map((mistake) => <MistakeRow key={mistake.name} mistake={mistake} on={on(mistake)} />)}
    </div>
  );
}

function MistakeRow({ mistake, on }: { mistake: Mistake; on: boolean }) {
  const contest = contestOf(useStore());
  const [open, setOpen] = useState(false);
  return (
    <section class={`cb-mistake${on ? " cb-mistake--on" : ""}`}>
      <button class="cb-mistake-title" aria-expanded={open || on} onClick={() => setOpen(!open)}>{mistake.title}</button>
      {(open || on) && (
        <div class="cb-mistake-body">
          <dl class="cb-lines">
            <dt>right</dt>
            <dd><code class="cb-code">{mistake.right}</code></dd>
            <dt>wrong</dt>
            <dd class="cb-lines-wrong"><code class="cb-code">{mistake.wrong}</code></dd>
          </dl>
          {on ? <Course mistake={mistake} /> : <Switch name={mistake.name} />}
          {on && <button class="cb-main" onClick={() => contest.mend()}>mend it</button>}
        </div>
      )}
    </section>
  );
}

function Switch({ name }: { name: string }) {
  const contest = contestOf(useStore());
  const [said, say] = useState<Outcome | null>(null);
  return (
    <>
      <Radios legend="I expect" value={said} choices={Object.entries(OUTCOMES) as [Outcome, string][]} onChange={say} />
      <button class="cb-main" disabled={!said || contest.stage.value !== "idle"} onClick={() => said && contest.begin(name, said)}>break it</button>
    </>
  );
}

function Course({ mistake }: { mistake: Mistake }) {
  const store = useStore();
  const contest = contestOf(store);
  const result = contest.result.value;
  const diagnosis = mistake.diagnosis && (
    <div class="cb-diagnosis">
      <h4>Diagnosis</h4>
      <pre>{mistake.diagnosis}</pre>
    </div>
  );
  if (contest.stage.value !== "idle")
    return (
      <p class="cb-under" role="status">
        {contest.stage.value === "right" ? "The right gradient" : "The wrong gradient"} is at update {store.frame.value?.update ?? 0}…
      </p>
    );
  return (
    <>
      {result && <Seen result={result} />}
      {diagnosis}
    </>
  );
}

function Seen({ result: { said, outcome, right, wrong } }: { result: Result }) {
  const [with_, without] = [fmt(ending(wrong), 3), fmt(ending(right), 3)];
  return (
    <>
      <div class="cb-sides">
        <div><h4>What you said</h4><p>{said && OUTCOMES[said]}</p></div>
        <div>
          <h4>What happened <span class={said === outcome ? "cb-yes" : "cb-no"}>{said === outcome ? "as you said" : "otherwise"}</span></h4>
          <p>{OUTCOMES[outcome]}: {with_} against {without}</p>
        </div>
      </div>
      <Spark
        label={`Loss: ${without} with the right gradient, ${with_} with the wrong one`}
        lines={[{ line: right, name: "right", kind: "first" }, { line: wrong, name: "wrong", kind: "second" }]}
      />
    </>
  );
}
