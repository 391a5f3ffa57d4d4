/** Guess, then see: say what a change will do, then look. */
import { useState } from "preact/hooks";
import type { Flight } from "../host";
import { useStore } from "../store";
import { fmt, plain } from "./numbers";
import { Radios } from "./radios";
import { Spark } from "./spark";
import { OUTCOMES, tryingOf, type Outcome, type Seen } from "./trying";

interface Change {
  title: string;
  change: Flight;
}

/** What can be changed in flight, from what holds now. */
function changes(now: Flight, has: (name: keyof Flight) => boolean): Change[] {
  const { rate = 0.1, batch_size: size = 32, momentum = 0 } = now;
  const all: [keyof Flight, Change][] = [
    ["rate", { title: `learning rate ${plain(rate)} → ${plain(rate * 10)}`, change: { rate: rate * 10 } }],
    ["rate", { title: `learning rate ${plain(rate)} → ${plain(rate / 10)}`, change: { rate: rate / 10 } }],
    ["batch_size", { title: size > 1 ? `batch of ${size} → one sample` : "one sample → batch of 32", change: { batch_size: size > 1 ? 1 : 32 } }],
    ["momentum", { title: momentum ? `momentum ${plain(momentum)} → none` : "no momentum → 0.9", change: { momentum: momentum ? 0 : 0.9 } }],
  ];
  return all.filter(([name]) => has(name)).map(([, change]) => change);
}

export function GuessPanel() {
  const store = useStore();
  const trying = tryingOf(store);
  return (
    <div class="cb-guess" data-part="guess">
      {trying.stage.value !== "idle" && <Under />}
      {trying.seen.value.slice(0, 1).map((seen) => <Answer key={trying.seen.value.length} seen={seen} />)}
      {trying.stage.value === "idle" && <Ask />}
      {trying.seen.value.slice(1).map((seen, k) => <Answer key={trying.seen.value.length - 1 - k} seen={seen} />)}
    </div>
  );
}

function Ask() {
  const store = useStore();
  const now = store.frame.value?.settings ?? {};
  const options = changes(now, (name) => now[name] !== undefined);
  const [picked, pick] = useState(0);
  const [outcome, expect] = useState<Outcome | null>(null);
  const [words, say] = useState("");
  const [updates, last] = useState(200);
  const ready = outcome !== null && options[picked];
  const begin = () => {
    tryingOf(store).begin({ ...options[picked]!, outcome: outcome!, words: words.trim(), updates });
    expect(null);
    say("");
  };
  return (
    <form class="cb-form" onSubmit={(event) => (event.preventDefault(), ready && begin())}>
      <Radios legend="From here on I change" value={picked} choices={options.map(({ title }, k) => [k, title])} onChange={pick} />
      <Radios legend={`After ${updates} updates I expect`} value={outcome} choices={Object.entries(OUTCOMES) as [Outcome, string][]} onChange={expect} />
      <label class="cb-words">
        <span>because</span>
        <textarea rows={2} value={words} placeholder="in your own words" onInput={(event) => say(event.currentTarget.value)} />
      </label>
      <div class="cb-buttons">
        <button type="submit" class="cb-main" disabled={!ready}>see</button>
        <label class="cb-inline">
          for{" "}
          <select value={updates} onChange={(event) => last(Number(event.currentTarget.value))}>
            {[50, 200, 1000].map((n) => <option key={n} value={n}>{n} updates</option>)}
          </select>
        </label>
      </div>
    </form>
  );
}

function Under() {
  const store = useStore();
  const trying = tryingOf(store);
  const update = store.frame.value?.update ?? 0;
  return (
    <p class="cb-under" role="status">
      {trying.stage.value === "changed" ? "The changed run" : "The run without the change"} is at update {update}…{" "}
      <button class="cb-link" onClick={() => trying.end()}>stop</button>
    </p>
  );
}

function Answer({ seen: { guess, outcome, without, changed, lines } }: { seen: Seen }) {
  const right = guess.outcome === outcome;
  return (
    <article class="cb-verdict">
      <h3>{guess.title}</h3>
      <div class="cb-sides">
        <div>
          <h4>What you said</h4>
          <p>{OUTCOMES[guess.outcome]}</p>
          {guess.words && <blockquote>{guess.words}</blockquote>}
        </div>
        <div>
          <h4>What happened <span class={right ? "cb-yes" : "cb-no"}>{right ? "as you said" : "otherwise"}</span></h4>
          <p>{OUTCOMES[outcome]}: {fmt(changed, 3)} against {fmt(without, 3)}</p>
        </div>
      </div>
      <Spark
        label={`Loss: ${fmt(without, 3)} without the change, ${fmt(changed, 3)} with it`}
        lines={[{ line: lines[0], name: "without", kind: "first" }, { line: lines[1], name: "changed", kind: "second" }]}
      />
    </article>
  );
}
