/** Two runs: fork, choose which is shown, drop; and when to stop. */
import { useState } from "preact/hooks";
import { branches, drop, fork, show } from "../actions";
import type { Stop } from "../host";
import { useStore } from "../store";
import { Button, Icon, Pop, Segments } from "../ui";

export function Runs() {
  const store = useStore();
  const runs = branches(store);
  if (runs.length < 2)
    return (
      <Button label="Fork here: go on as a second run" icon="fork" keys="f" kind="quiet" onClick={() => fork(store)}>Fork</Button>
    );
  const { value: shown } = store.branch;
  return (
    <div class="cb-runs">
      <Segments
        label="Run shown"
        value={shown}
        choices={runs.map((branch) => [branch, branch.toUpperCase()] as const)}
        onChange={(branch) => show(store, branch)}
      />
      <Button label={`Drop run ${shown.toUpperCase()}`} icon="close" kind="quiet" onClick={() => drop(store, shown)} />
    </div>
  );
}

const FIELDS = [
  ["epoch", "Epoch reaches", 1, 1],
  ["loss", "Loss falls to", 0.01, 0],
  ["accuracy", "Accuracy reaches", 0.01, 0],
] as const;

export function StopWhen() {
  const { value: frame } = useStore().frame;
  const stop = Object.values(frame?.stop ?? {}).some((value) => value !== undefined && value !== null);
  return (
    <Pop label={stop ? "Stops by itself: change when" : "Stop when…"} align="right" kind="quiet" marked={stop} button={<><Icon name="flag" /> {stop ? "Stops by itself" : "Stop when…"}</>}>
      {(close) => <StopSheet close={close} />}
    </Pop>
  );
}

function StopSheet({ close }: { close: () => void }) {
  const store = useStore();
  const [stop, setStop] = useState<Stop>(() => store.frame.value?.stop ?? {});
  const say = (chosen: Stop) => {
    const entries = Object.entries(chosen).filter(([, value]) => Number.isFinite(value));
    store.send({ do: "stop", ...Object.fromEntries(entries) });
    close();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        say(stop);
      }}
    >
      {FIELDS.map(([name, text, step, min]) => (
        <label class="cb-row" key={name}>
          <span>{text}</span>
          <input
            type="number"
            min={min}
            step={step}
            max={name === "accuracy" ? 1 : undefined}
            placeholder="never"
            value={stop[name] ?? ""}
            onInput={(event) => setStop({ ...stop, [name]: event.currentTarget.valueAsNumber })}
          />
        </label>
      ))}
      <div class="cb-sheet__end">
        <button type="button" class="cb-button cb-button--plain" onClick={() => say({})}>
          Never stop
        </button>
        <button class="cb-button cb-button--main">Stop then</button>
      </div>
    </form>
  );
}
