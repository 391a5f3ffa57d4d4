/** Python's indentation in a text field, by the browser's own edits, so that they can be undone. */

const STEP = "    ";

export interface Field {
  value: string;
  selectionStart: number;
  selectionEnd: number;
  setSelectionRange(start: number, end: number): void;
}
export interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
}
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** The edit of a key; null if the browser does what is wanted. Tab goes on to the next control, as everywhere. */
export function edit({ value, selectionStart: start, selectionEnd: end }: Field, { key, ctrlKey, metaKey }: Key): Edit | null {
  const first = value.lastIndexOf("\n", start - 1) + 1;
  const before = value.slice(first, start);
  const indentation = /^ */.exec(before)![0];
  if (ctrlKey || metaKey) {
    if (key !== "]" && key !== "[") return null;
    const last = value.indexOf("\n", end) < 0 ? value.length : value.indexOf("\n", end);
    const lines = value.slice(first, last).split("\n");
    const moved = lines.map((line) => (key === "]" ? (line ? STEP + line : line) : line.replace(/^ {1,4}/, "")));
    return { start: first, end: last, text: moved.join("\n") };
  }
  if (key === "Enter") return { start, end, text: `\n${indentation}${/:\s*(#.*)?$/.test(before) ? STEP : ""}` };
  if (key === "Backspace" && start === end && before && before === indentation) {
    return { start: start - ((before.length - 1) % STEP.length) - 1, end, text: "" };
  }
  return null;
}

/** Make the edit of a key; returns whether there is one. */
export function typed(area: HTMLTextAreaElement, event: Key): boolean {
  const made = edit(area, event);
  if (!made) return false;
  area.setSelectionRange(made.start, made.end);
  document.execCommand(made.text ? "insertText" : "delete", false, made.text);
  if (event.key === "]" || event.key === "[") area.setSelectionRange(made.start, made.start + made.text.length);
  return true;
}
