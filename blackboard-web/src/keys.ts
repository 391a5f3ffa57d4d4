/** The keys of the page. */
import { branches, drop, fork, nextSample, operate, restart, show, step, toggle } from "./actions";
import type { Store, View } from "./store";
import { turn } from "./theme";

interface Key {
  /** As events name it, `shift+` before names longer than a letter. */
  key: string;
  show: string;
  text: string;
  press: (store: Store, page: PageKeys) => void;
}
export interface PageKeys {
  panels: string[];
  help: () => void;
  root: HTMLElement;
  /** The focus came by a click: space then means what it means everywhere. */
  clicked: boolean;
}

const VIEWS: View[] = ["weights", "gradient", "change", "evidence"];

export const KEYS: Key[] = [
  { key: " ", show: "space", text: "train, pause", press: toggle },
  { key: "ArrowRight", show: "→", text: "one update", press: (store) => step(store, 1) },
  { key: "ArrowLeft", show: "←", text: "one update back", press: (store) => step(store, -1) },
  { key: "shift+ArrowRight", show: "shift →", text: "ten updates", press: (store) => step(store, 10) },
  { key: "shift+ArrowLeft", show: "shift ←", text: "ten updates back", press: (store) => step(store, -10) },
  { key: "e", show: "e", text: "to the end of the epoch", press: (store) => store.send({ do: "epoch" }) },
  { key: "Home", show: "home", text: "to the first update", press: (store) => store.send({ do: "seek", update: 0 }) },
  { key: "End", show: "end", text: "to the last update", press: (store) => store.send({ do: "seek", update: store.frame.value?.head ?? 0 }) },
  { key: "r", show: "r", text: "restart, same weights", press: (store) => restart(store) },
  { key: "R", show: "shift r", text: "restart, new weights", press: (store) => restart(store, true) },
  { key: "n", show: "n", text: "network and settings", press: (_store, { root }) => press(root, "n") },
  { key: "f", show: "f", text: "fork here", press: fork },
  { key: "b", show: "b", text: "the other run", press: other },
  { key: "x", show: "x", text: "drop the run shown", press: (store) => branches(store).length > 1 && drop(store, store.branch.value) },
  { key: "o", show: "o", text: "one operation", press: (store) => operate(store, 1) },
  { key: "O", show: "shift o", text: "one operation back", press: (store) => operate(store, -1) },
  { key: ".", show: ".", text: "next sample", press: (store) => nextSample(store, 1) },
  { key: ",", show: ",", text: "sample before", press: (store) => nextSample(store, -1) },
  { key: "v", show: "v", text: "what pictures show", press: (store) => (store.view.value = VIEWS[(VIEWS.indexOf(store.view.value) + 1) % VIEWS.length]!) },
  { key: "0", show: "0", text: "close the panel", press: (store) => (store.panel.value = "") },
  { key: "d", show: "d", text: "dark, light", press: turn },
  { key: "?", show: "?", text: "this help", press: (_store, { help }) => help() },
];

function other(store: Store): void {
  const next = branches(store).find((branch) => branch !== store.branch.value);
  if (next) show(store, next);
}

function press(root: HTMLElement, key: string): void {
  root.querySelector<HTMLElement>(`[aria-keyshortcuts="${key}"]`)?.click();
}

/** Does what a key means here; false where it means nothing, or belongs to what has the focus. */
export function pressed(event: KeyboardEvent, store: Store, page: PageKeys): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  if (belongs(event, page.clicked)) return false;
  const panel = /^[1-9]$/.test(event.key) ? page.panels[Number(event.key) - 1] : undefined;
  if (panel) {
    store.panel.value = panel;
    return true;
  }
  const name = event.shiftKey && event.key.length > 1 ? `shift+${event.key}` : event.key;
  const found = KEYS.find(({ key }) => key === name);
  found?.press(store, page);
  return Boolean(found);
}

/** Text fields keep all keys, sliders and choices those that move them, buttons (reached by keys) the space. */
function belongs({ key, target }: KeyboardEvent, clicked: boolean): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select, dialog *")) return true;
  if (target instanceof HTMLInputElement) {
    if (target.type === "range") return /^(Arrow|Home|End|Page)/.test(key);
    if (target.type === "radio" || target.type === "checkbox") return key === " " || key.startsWith("Arrow");
    return true;
  }
  return key === " " && !clicked && target.matches("button, a, summary");
}
