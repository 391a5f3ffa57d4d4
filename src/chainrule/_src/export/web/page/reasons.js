// The reasons of a prediction: how it changes if a part of the input has its typical value.
import { MOST_BARS, element, sentence } from "./elements.js";
import { Many } from "./parts.js";

const LEAST = { share: 0.0005, strength: 0.02, part: 0.005 }; // differences that count

/**
 * Return for each control the differences between the prediction of number k and that of each
 * variant: of probabilities or quantities, and of strengths (log-odds).
 */
export async function differences(inputs, outcomes, outcome, values, k) {
  const variants = inputs.controls.map((control) => control.variants());
  const list = variants.flatMap((each, c) => each.map((value) => values.map((other, i) => (i === c ? value : other))));
  const predicted = await outcomes.of(list);
  let at = 0;
  return variants.map((each) => {
    const of = predicted.slice(at, (at += each.length));
    return {
      changes: of.map((other) => outcome.values[k] - other.values[k]),
      strengths: of.map((other) => outcomes.strength(outcome, k) - outcomes.strength(other, k)),
    };
  });
}

/** Return the elements that show reasons. */
export function shownReasons(inputs, outcomes, outcome, k, found) {
  const name = outcomes.nameOf(k);
  const maps = inputs.controls.flatMap((control, i) => (control instanceof Many ? [mapOf(control, found[i].strengths, name, outcomes)] : []));
  const fields = inputs.controls.flatMap((control, i) => (control instanceof Many ? [] : [{ control, change: found[i].changes[0] ?? 0, typical: !found[i].changes.length }]));
  return [...maps, ...(fields.length ? barsOf(fields, name, outcomes, outcome.values[k]) : [])];
}

function mapOf(control, strengths, name, outcomes) {
  const map = control.mapOf(strengths);
  const most = Math.max(...map.map(Math.abs));
  const figure = element("figure", { class: "reason" });
  figure.reasons = map;
  if (!(most > (outcomes.isShare ? LEAST.strength : 0))) {
    figure.append(element("p", { class: "soft" }, `No single place speaks for or against ${name}.`));
    return figure;
  }
  const drawing = control.figure(map, most);
  const text = describe(control, map, name, outcomes);
  drawing.setAttribute("aria-label", text);
  const [up, down] = outcomes.isShare ? [`speaks for ${name}`, "speaks against it"] : [`raises ${name}`, "lowers it"];
  figure.append(drawing, element("figcaption", {}, legend(up, down), element("p", { class: "soft" }, text)));
  return figure;
}

const legend = (up, down) =>
  element("p", { class: "legend" },
    ...[["for", up], ["against", down]].map(([side, text]) => element("span", {}, element("span", { class: `key ${side}` }), text)));

/** Return a sentence on the places that speak most for and against. */
function describe(control, map, name, outcomes) {
  const sums = new Map();
  map.forEach((value, i) => {
    const place = control.placeOf(i);
    sums.set(place, (sums.get(place) ?? 0) + value);
  });
  const sorted = [...sums].sort((a, b) => b[1] - a[1]);
  const [up, down] = [sorted[0], sorted[sorted.length - 1]];
  const [most, least] = outcomes.isShare ? [`speaks most for ${name}`, "against it"] : [`raises ${name} most`, "lowers it most"];
  const parts = [up[1] > 0 ? `${up[0]} ${most}` : null, down[1] < 0 ? `${down[0]} ${up[1] > 0 ? least : least.replace("it", name)}` : null];
  return sentence(parts.filter(Boolean).join(", "));
}

function barsOf(fields, name, outcomes, value) {
  const scale = Math.max(...fields.map(({ change }) => Math.abs(change)));
  const about = outcomes.isShare ? `the probability of ${name}, in percentage points` : `${name}${outcomes.output.unit ? `, in ${outcomes.output.unit}` : ""}`;
  const note = (text) => element("p", { class: "soft" }, text);
  if (fields.every(({ typical }) => typical)) return [note("All values are typical ones. Change one: its effect on the prediction is shown here.")];
  const least = Math.max(outcomes.isShare ? LEAST.share : 0, LEAST.part * scale);
  const counting = fields.filter(({ typical, change }) => !typical && Math.abs(change) > least);
  if (!counting.length) return [note(`No value alone changes this: with any one of them typical, ${name} stays at ${outcomes.valueText(value)}.`)];
  counting.sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  const rows = counting.slice(0, MOST_BARS).map(({ control, change }) => {
    const bar = element("span", { class: `bar ${change < 0 ? "against" : "for"}` });
    bar.style.width = `${((50 * Math.abs(change)) / scale).toFixed(2)}%`;
    const item = element("li", {},
      element("span", { class: "what" }, `${control.part.name} = ${control.text()}`),
      element("span", { class: "track", "aria-hidden": "true" }, bar),
      element("b", {}, outcomes.changeText(change, scale)),
      element("span", { class: "soft than" }, `rather than ${control.text(control.typical)}`));
    item.reason = change;
    return item;
  });
  const rest = fields.filter(({ typical }) => !typical).length - rows.length;
  return [
    note(`How much each value changes ${about}, compared with its typical value:`),
    element("ol", { class: "reasons" }, ...rows),
    ...(rest > 0 ? [note(`and ${rest} that change less`)] : []),
  ];
}
