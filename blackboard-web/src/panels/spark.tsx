/** Two curves of a loss in a small picture: as it was, and changed. */
import type { Line } from "./trying";

const [WIDE, HIGH] = [320, 96];

interface SparkProps {
  lines: { line: Line; name: string; kind: "first" | "second" }[];
  label: string;
}

export function Spark({ lines, label }: SparkProps) {
  const numbers = lines.flatMap(({ line }) => line.loss).filter(Number.isFinite);
  const updates = lines.flatMap(({ line }) => line.update);
  if (!numbers.length) return null;
  const top = Math.max(...numbers);
  const [from, to] = [Math.min(...updates), Math.max(...updates)];
  const path = ({ update, loss }: Line) =>
    update
      .map((u, k) => (Number.isFinite(loss[k]) ? `${((u - from) / (to - from || 1)) * WIDE},${HIGH - (loss[k]! / (top || 1)) * (HIGH - 4)}` : ""))
      .filter(Boolean)
      .join(" ");
  return (
    <figure class="cb-spark">
      <svg viewBox={`0 -2 ${WIDE} ${HIGH + 4}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <line x1="0" x2={WIDE} y1={HIGH} y2={HIGH} class="cb-spark-axis" />
        {lines.map(({ line, name, kind }) => <polyline key={name} class={`cb-spark-${kind}`} points={path(line)} />)}
      </svg>
      <figcaption>
        {lines.map(({ name, kind }) => <span key={name} class={`cb-spark-key cb-spark-key--${kind}`}>{name}</span>)}
        <span class="cb-spark-range">updates {from} to {to}</span>
      </figcaption>
    </figure>
  );
}
