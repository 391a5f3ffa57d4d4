/** The networks that are ready in a page without Python. */
import { useStore } from "../store";

export function Lessons() {
  const store = useStore();
  const { lessons, lesson } = store.setup.value!;
  if (!lessons || lessons.length < 2) return null;
  return (
    <label class="cb-field">
      <span class="cb-field__name">Lesson</span>
      <select value={lesson} onChange={(event) => store.send({ do: "lesson", name: event.currentTarget.value })}>
        {lessons.map(({ name, title }) => <option key={name} value={name}>{title}</option>)}
      </select>
    </label>
  );
}

interface Ready {
  choices: number[][];
  layers: number[];
  onChange: (layers: number[]) => void;
}

/** The hidden layers that the page has kernels for. */
export function ReadyLayers({ choices, layers, onChange }: Ready) {
  return (
    <>
      <label class="cb-row">
        <span>Hidden layers</span>
        <select value={layers.join("-")} onChange={(event) => onChange(choices[event.currentTarget.selectedIndex]!)}>
          {choices.map((choice) => <option key={choice.join("-")} value={choice.join("-")}>{choice.join("-") || "none"}</option>)}
        </select>
      </label>
      <p class="cb-note">These are ready in this page; <code>chainrule blackboard</code>, in Python, trains any.</p>
    </>
  );
}
