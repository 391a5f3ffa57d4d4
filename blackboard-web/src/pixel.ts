/** The page's own pixel: as wide as the screen's on a laptop, larger on a projector. All lengths are counted in it. */
import { signal, type Signal } from "@preact/signals";
import type { Store } from "./store";

const pixels = new WeakMap<Store, Signal<number>>();
const signalOf = (store: Store): Signal<number> => {
  let pixel = pixels.get(store);
  if (!pixel) pixels.set(store, (pixel = signal(pixelFor(innerWidth)))); // nearly the page's, until that is known
  return pixel;
};

/** Of a page so many pixels wide: 14 pixels of text at 1280, 18 at 1920. */
export const pixelFor = (width: number): number => Math.min(2.4, Math.max(1.08, 0.52 + 0.00044 * width));

export const pixelOf = (store: Store): number => signalOf(store).value;

/** Follow the width of the page; returns how to stop. */
export function followWidth(store: Store, element: HTMLElement): () => void {
  const watch = new ResizeObserver(([entry]) => (signalOf(store).value = pixelFor(entry!.contentRect.width)));
  watch.observe(element);
  return () => watch.disconnect();
}
