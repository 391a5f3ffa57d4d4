/** Restart, back, play, step: and where the run is. */
import { SPEEDS, restart, setSpeed, step, toggle } from "../actions";
import { count, percent, short } from "../format";
import type { Frame } from "../host";
import { useStore } from "../store";
import { Button } from "../ui";

export function Transport() {
  const store = useStore();
  const frame = store.frame.value;
  const playing = frame?.playing ?? false;
  return (
    <div class="cb-transport" role="group" aria-label="Training">
      <Button label="Restart, same weights" icon="restart" keys="r" kind="quiet" onClick={() => restart(store)}>Restart</Button>
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
      <Score frame={frame} />
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
      <Diverges frame={frame} />
    </dl>
  );
}

const RISEN = 1000; // times the first loss: a run that diverges, not one that is noisy

/** A loss so far above the first one says so in words. */
function Diverges({ frame }: { frame: Frame }) {
  const store = useStore();
  store.curvesTold.value;
  const { held_loss = [], loss = [] } = store.curves[store.branch.value]?.lines ?? {};
  const first = [...held_loss.slice(0, 1), ...loss.slice(0, 2)].find(Number.isFinite);
  if (first === undefined || frame.loss === null || frame.loss <= RISEN * Math.abs(first)) return null;
  return <p class="cb-diverges" role="status">It diverges: the learning rate is too high. Lower it and restart.</p>;
}

/** How good it is on samples that it does not train on: the number that matters. */
function Score({ frame }: { frame: Frame }) {
  const { classes, held } = useStore().setup.value!.data;
  if (!held || frame.held_loss === undefined || frame.held_loss === null) return null;
  return (
    <div class="cb-score" title={`On ${count(held)} samples that it does not train on`}>
      <dt>{classes ? "Accuracy, held out" : "Loss, held out"}</dt>
      <dd>{classes ? percent(frame.held_accuracy ?? NaN, 1) : short(frame.held_loss)}</dd>
    </div>
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
