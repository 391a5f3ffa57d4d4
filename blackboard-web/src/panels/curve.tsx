/** A sequence to draw: a curve over time that follows the pointer. For keys, each step has a slider below it. */
import { useRef } from "preact/hooks";
import { magnitude } from "../colors";
import { usePaint, useSize } from "../hooks";
import { begin } from "../network/paint";
import { series } from "../network/series";
import { useStore } from "../store";
import { paletteOf } from "../theme";

export function Curve({ sequence: [steps, values] }: { sequence: [number, number] }) {
  const store = useStore();
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  /** The largest number that fits: held while a stroke lasts, so that the curve does not shrink under the pen. */
  const most = useRef(1);
  usePaint(() => {
    const { width, height } = size.value;
    const x = store.sample.value?.x;
    if (x && width && height) series(begin(canvas.current!, width, height), x, [steps, values], paletteOf(store), width, height);
  }, [steps, values]);
  const draw = (event: PointerEvent) => {
    const sample = store.sample.value!;
    const { width, height } = size.value;
    const t = Math.max(0, Math.min(steps - 1, Math.floor((event.offsetX / width) * steps)));
    const x = sample.x.slice();
    x[t * values] = (most.current * Math.max(-1, Math.min(1, 1 - (2 * event.offsetY) / height))) / 0.92;
    store.sample.value = { ...sample, set: "drawn", index: -1, x };
  };
  return (
    <div class="cb-curve" ref={room}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Curve of ${steps} steps; draw on it, or move the sliders below`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          most.current = magnitude(store.sample.value!.x);
          draw(event);
        }}
        onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && draw(event)}
      />
    </div>
  );
}
