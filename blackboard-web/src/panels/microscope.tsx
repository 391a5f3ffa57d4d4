/** One sample through one forward and one backward pass, operation by operation. */
import { useEffect } from "preact/hooks";
import { useStore } from "../store";
import { Chooser } from "./chooser";
import { FactorsView } from "./factors";
import { Listing } from "./listing";
import { fmt } from "./numbers";
import { scopeOf } from "./scope";

const PAUSE = 1400; // milliseconds between two operations that walk by themselves

export function Microscope() {
  const store = useStore();
  const scope = scopeOf(store);
  const pass = scope.pass.value;
  if (!pass) return <p class="cb-note">This model has no anatomy: it cannot be taken apart.</p>;
  return (
    <div class="cb-scope" data-part="microscope">
      <div class="cb-scope-top">
        <Chooser />
        <Walk />
      </div>
      <div class="cb-scope-body">
        <Listing pass={pass} />
        <FactorsView pass={pass} />
      </div>
    </div>
  );
}

function Walk() {
  const store = useStore();
  const scope = scopeOf(store);
  const [at, count, walking] = [store.cursor.value, scope.operations, scope.walking.value];
  useEffect(() => {
    if (!walking) return;
    const timer = setInterval(() => {
      scope.advance(1);
      if (store.cursor.value >= scope.operations) scope.walking.value = false;
    }, PAUSE);
    return () => clearInterval(timer);
  }, [walking]);
  const equation = scope.pass.value!.body.anatomy.equations[at];
  const said = at < 0 ? `all ${count} operations` : equation ? `operation ${at + 1} of ${count}` : "the update";
  return (
    <div class="cb-walk" role="group" aria-label="Operations">
      <button aria-label="One operation back" aria-keyshortcuts="Shift+O" onClick={() => scope.advance(-1)}>◂</button>
      <button
        aria-label={walking ? "Stand still" : "Walk through the operations"}
        aria-pressed={walking}
        onClick={() => {
          if (!walking && at >= count) store.cursor.value = -1;
          scope.walking.value = !walking;
        }}
      >
        {walking ? "❚❚" : "▶"}
      </button>
      <button aria-label="One operation on" aria-keyshortcuts="O" onClick={() => scope.advance(1)}>▸</button>
      <button aria-pressed={at < 0} onClick={() => (store.cursor.value = -1)}>all</button>
      <progress max={count} value={at < 0 ? count : at + 1} aria-hidden="true" />
      <span aria-live="polite">{said}</span>
      <span class="cb-scope-loss">loss {fmt(scope.pass.value!.loss)}</span>
    </div>
  );
}
