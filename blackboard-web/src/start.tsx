/** The first thing to be seen: what this is, and three ways to begin. It stands where curves will be. */
import { toggle } from "./actions";
import type { Scene } from "./panels/scene";
import { tellerOf } from "./panels/teller";
import type { Store } from "./store";
import { useStore } from "./store";
import { task } from "./task";
import { Icon } from "./ui";

const FIRST = "The hidden layer"; // the scene that is offered, where there is one

/** Nothing was done yet: no update, no panel, no scene. */
export function atStart(store: Store): boolean {
  const { value: frame } = store.frame;
  const begun = !frame || frame.playing || frame.head > 0 || frame.branches.length > 1;
  return !begun && !store.setup.value!.recorded && !store.panel.value && !tellerOf(store).scene.value;
}

export function Start() {
  const store = useStore();
  const setup = store.setup.value!;
  const scenes = setup.scenes as Scene[];
  const scene = scenes.find(({ title }) => title === FIRST) ?? scenes[0];
  return (
    <section class="cb-start" aria-label="Start">
      <div>
        <h2>A neural network before its first update</h2>
        <p>{task(setup)} Press play: after each batch of samples every weight moves a little, and you see all of it.</p>
      </div>
      <div class="cb-start__ways">
        <button type="button" class="cb-button cb-button--main" aria-keyshortcuts="Space" onClick={() => toggle(store)}>
          <Icon name="play" /> Play
        </button>
        {setup.anatomy.predict && (
          <button type="button" class="cb-button cb-button--plain" onClick={() => (store.panel.value = "draw")}>
            {setup.data.image ? "Draw one yourself" : "Try other inputs"}
          </button>
        )}
        {scene && (
          <button type="button" class="cb-button cb-button--plain" onClick={() => tellerOf(store).begin(scene)}>
            Be shown: {scene.title.toLowerCase()}
          </button>
        )}
      </div>
    </section>
  );
}
