/** Probabilities of the classes as bars; the true class, where it is known, has a mark. */
import { useStore } from "../store";
import { className } from "./chooser";
import { percent } from "./numbers";
import { best } from "./scope";

export function Probabilities({ p, y }: { p: Float64Array; y: number | null }) {
  const store = useStore();
  const first = best(p);
  return (
    <table class="cb-bars" aria-label="Probabilities">
      <tbody>
        {Array.from(p, (share, k) => (
          <tr key={k} class={k === first ? "cb-bars-first" : ""} aria-current={k === first ? "true" : undefined}>
            <th scope="row" title={className(store, k)}>{className(store, k)}{k === y && <span class="cb-bars-true" title="the label" aria-label="the label">•</span>}</th>
            <td><i style={{ width: `${100 * share}%` }} /></td>
            <td class="cb-bars-number">{percent(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
