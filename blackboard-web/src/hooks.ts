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

/** What has the focus may go away (a button whose run is dropped): then the whole has it, and goes on hearing keys. */
export function useFocusKept(whole: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    let focused: Element | null = null;
    const heard = ({ target }: Event) => (focused = target as Element);
    const look = () => {
      if (!focused || (focused.isConnected && !focused.matches(":disabled"))) return;
      focused = null;
      if (document.activeElement === document.body || document.activeElement?.matches(":disabled")) whole.current?.focus({ preventScroll: true });
    };
    const root = whole.current!;
    const watch = new MutationObserver(look);
    watch.observe(root, { childList: true, subtree: true, attributeFilter: ["disabled"] });
    root.addEventListener("focusin", heard);
    return () => {
      watch.disconnect();
      root.removeEventListener("focusin", heard);
    };
  }, []);
}

/** Runs `paint` now, and whenever a signal that it reads changes; what it returns is run before the next time. */
export function usePaint(paint: () => void | (() => void), inputs: unknown[] = []): void {
  useEffect(() => effect(paint), inputs);
}
