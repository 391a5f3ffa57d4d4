/** A table of the reader's own, for a page without Python: a CSV file, chosen or dropped on the page. */
import { useLayoutEffect } from "preact/hooks";
import type { Store } from "../store";
import { useStore } from "../store";
import { Pop } from "../ui";

const LARGEST = 20e6; // bytes of a file

async function take(store: Store, file: File | undefined): Promise<void> {
  if (!file) return;
  if (file.size > LARGEST) return store.fail(`${file.name} has ${Math.round(file.size / 1e6)} MB: a table for this page has at most ${LARGEST / 1e6}`);
  try {
    store.send({ do: "table", name: file.name, text: await file.text() });
  } catch {
    store.fail(`${file.name} cannot be read`);
  }
}

export function OwnTable() {
  const store = useStore();
  const { tables, data } = store.setup.value!;
  useLayoutEffect(() => { // with the button, not a frame later
    if (!tables) return;
    const over = (event: DragEvent) => event.dataTransfer?.types.includes("Files") && event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      void take(store, event.dataTransfer?.files[0]);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
    };
  }, [tables]);
  if (!tables) return null;
  return (
    <Pop label="Your own table" kind="quiet" button="Your table">
      {(close) => (
        <div class="cb-own">
          <p class="cb-note">A CSV file: names in the first line, then a sample a line. Or drop it on the page; it stays in this browser.</p>
          <label class="cb-load">
            <input
              type="file"
              accept=".csv,.tsv,.txt,text/csv"
              onChange={(event) => {
                void take(store, event.currentTarget.files?.[0]);
                close();
              }}
            />
            <span>Choose a CSV file</span>
          </label>
          {data.columns && (
            <label class="cb-row">
              <span>Predict the column</span>
              <select value={data.target!.name} onChange={(event) => store.send({ do: "retarget", target: event.currentTarget.value })}>
                {data.columns.map((name) => <option key={name} value={name}>{name}</option>)}
              </select>
            </label>
          )}
        </div>
      )}
    </Pop>
  );
}
