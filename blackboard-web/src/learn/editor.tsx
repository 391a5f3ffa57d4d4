/** The editor of an exercise's cell: the browser's own, with the indentation of Python. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Learn } from "../host";
import { useStore } from "../store";
import { Button } from "../ui";
import { typed } from "./typing";

const trimmed = (text: string): string => text.replace(/^\n+|\s+$/g, "");

export function Editor({ learn }: { learn: Learn }) {
  const store = useStore();
  const area = useRef<HTMLTextAreaElement>(null);
  const code = learn.code ?? "";
  /** The code with which this text began: that of the file, unless another editor has saved it since. */
  const [base, setBase] = useState(code);
  const [text, setText] = useState(code);
  const changed = trimmed(text) !== trimmed(base);
  const elsewhere = code !== base;
  useEffect(() => {
    if (!elsewhere) return;
    if (changed && trimmed(text) !== trimmed(code)) return;
    setBase(code);
    setText(code);
  }, [code]);
  if (learn.code === null) return null;
  const save = () => {
    const saved = trimmed(area.current!.value);
    const before = base;
    setBase(saved);
    const stop = store.listen((told) => {
      if (told.type === "error") setBase(before);
    });
    void store.ask({ do: "save", name: learn.exercise, before, text: saved }).then(stop);
  };
  const take = (from: string) => {
    setBase(code);
    setText(from);
  };
  return (
    <div class="cb-editor">
      <div class="cb-editor__head">
        <label for="cb-code">
          Your code <span class="cb-about">{learn.file}{learn.file?.endsWith(".py") ? `, line ${learn.line}` : ""}</span>
        </label>
        <span class="cb-about" aria-live="polite">{changed ? "not saved" : ""}</span>
        <Check save={save} />
      </div>
      {elsewhere && changed && (
        <p class="cb-editor__elsewhere" role="status">
          <span>Another editor has saved this file.</span>
          <Button label="Take its text" onClick={() => take(code)}>Take its text</Button>
          <Button label="Keep mine" onClick={() => take(text)}>Keep mine</Button>
        </p>
      )}
      <textarea
        id="cb-code"
        ref={area}
        value={text}
        rows={Math.min(30, Math.max(10, text.split("\n").length + 1))}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        aria-describedby="cb-code-keys"
        aria-keyshortcuts="e"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (typed(event.currentTarget, event)) event.preventDefault();
          else if (event.key === "Escape") event.currentTarget.closest<HTMLElement>(".cb-root")!.focus();
        }}
      />
      <p class="cb-about" id="cb-code-keys">
        Ctrl+S checks; Enter indents; Ctrl+] and Ctrl+[ move lines; Escape leaves for the keys h, l, s, r; e comes back. Or save the
        file in an editor of your own: this page sees it.
      </p>
    </div>
  );
}

function Check({ save }: { save: () => void }) {
  return (
    <button type="button" class="cb-button cb-button--main" data-part="check" title="Save and check (Ctrl+S)" aria-keyshortcuts="Control+S" onClick={save}>
      Check
    </button>
  );
}
