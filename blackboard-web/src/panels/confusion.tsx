/** Which class is taken for which: a row a true class, a column a predicted one; a cell filters. */
import { useRef } from "preact/hooks";
import { useStore } from "../store";
import { confusion, scoresOf, type Scored } from "./scores";

const MOVES: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function Confusion({ scored, classes }: { scored: Scored[]; classes: string[] }) {
  const scores = scoresOf(useStore());
  const table = useRef<HTMLTableElement>(null);
  const counts = confusion(scored, classes.length);
  const most = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const { truth, guess } = scores.filter.value;
  const choose = (i: number, j: number) => (scores.filter.value = truth === i && guess === j ? {} : { truth: i, guess: j });
  const keys = (event: KeyboardEvent) => {
    const move = MOVES[event.key];
    const [i, j] = ((event.target as HTMLElement).dataset.at ?? "").split(",").map(Number) as [number, number];
    if (!move || Number.isNaN(i)) return;
    table.current?.querySelector<HTMLElement>(`[data-at="${i + move[0]},${j + move[1]}"]`)?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  const long = classes.some((name) => name.length > 3);
  return (
    <figure class="cb-confusion">
      <table ref={table} class={long ? "cb-confusion-long" : ""} style={{ "--classes": classes.length }} onKeyDown={keys} aria-label="Confusion matrix: rows are true classes, columns predicted ones">
        <thead>
          <tr>
            <td />
            {classes.map((name) => <th key={name} scope="col" title={name}><span>{name}</span></th>)}
          </tr>
        </thead>
        <tbody>
          {counts.map((row, i) => (
            <tr key={i}>
              <th scope="row" title={classes[i]}>{classes[i]}</th>
              {row.map((count, j) => (
                <td key={j}>
                  <button
                    data-at={`${i},${j}`}
                    tabIndex={i === (truth ?? 0) && j === (guess ?? 0) ? 0 : -1}
                    aria-label={`${count} times a ${classes[i]} was taken for a ${classes[j]}`}
                    title={long ? `${classes[i]} taken for ${classes[j]}: ${count}` : undefined}
                    aria-pressed={i === truth && j === guess}
                    class={i === j ? "cb-right" : count ? "cb-wrong" : ""}
                    style={i === j ? undefined : { "--share": Math.sqrt(count / most) }}
                    onClick={() => choose(i, j)}
                  >
                    {count || "·"}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <figcaption>true ↓ taken for →</figcaption>
    </figure>
  );
}
