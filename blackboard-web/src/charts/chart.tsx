/** One chart: its lines, the update shown, notices as marks. A click goes to the update under it. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { branches } from "../actions";
import { count, power } from "../format";
import { usePaint, useSize } from "../hooks";
import { useSpot, type Spot } from "../network/spot";
import { pixelOf } from "../pixel";
import { useStore, type Store } from "../store";
import { paletteOf, type Palette } from "../theme";
import { merged, present, smooth, under, type ChartKind, type Line } from "./lines";

const STOPS = 40; // places at which keys read a chart
const WAIT = 80; // milliseconds between two drawings of a growing chart

export function Chart({ kind, seek }: { kind: ChartKind; seek: (update: number) => void }) {
  const store = useStore();
  const [box, size] = useSize<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const mark = useRef<HTMLElement | null>(null);
  const { width, height } = size.value;
  const palette = paletteOf(store);
  const runs = branches(store).length;
  const names = useNames(kind);
  const px = pixelOf(store);

  /** The place along the axis of the updates: uPlot's own cursor follows later. */
  const along = ({ clientX }: Spot): number => clientX - plot.current!.over.getBoundingClientRect().left;
  const hover = (event: Spot) => {
    const { current: chart } = plot;
    if (!chart) return;
    const [{ clientX: x, clientY: y }, left] = [event, along(event)];
    store.tip.value = left < 0 ? null : { x, y, text: () => under(store.curves, store.setup.peek()!, kind, chart.posToVal(left, "x")) };
  };
  const away = () => (store.tip.value = null);
  const open = (event: Spot) => plot.current && along(event) >= 0 && seek(Math.max(0, Math.round(plot.current!.posToVal(along(event), "x"))));
  const cells = () => {
    const whole = box.current!.getBoundingClientRect();
    const over = plot.current?.over.getBoundingClientRect() ?? whole;
    return { left: over.left - whole.left, width: over.width / STOPS, height: whole.height };
  };
  const spot = useSpot({ cells, hover, away, open });

  useEffect(() => {
    if (!width || !height) return;
    const first = table(store, kind);
    const chart = new uPlot(options(kind, first.lines, palette, width, height, px), first.data, box.current!);
    mark.current = chart.over.appendChild(document.createElement("i"));
    mark.current.className = "cb-chart__now";
    plot.current = chart;
    const stop = growing(store, () => {
      const next = table(store, kind);
      if (next.data.length === chart.series.length) chart.setData(next.data);
      place(chart, mark.current!, store);
    });
    return () => {
      stop();
      away();
      plot.current = null;
      chart.destroy();
    };
  }, [width, height, kind, palette, runs, names, px, store.setup.value]);

  usePaint(() => {
    const { update } = store.frame.value ?? {};
    if (plot.current && mark.current && update !== undefined) place(plot.current, mark.current, store);
  }, [width, height, kind, palette, runs, names]);

  return <div class="cb-chart__plot" ref={box} {...spot} aria-label={`${kind.title} over all updates; arrow keys read it, Enter goes to that update`} />;
}

/** Names of the lines drawn: told anew only when they are others. */
function useNames(kind: ChartKind): string {
  const store = useStore();
  const names = useComputed(() => {
    store.curvesTold.value;
    const { value: setup } = store.setup;
    return setup ? present(store.curves, setup, kind).join() : "";
  });
  return names.value;
}

function place(chart: uPlot, mark: HTMLElement, store: Store): void {
  const left = Math.min(chart.valToPos(store.frame.peek()?.update ?? 0, "x"), chart.over.clientWidth - 1);
  mark.style.transform = `translateX(${left}px)`;
}

/** Draws soon after curves were told, and not too often. */
function growing(store: Store, draw: () => void): () => void {
  let timer = 0;
  const stop = store.curvesTold.subscribe(() => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      requestAnimationFrame(draw);
    }, WAIT);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

/** The lines and, behind each noisy one, its mean. */
const SMALLEST = 1e-15; // on a logarithmic axis: uPlot rounds the marks of smaller ones to 0, and does not end

function table(store: Store, kind: ChartKind): { lines: Shown[]; data: uPlot.AlignedData } {
  const { updates, lines } = merged(store.curves, present(store.curves, store.setup.peek()!, kind));
  const drawn = lines.flatMap((line): Shown[] => {
    if (!noisy(line.name)) return [{ ...line, faint: false }];
    const mean = { ...line, values: smooth(line.values, updates.length / 60), faint: false };
    return [{ ...line, faint: true }, mean];
  });
  if (kind.log) for (const { values } of drawn) values.forEach((value, i) => value !== null && value <= 0 && (values[i] = null));
  return { lines: drawn, data: [updates, ...drawn.map(({ values }) => values)] as uPlot.AlignedData };
}

interface Shown extends Line {
  faint: boolean;
}
const noisy = (name: string): boolean => !name.startsWith("held") && name !== "saturated" && name !== "dead";

export function colorOf(palette: Palette, branch: string, order: number, many: boolean): string {
  const hues = [palette.accent, palette.plus, palette.good, palette.second, palette.bad, palette.soft];
  if (many) return hues[order % hues.length]!;
  if (branch === "b") return order ? palette.bad : palette.second;
  return order ? palette.plus : palette.accent;
}

function options(kind: ChartKind, lines: Shown[], palette: Palette, width: number, height: number, px: number): uPlot.Options {
  const axis = {
    stroke: palette.faint,
    grid: { stroke: palette.line, width: 1 },
    ticks: { show: false },
    font: `${11 * px}px system-ui, sans-serif`,
    gap: 4,
  };
  const many = kind.id === "norm" || kind.id === "ratio";
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } },
    padding: [6, 10, 0, 0],
    scales: {
      x: { time: false, range: (_u, _low, high) => [0, Math.max(high ?? 0, 1)] },
      y: kind.log ? { distr: 3, range: (_u, low, high) => (low === null ? [1e-3, 1] : uPlot.rangeLog(Math.max(low, SMALLEST), Math.max(high ?? 1, SMALLEST), 10, false)) } : kind.share ? { range: [0, 1] } : { range: (_u, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.05 || 1] },
    },
    axes: [
      { ...axis, size: 20 * px, space: 60 * px, values: (_u, splits) => splits.map((update) => (update % 1 ? "" : count(update))) },
      {
        ...axis,
        size: 42 * px,
        space: (kind.log ? 22 : 26) * px,
        values: (_u, splits) => splits.map((value) => tick(value, kind)),
      },
    ],
    series: [
      {},
      ...lines.map(({ branch, order, faint }) => ({
        stroke: colorOf(palette, branch, order, many) + (faint ? "30" : ""),
        width: faint ? 1 : 1.75,
        dash: many && branch === "b" ? [4, 3] : undefined,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}

function tick(value: number | null, { log, share }: ChartKind): string {
  if (value === null) return "";
  if (share) return `${Math.round(100 * value)} %`;
  if (!log) return String(Number(value.toPrecision(3))).replace("-", "−");
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9 ? `10${power(Math.round(exponent))}` : "";
}
