/** A pad to draw on: with the pointer, a finger, or the arrow keys. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Point, Stroke } from "../digits";
import { useStore } from "../store";
import { schemeOf } from "../theme";
import { drawingOf, type Drawing } from "./drawing";

const STEP = 1 / 24;
const MOVES: Record<string, Point> = { ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] };

export function Pad() {
  const store = useStore();
  const drawing = drawingOf(store);
  const canvas = useRef<HTMLCanvasElement>(null);
  const pen = useSignal<{ at: Point; down: boolean } | null>(null);
  const strokes = drawing.strokes.value;
  const colors = schemeOf(store);
  useEffect(() => paint(canvas.current!, strokes, pen.value), [strokes, colors, pen.value]);
  return (
    <div class="cb-pad">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="Pad to draw on. With keys: arrows move the pen, Space puts it down and lifts it, Backspace takes the last stroke back, Delete clears."
        {...pointer(drawing)}
        onFocus={() => (pen.value ??= { at: [0.5, 0.2], down: false })}
        onBlur={() => (pen.value = null)}
        onKeyDown={(event) => keys(event, drawing, pen)}
      />
      {!strokes.length && <span class="cb-pad-hint" aria-hidden="true">draw here</span>}
    </div>
  );
}

function pointer(drawing: Drawing) {
  const place = (event: PointerEvent, box: DOMRect): Point => [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  return {
    onPointerDown(event: PointerEvent) {
      const canvas = event.currentTarget as HTMLCanvasElement;
      canvas.setPointerCapture(event.pointerId);
      drawing.begin(place(event, canvas.getBoundingClientRect()));
      event.preventDefault();
    },
    onPointerMove(event: PointerEvent) {
      const canvas = event.currentTarget as HTMLCanvasElement;
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const box = canvas.getBoundingClientRect();
      const events = event.getCoalescedEvents?.() ?? [];
      drawing.extend((events.length ? events : [event]).map((one) => place(one, box)));
    },
  };
}

function keys(event: KeyboardEvent, drawing: Drawing, pen: { value: { at: Point; down: boolean } | null }): void {
  const [move, { at, down }] = [MOVES[event.key], pen.value ?? { at: [0.5, 0.2] as Point, down: false }];
  if (move) {
    const to = at.map((x, i) => Math.max(0.04, Math.min(0.96, x + move[i]!))) as Point;
    if (down) drawing.extend([to]);
    pen.value = { at: to, down };
  } else if (event.key === " ") {
    if (!down) drawing.begin(at);
    pen.value = { at, down: !down };
  } else if (event.key === "Backspace") drawing.undo();
  else if (event.key === "Delete") drawing.clear();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function paint(canvas: HTMLCanvasElement, strokes: Stroke[], pen: { at: Point; down: boolean } | null): void {
  const side = canvas.clientWidth * (globalThis.devicePixelRatio ?? 1);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  context.clearRect(0, 0, side, side);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = style.color;
  context.lineWidth = side * 0.055;
  for (const stroke of strokes) {
    context.beginPath();
    stroke.forEach(([x, y], k) => (k ? context.lineTo(x * side, y * side) : context.moveTo(x * side, y * side)));
    if (stroke.length === 1) context.lineTo(stroke[0]![0] * side, stroke[0]![1] * side);
    context.stroke();
  }
  if (!pen || !canvas.matches(":focus-visible")) return;
  context.strokeStyle = style.getPropertyValue("--accent");
  context.lineWidth = side * 0.008;
  context.beginPath();
  context.arc(pen.at[0] * side, pen.at[1] * side, side * (pen.down ? 0.02 : 0.035), 0, 2 * Math.PI);
  context.stroke();
}
