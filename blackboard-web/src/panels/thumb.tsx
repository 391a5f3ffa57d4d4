/** A sample as a small picture: pixels as ink, other features as bars. */
import { useEffect, useRef } from "preact/hooks";
import { diverging, magnitude, sequential, signedIndex, type Scheme } from "../colors";
import type { Setup } from "../host";
import { pixelOf } from "../pixel";
import { useStore } from "../store";
import { schemeOf } from "../theme";
import { raw } from "./scaling";

export function Thumb({ x, size, signed }: { x: ArrayLike<number>; size: number; signed?: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const store = useStore();
  const [setup, colors] = [store.setup.value, schemeOf(store)];
  useEffect(() => draw(canvas.current!, x, setup, signed ?? false, colors), [x, setup, colors, signed]);
  const side = size * pixelOf(store);
  return <canvas ref={canvas} class="cb-thumb" style={{ width: `${side}px`, height: `${side}px` }} aria-hidden="true" />;
}

function draw(canvas: HTMLCanvasElement, x: ArrayLike<number>, setup: Setup | null, signed: boolean, colors: Scheme): void {
  const [height, width] = setup?.data.image ?? [x.length, 1];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  const picture = context.createImageData(width, height);
  const words = new Uint32Array(picture.data.buffer);
  const ink = setup?.data.image && !signed ? raw(setup, x) : null;
  const map = (ink ? sequential : diverging)(colors).words;
  const most = magnitude(x);
  for (let k = 0; k < words.length; k++)
    words[k] = map[ink ? Math.max(0, Math.min(255, Math.round(255 * ink[k]!))) : signedIndex(x[k]!, most)]!;
  context.putImageData(picture, 0, 0);
}
