/** A line of code; the names that lie on the path are marked. */
import { useStore } from "../store";
import { scopeOf } from "./scope";

const WORD = /([A-Za-z_]\w*)/;

export function Code({ text }: { text: string }) {
  const path = scopeOf(useStore()).path.value;
  const on = new Set(path.map(({ name }) => name));
  const parts = text.split(WORD).map((part, k) => (k % 2 && on.has(part) ? <mark key={k}>{part}</mark> : part));
  return <code class="cb-code">{parts}</code>;
}
