/** Take it away: weights, a module, the replay, a notebook's cell. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Arrays } from "../host";
import { useStore } from "../store";

const THINGS = [
  ["weights", "Weights", "All parameters of the update shown, in one file."],
  ["module", "Module", "Forward and gradient as a Python module that needs NumPy alone."],
  ["replay", "Replay", "This run as one HTML file: to scrub, to look into, to draw on; it needs no server."],
  ["cell", "Notebook cell", "The lines that repeat this run with the same numbers."],
] as const;
type Thing = (typeof THINGS)[number][0];

export function Take() {
  const store = useStore();
  const { takes } = store.setup.value!;
  const waiting = useSignal<Thing | null>(null);
  const got = useSignal<string | null>(null);
  useEffect(
    () =>
      store.listen((told) => {
        if (told.type === "error") waiting.value = null;
        if (told.type !== "file") return;
        waiting.value = null;
        got.value = told.name;
        save(told);
      }),
    [store],
  );
  const ask = (what: Thing) => {
    waiting.value = what;
    store.send({ do: "take", what });
  };
  return (
    <div class="cb-take" data-part="take">
      {THINGS.filter(([what]) => takes?.includes(what) ?? true).map(([what, title, about]) => (
        <button key={what} class="cb-thing" disabled={waiting.value !== null} onClick={() => ask(what)}>
          <b>{title}</b>
          <span>{waiting.value === what ? "being made…" : about}</span>
        </button>
      ))}
      <p role="status" class="cb-note">{got.value && `${got.value} is among your downloads.`}</p>
    </div>
  );
}

export function save({ name, mime, arrays }: { name: string; mime: string; arrays: Arrays }): void {
  const url = URL.createObjectURL(new Blob([arrays.bytes!.data as Uint8Array<ArrayBuffer>], { type: mime }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
