/** By day or night: as the system says, unless chosen here. One palette for styles and canvases. */
import { signal } from "@preact/signals";
import { diverging, type Scheme } from "./colors";
import type { Store } from "./store";

export const PALETTES = {
  light: {
    paper: "#f7f7f5", card: "#ffffff", ink: "#1b1f24", soft: "#59626d", faint: "#69727c", line: "#e2e4e6",
    track: "#e9ebed", accent: "#0b63bd", "accent-ink": "#ffffff", "accent-soft": "#e5effa", minus: "#2171b5",
    plus: "#b8540a", good: "#2f7d4f", bad: "#b3372f", second: "#8250b5",
  },
  dark: {
    paper: "#101317", card: "#181c22", ink: "#e6e9ed", soft: "#a5adb8", faint: "#808994", line: "#2a3038",
    track: "#262c34", accent: "#62aef2", "accent-ink": "#0b1016", "accent-soft": "#1a2a3c", minus: "#6ab4f5",
    plus: "#f79a40", good: "#6cc08f", bad: "#f08379", second: "#be96e3",
  },
} satisfies Record<Scheme, Record<string, string>>;
export type Palette = (typeof PALETTES)["light"];

const query = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");
const system = signal(query?.matches ?? false);
query?.addEventListener("change", ({ matches }) => (system.value = matches));

export const nightly = (store: Store): boolean =>
  store.scheme.value ? store.scheme.value === "dark" : system.value;

/** The other scheme; none is chosen where that is the system's. */
export function turn(store: Store): void {
  const dark = !nightly(store);
  store.scheme.value = dark === system.value ? null : dark ? "dark" : "light";
}

export const schemeOf = (store: Store): Scheme => (nightly(store) ? "dark" : "light");
export const paletteOf = (store: Store): Palette => PALETTES[schemeOf(store)];

/** The palette as custom properties, for the root's style. */
export function properties(store: Store): Record<string, string> {
  const entries = Object.entries(paletteOf(store)).map(([name, color]) => [`--${name}`, color]);
  const map = diverging(schemeOf(store));
  const stops = Array.from({ length: 9 }, (_, i) => map.css(i / 8)).join(", ");
  return {
    ...Object.fromEntries(entries),
    "--diverging": `linear-gradient(to right, ${stops})`,
    colorScheme: schemeOf(store),
  };
}
