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
const STANDS = 300; // milliseconds for which pictures are taken to stand where they were measured

type Point = [x: number, y: number];

export function Wires() {
  const store = useStore();
  const live = liveOf(store);
  const [room, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const measured = useRef<{ at: number; places: Places } | null>(null);
  usePaint(() => {
    const { width, height } = size.value;
    const [layers, palette, unit] = [live.layers.value, paletteOf(store), store.unit.value];
    const values = layers.map((layer) => valueOf(live, layer));
    if (!width || !height || !room.current) return;
    const flow = room.current.parentElement!;
    const draw = () => {
      if (!canvas.current) return;
      const now = performance.now();
      if (!measured.current || now - measured.current.at > STANDS) measured.current = { at: now, places: placesIn(flow) };
      const context = begin(canvas.current, width, height);
      const { places } = measured.current;
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
    // The pictures take their places in effects of their own, which may come after this one.
    const later = setTimeout(draw, STANDS + 50);
    return () => clearTimeout(later);
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

type Places = ReturnType<typeof placesIn>;

/** Where lines begin and end: what is on the page, seen from the corner of the flow. */
function placesIn(flow: HTMLElement) {
  const corner = flow.getBoundingClientRect();
  const box = (element: Element | null | undefined) => {
    const found = element?.getBoundingClientRect();
    return found?.width ? { left: found.left - corner.left, top: found.top - corner.top, width: found.width, height: found.height } : null;
  };
  const layers = [...flow.querySelectorAll(".cb-layer")];
  const tilesOf = layers.map((layer) => [...layer.querySelectorAll<HTMLElement>(".cb-tile")]);
  const ends = tilesOf.map((all) => (all.length > MOST ? [] : all.map(box)));
  const strips = layers.map((layer) => layer.querySelector<HTMLElement>(".cb-strip"));
  const strip = strips.map(box);
  const matrices = layers.map((layer) => box(layer.querySelector(".cb-matrix > canvas")));
  const picture = box(flow.querySelector(".cb-sample__body > :first-child"));
  const sample: Point = picture ? [picture.left + picture.width, picture.top + picture.height / 2] : [0, 0];
  const tiles = box(layers[0]?.querySelector(".cb-tiles__grid"));
  const tops = new Set((tilesOf[0] ?? []).map((tile) => tile.offsetTop + tile.offsetHeight / 2));
  const rows = picture && tiles ? [...tops].slice(0, MOST).map((y): Point => [tiles.left, tiles.top + y]) : [];
  return {
    sample,
    rows,
    /** From under a picture; from a strip of activations. */
    leaving(layer: number, unit: number): Point | null {
      const tile = ends[layer]?.[unit];
      if (tile) return [tile.left + tile.width, tile.top + tile.height];
      const own = strip[layer];
      return own ? [own.left + ((unit + 0.5) * own.width) / Number(strips[layer]!.dataset.count), own.top + own.height] : null;
    },
    entering(layer: number, unit: number, count: number): Point | null {
      const matrix = matrices[layer] ?? null;
      return matrix && [matrix.left, matrix.top + ((unit + 0.5) * matrix.height) / count];
    },
  };
}
