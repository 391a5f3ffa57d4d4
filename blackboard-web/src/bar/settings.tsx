/** Settings that need a new start: layers, activation, initial weights, optimizer, seed. */
import { useState } from "preact/hooks";
import type { Values } from "../host";
import { useStore, type Store } from "../store";
import { Button, Icon, Pop } from "../ui";
import { ReadyLayers } from "./lessons";

export function Settings() {
  return (
    <Pop label="Network and settings" keys="n" align="right" button={<><Icon name="sliders" /> Network</>}>
      {(close) => <Sheet close={close} />}
    </Pop>
  );
}

const NAMES = { activation: "Activation", init: "Initial weights", optimizer: "Optimizer" } as const;

function Sheet({ close }: { close: () => void }) {
  const store = useStore();
  const { choices, restart } = store.setup.value!.settings;
  const [values, setValues] = useState<Values>(() => now(store));
  const change = (part: Values) => setValues({ ...values, ...part });
  const can = (name: keyof Values) => restart.includes(name);
  const start = (settings: Values) => {
    store.send({ do: "restart", settings: chosen(settings, restart) });
    close();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        start(values);
      }}
    >
      {can("layers") &&
        (choices.layers ? (
          <ReadyLayers choices={choices.layers} layers={values.layers ?? []} onChange={(layers) => change({ layers })} />
        ) : (
          <Layers layers={values.layers ?? []} onChange={(layers) => change({ layers })} />
        ))}
      {(["activation", "init", "optimizer"] as const).map(
        (name) =>
          can(name) &&
          (choices[name]?.length ?? 0) > 1 && (
            <label class="cb-row" key={name}>
              <span>{NAMES[name]}</span>
              <select value={values[name]} onChange={(event) => change({ [name]: event.currentTarget.value })}>
                {choices[name]!.map((choice) => (
                  <option key={choice} value={choice}>
                    {choice.replaceAll("_", " ")}
                  </option>
                ))}
              </select>
            </label>
          ),
      )}
      {can("seed") && (
        <label class="cb-row">
          <span>Seed</span>
          <span class="cb-row__both">
            <input
              type="number"
              min={0}
              step={1}
              value={values.seed}
              onInput={(event) => change({ seed: event.currentTarget.valueAsNumber })}
            />
            <Button label="Another seed" icon="dice" kind="quiet" onClick={() => change({ seed: (values.seed ?? 0) + 1 })} />
          </span>
        </label>
      )}
      <div class="cb-sheet__end">
        {can("seed") && (
          <button type="button" class="cb-button cb-button--plain" onClick={() => start({ ...values, seed: (values.seed ?? 0) + 1 })}>
            New weights
          </button>
        )}
        <button class="cb-button cb-button--main">Restart with these</button>
      </div>
    </form>
  );
}

/** Settings that hold now: those in flight as the frame tells them. */
function now(store: Store): Values {
  return { ...store.setup.value!.settings.values, ...store.frame.value?.settings };
}

/** Only what this run lets be chosen, and what is a number where one is asked for. */
export function chosen(values: Values, restart: (keyof Values)[]): Values {
  const entries = Object.entries(values).filter(
    ([name, value]) => restart.includes(name as keyof Values) && value !== undefined && !Number.isNaN(value),
  );
  return Object.fromEntries(entries);
}

function Layers({ layers, onChange }: { layers: number[]; onChange: (layers: number[]) => void }) {
  const { setup } = useStore();
  const { data } = setup.value!;
  const put = (at: number, size: number) => onChange(layers.map((old, i) => (i === at ? size : old)));
  return (
    <fieldset class="cb-layers">
      <legend>Layers</legend>
      <span class="cb-layers__end">{data.features.length} in</span>
      {layers.map((size, i) => (
        <span class="cb-layers__layer" key={i}>
          <input
            type="number"
            min={1}
            max={4096}
            value={size}
            aria-label={`Units of hidden layer ${i + 1}`}
            onInput={(event) => put(i, Math.max(1, Math.round(event.currentTarget.valueAsNumber || 1)))}
          />
          <button
            type="button"
            aria-label={`Remove hidden layer ${i + 1}`}
            title="Remove this layer"
            onClick={() => onChange(layers.filter((_, at) => at !== i))}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {layers.length < 6 && (
        <Button
          label="Add a hidden layer"
          icon="plus"
          kind="quiet"
          onClick={() => onChange([...layers, layers[layers.length - 1] ?? 10])}
        />
      )}
      <span class="cb-layers__end">{data.classes?.length ?? 1} out</span>
    </fieldset>
  );
}
