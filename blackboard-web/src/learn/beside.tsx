/** Values and figures of an answer beside those that they must be; values in one scale of colours. */
import { diverging, magnitude } from "../colors";
import { short } from "../format";
import type { Comparison } from "../host";
import { useStore } from "../store";
import { schemeOf } from "../theme";

const NUMBERED = 6; // columns, at most, in which numbers are written

const rows = (values: Comparison["values"]): number[][] => (Array.isArray(values[0]) ? values : [values]) as number[][];

export function Beside({ comparison }: { comparison: Comparison }) {
  const [yours, right] = [rows(comparison.values), rows(comparison.right)];
  const most = magnitude([...yours.flat(), ...right.flat()]);
  const wrong = yours.flat().filter((value, i) => differs(value, right.flat()[i]!, most)).length;
  return (
    <figure class="cb-beside" aria-label={`${comparison.what}: ${wrong} of ${yours.flat().length} numbers differ`}>
      <figcaption>
        {comparison.what} <span class="cb-about">{wrong} of {yours.flat().length} numbers differ</span>
      </figcaption>
      <Values title="Yours" values={yours} others={right} most={most} />
      <Values title="It must be" values={right} others={yours} most={most} />
    </figure>
  );
}

/** The figures that were drawn while an exercise was checked. */
export function Figures() {
  const told = useStore().pictures.value;
  const shown = ([["Your figure", told?.yours], ["The lab's figure", told?.lab]] as const).filter(([, picture]) => picture);
  if (!told || !shown.length) return null;
  return (
    <section class="cb-beside" aria-label={`Figures of ${told.exercise}`}>
      {shown.map(([title, picture]) => (
        <figure key={title} class="cb-beside__figure">
          <figcaption>{title} <span class="cb-about">{told.exercise}</span></figcaption>
          <img src={`data:image/png;base64,${picture!.png}`} alt={picture!.alt ? `${title}: ${picture!.alt}` : title} />
        </figure>
      ))}
    </section>
  );
}

const differs = (value: number, other: number, most: number): boolean => Math.abs(value - other) > 1e-5 * most;

function Values({ title, values, others, most }: { title: string; values: number[][]; others: number[][]; most: number }) {
  const store = useStore();
  const map = diverging(schemeOf(store));
  const written = values[0]!.length <= NUMBERED;
  return (
    <table class={`cb-values ${written ? "cb-values--written" : ""}`}>
      <caption>{title}</caption>
      <tbody>
        {values.map((row, i) => (
          <tr key={i}>
            {row.map((value, j) => (
              <td
                key={j}
                class={differs(value, others[i]![j]!, most) ? "cb-values__other" : ""}
                style={{ "--cell": map.css(0.5 + (0.5 * value) / most) }}
                title={short(value)}
              >
                <span class={written ? "" : "cb-unseen"}>{short(value)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
