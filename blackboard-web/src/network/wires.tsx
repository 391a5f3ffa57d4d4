/** Lines between layers: each unit's way to the row of weights that it is multiplied by, as strong as it is active. */
import { useRef } from "preact/hooks";
import { magnitude } from "../colors";
import { usePaint, useSize } from "../hooks";
import { useStore } from "../store";
import { paletteOf } from "../theme";
import { liveOf, valueOf } from "./live";
import { begin } from "./paint";

const MOST = 64; // units of a layer that have a line each
const WIDEST = 3; // pixels of the line of the most active unit

type Point = [x: number, y: number];

export function Wires() {
  const store = useStore();
  const live = liveOf(store);
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  usePaint(() => {
    const { width, height } = size.value;
    const [layers, palette, unit] = [live.layers.value, paletteOf(store), store.unit.value];
    const values = layers.map((layer) => valueOf(live, layer));
    if (!width || !height || !room.current) return;
    const flow = room.current.parentElement!;
    // The pictures take their places in effects of their own, which may come after this one.
    const draw = () => {
      if (!canvas.current) return;
      const context = begin(canvas.current, width, height);
      const places = placesIn(flow);
      for (const [x, y] of places.rows) curve(context, places.sample, [x, y], palette.line, 1.5);
      layers.slice(1).forEach((layer, at) => {
        const [outputs, data] = [layers[at]!.outputs, values[at]];
        if (outputs > MOST || layer.inputs !== outputs) return;
        const most = data ? Math.max(1, magnitude(data)) : 1;
        for (let j = 0; j < outputs; j++) {
          const [from, to] = [places.leaving(at, j), places.entering(at + 1, j, outputs)];
          if (!from || !to) continue;
          const share = (data?.[j] ?? 0) / most;
          const chosen = unit?.layer === at && unit.index === j;
          const color = chosen ? palette.accent : data ? (share < 0 ? palette.minus : palette.plus) : palette.faint;
          context.globalAlpha = chosen ? 1 : 0.12 + 0.5 * Math.abs(share);
          curve(context, from, to, color, chosen ? WIDEST : 0.75 + (WIDEST - 1) * Math.abs(share));
        }
        context.globalAlpha = 1;
      });
    };
    draw();
    const soon = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(soon);
  }, []);
  return (
    <div class="cb-wires" ref={room} aria-hidden="true">
      <canvas ref={canvas} />
    </div>
  );
}

function curve(context: CanvasRenderingContext2D, [x, y]: Point, [right, down]: Point, color: string, width: number): void {
  const bend = Math.max(16, (right - x) / 2);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x, y);
  context.bezierCurveTo(x + bend, y, right - bend, down, right, down);
  context.stroke();
}

/** Where lines begin and end: what is on the page, seen from the corner of the flow. */
function placesIn(flow: HTMLElement) {
  const corner = flow.getBoundingClientRect();
  const box = (element: Element | null | undefined) => {
    const found = element?.getBoundingClientRect();
    return found?.width ? { left: found.left - corner.left, top: found.top - corner.top, width: found.width, height: found.height } : null;
  };
  const layers = [...flow.querySelectorAll(".cb-layer")];
  const picture = box(flow.querySelector(".cb-sample__body > :first-child"));
  const sample: Point = picture ? [picture.left + picture.width, picture.top + picture.height / 2] : [0, 0];
  const tiles = box(layers[0]?.querySelector(".cb-tiles__grid"));
  const tops = new Set([...(layers[0]?.querySelectorAll<HTMLElement>(".cb-tile") ?? [])].map((tile) => tile.offsetTop + tile.offsetHeight / 2));
  const rows = picture && tiles ? [...tops].slice(0, MOST).map((y): Point => [tiles.left, tiles.top + y]) : [];
  return {
    sample,
    rows,
    /** From under a picture; from a strip of activations. */
    leaving(layer: number, unit: number): Point | null {
      const tile = box(layers[layer]?.querySelectorAll(".cb-tile")[unit]);
      if (tile) return [tile.left + tile.width, tile.top + tile.height];
      const strip = box(layers[layer]?.querySelector(".cb-strip"));
      const count = strip ? Number(layers[layer]!.querySelector<HTMLElement>(".cb-strip")!.dataset.count) : 1;
      return strip && [strip.left + ((unit + 0.5) * strip.width) / count, strip.top + strip.height];
    },
    entering(layer: number, unit: number, count: number): Point | null {
      const matrix = box(layers[layer]?.querySelector(".cb-matrix > canvas"));
      return matrix && [matrix.left, matrix.top + ((unit + 0.5) * matrix.height) / count];
    },
  };
}
