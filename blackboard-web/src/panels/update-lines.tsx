/** What the update makes of the gradients. */
import { able } from "../able";
import type { Pass } from "../anatomy";
import { useStore } from "../store";
import { Code } from "./code-text";
import { plain, shapeText } from "./numbers";
import { scopeOf } from "./scope";

export function UpdateLines({ pass }: { pass: Pass }) {
  const store = useStore();
  const scope = scopeOf(store);
  const settings = store.frame.value!.settings;
  const simple = (settings.optimizer ?? "sgd") === "sgd" && !settings.momentum;
  const now = store.cursor.value >= scope.operations;
  const later = store.cursor.value >= 0 && !now;
  const known = store.sample.value?.y !== null;
  return (
    <>
      <h3># update</h3>
      {Object.entries(pass.body.anatomy.gradients).map(([key, gradient]) => {
        const text = simple ? `${key} -= ${plain(settings.rate ?? 0)} * ${gradient}` : `${key} = update(${key}, ${gradient})`;
        return (
          <div key={key} class={`cb-line${now ? " cb-line--now" : ""}${later ? " cb-line--later" : ""}`}>
            <div class="cb-line-head">
              <Code text={text} />
              <span class="cb-shape">{shapeText(pass.body.shape(gradient))}</span>
            </div>
          </div>
        );
      })}
      {able(store.setup.value!, "train_on") && (
        <button class="cb-wide" disabled={!known} onClick={() => scope.update()}>
          {known ? "Make the update that this one sample asks for" : "Without a label there is no update"}
        </button>
      )}
    </>
  );
}
