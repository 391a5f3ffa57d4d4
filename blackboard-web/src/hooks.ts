/** Painting when what is shown changes, in the size that there is. */
import { effect, useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RefObject } from "preact";

export interface Size {
  width: number;
  height: number;
}

/** The size of an element, as a signal; it follows the element. */
export function useSize<T extends HTMLElement>(): [RefObject<T | null>, Signal<Size>] {
  const ref = useRef<T>(null);
  const size = useSignal<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      if (width !== size.value.width || height !== size.value.height) size.value = { width, height };
    });
    watch.observe(ref.current!);
    return () => watch.disconnect();
  }, []);
  return [ref, size];
}

/** Runs `paint` now, and whenever a signal that it reads changes. */
export function usePaint(paint: () => void, inputs: unknown[] = []): void {
  useEffect(() => effect(paint), inputs);
}
