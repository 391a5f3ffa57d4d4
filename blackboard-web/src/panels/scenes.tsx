/** Scenes for teachers: those that come with the run, and own ones from a file. */
import { useStore } from "../store";
import { readScene, type Scene } from "./scene";
import { tellerOf } from "./teller";

export function Scenes() {
  const store = useStore();
  const teller = tellerOf(store);
  const all = [...(store.setup.value!.scenes as Scene[]), ...teller.own.value];
  const load = async (input: HTMLInputElement) => {
    for (const file of input.files ?? [])
      try {
        teller.own.value = [...teller.own.value, readScene(await file.text(), file.name)];
      } catch (error) {
        store.fail((error as Error).message);
      }
    input.value = "";
  };
  return (
    <div class="cb-scenes">
      {all.map((scene, k) => (
        <button key={k} class="cb-thing" aria-pressed={teller.scene.value?.title === scene.title} onClick={() => teller.begin(scene)}>
          <b>{scene.title}</b>
          <span>{scene.about ?? ""}{scene.about ? " · " : ""}{scene.steps.length} steps</span>
        </button>
      ))}
      <label class="cb-load">
        <input type="file" accept=".json,application/json" multiple onChange={(event) => load(event.currentTarget)} />
        <span>Load a scene of your own (JSON)</span>
      </label>
    </div>
  );
}
