/** Restart, back, play, step: and where the run is. */
import { SPEEDS, restart, setSpeed, step, toggle } from "../actions";
import { count, short } from "../format";
import { useStore } from "../store";
import { Button } from "../ui";

export function Transport() {
  const store = useStore();
  const frame = store.frame.value;
  const playing = frame?.playing ?? false;
  return (
    <div class="cb-transport" role="group" aria-label="Training">
      <Button label="Restart, same weights" icon="restart" keys="r" kind="quiet" onClick={() => restart(store)} />
      <Button
        label="One update back"
        icon="back"
        keys="←"
        kind="quiet"
        disabled={!frame?.update}
        onClick={() => step(store, -1)}
      />
      <Button
        label={playing ? "Pause" : "Train"}
        icon={playing ? "pause" : "play"}
        keys="space"
        kind="round"
        onClick={() => toggle(store)}
      />
      <Button label="One update" icon="step" keys="→" kind="quiet" onClick={() => step(store, 1)} />
      <Button label="+10 updates" keys="shift →" kind="quiet" onClick={() => step(store, 10)}>
        +10
      </Button>
      <Button label="Epoch: to its end" keys="e" kind="quiet" onClick={() => store.send({ do: "epoch" })}>
        Epoch
      </Button>
      <label class="cb-field cb-speed">
        <span class="cb-field__name">Speed</span>
        <select
          value={String(store.speed.value)}
          onChange={(event) => {
            const text = event.currentTarget.value;
            setSpeed(store, text === "null" ? null : Number(text));
          }}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed === null ? "full speed" : `${speed} / s`}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

export function Counters() {
  const { value: frame } = useStore().frame;
  if (!frame) return null;
  return (
    <dl class="cb-counters">
      <div>
        <dt>Epoch</dt>
        <dd>{frame.epochs.toFixed(2)}</dd>
      </div>
      <div>
        <dt>Update</dt>
        <dd>{count(frame.update)}</dd>
      </div>
      <div>
        <dt>Batch loss</dt>
        <dd>{short(frame.loss)}</dd>
      </div>
    </dl>
  );
}

/** What happens, for those who hear the page: told when it starts and stops, not at every update. */
export function Status() {
  const { value: frame } = useStore().frame;
  const playing = frame?.playing ?? false;
  const at = frame && !playing ? ` at update ${frame.update}, loss ${short(frame.loss)}` : "";
  return (
    <p class="cb-unseen" role="status">
      {playing ? "Training" : `Stopped${at}`}
    </p>
  );
}
