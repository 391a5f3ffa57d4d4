/** One number taken apart: what multiplies and adds up to it, and what a small change of it does to the loss. */
import { useState } from "preact/hooks";
import type { Factors, Part, Pass, Term } from "../anatomy";
import { useStore } from "../store";
import { DifferenceView } from "./difference";
import { entryOf, fmt, shapeText } from "./numbers";
import { scopeOf, type Spot } from "./scope";

const SHOWN = 10;
const BETWEEN: Record<string, string> = { multiply: "×", add: "+", subtract: "−", divide: "÷", power: "^" };
const TOGETHER: Record<string, string> = { sum: "add up to", max: "have the largest", min: "have the smallest", prod: "multiply to" };

export function FactorsView({ pass }: { pass: Pass }) {
  const scope = scopeOf(useStore());
  const spot = scope.spot;
  if (!spot || !pass.values[spot.name])
    return (
      <aside class="cb-factors cb-factors--empty">
        <p>Choose any number: here stands what it is made of, down to pixels and weights.</p>
      </aside>
    );
  const value = pass.values[spot.name]![spot.index]!;
  return (
    <aside class="cb-factors" aria-label="What the number is made of" aria-live="polite">
      <Path pass={pass} />
      <h3>
        <code>{entryOf(pass, spot)}</code> <b>{fmt(value, 6)}</b>
      </h3>
      <Made key={`${spot.name} ${spot.index}`} pass={pass} spot={spot} />
      <DifferenceView pass={pass} spot={spot} />
    </aside>
  );
}

/** The way from the number chosen first to this one. */
function Path({ pass }: { pass: Pass }) {
  const scope = scopeOf(useStore());
  const path = scope.path.value;
  return (
    <nav class="cb-path" aria-label="Path">
      {path.map((spot, k) => (
        <button key={k} aria-current={k === path.length - 1 ? "true" : undefined} onClick={() => scope.back(k)}>
          {entryOf(pass, spot)}
        </button>
      ))}
      <button class="cb-path-close" aria-label="Close" onClick={() => (scope.path.value = [])}>×</button>
    </nav>
  );
}

function Made({ pass, spot }: { pass: Pass; spot: Spot }) {
  const factors = pass.factors(spot.name, spot.index);
  if (factors) return factors.reduce ? <Sum factors={factors} pass={pass} /> : <Single factors={factors} pass={pass} />;
  const k = pass.body.made(spot.name);
  if (k < 0) return <p class="cb-note">{leaf(pass, spot.name)}</p>;
  const { uses, code } = pass.body.anatomy.equations[k]!;
  return (
    <p class="cb-note">
      <code>{code}</code> uses {uses.map((name) => `${pass.body.label(name)} (${shapeText(pass.body.shape(name))})`).join(", ")} whole.
    </p>
  );
}

function leaf(pass: Pass, name: string): string {
  const role = pass.body.anatomy.inputs.find((input) => input.name === name)?.role;
  if (role === "params") return "A parameter: it comes from the updates before. The way ends here.";
  return role === "X" ? "A number of the sample: the way ends here." : "The label of the sample: the way ends here.";
}

function Single({ factors, pass }: { factors: Factors; pass: Pass }) {
  return (
    <>
      <p class="cb-single"><Worked term={factors.terms[0]!} op={factors.op} pass={pass} /></p>
      <Proof factors={factors} />
    </>
  );
}

function Sum({ factors, pass }: { factors: Factors; pass: Pass }) {
  const [all, setAll] = useState(false);
  const terms = [...factors.terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const most = Math.abs(terms[0]?.value ?? 0) || 1;
  const shown = all ? terms : terms.slice(0, SHOWN);
  const rest = terms.slice(shown.length);
  return (
    <>
      <ol class="cb-terms">
        {shown.map((term, k) => (
          <li key={k}>
            <Bar share={term.value / most} />
            <Worked term={term} op={factors.op} pass={pass} />
          </li>
        ))}
      </ol>
      {rest.length > 0 && (
        <button class="cb-more" onClick={() => setAll(true)}>
          … and {rest.length} more, together {fmt(rest.reduce((sum, term) => sum + term.value, 0))}
        </button>
      )}
      <Proof factors={factors} />
    </>
  );
}

const Bar = ({ share }: { share: number }) => (
  <span class="cb-term-bar" aria-hidden="true">
    <i class={share < 0 ? "cb-minus" : "cb-plus"} style={{ width: `${Math.abs(share) * 50}%`, [share < 0 ? "right" : "left"]: "50%" }} />
  </span>
);

/** `a × b = value`, each part a way deeper. */
function Worked({ term, op, pass }: { term: Term; op: string; pass: Pass }) {
  const sign = BETWEEN[op];
  const parts = term.parts.map((part, k) => [k > 0 && <i> {sign ?? ","} </i>, <Chip key={k} part={part} pass={pass} />]);
  return (
    <>
      <span class="cb-worked">{sign || op === "copy" ? parts : [<i>{op === "negative" ? "−" : `${op}(`}</i>, parts, op !== "negative" && <i>)</i>]}</span>
      {op !== "copy" && <b class="cb-comes"><i>=</i> {fmt(term.value)}</b>}
    </>
  );
}

function Chip({ part: { name, index, value }, pass }: { part: Part; pass: Pass }) {
  const scope = scopeOf(useStore());
  if (name === null) return <span class="cb-chip cb-chip--plain">{fmt(value)}</span>;
  return (
    <button class="cb-chip" onClick={() => scope.deeper({ name, index })}>
      <code>{entryOf(pass, { name, index })}</code> {fmt(value)}
    </button>
  );
}

/** That it is so: what they come to, what the pass has, and how far apart these are. */
function Proof({ factors: { reduce, terms, computed, value } }: { factors: Factors }) {
  const exact = useStore().frame.value?.exact ?? true;
  const apart = computed === value ? "equal to the last bit" : `difference ${fmt(Math.abs(computed - value), 2)}`;
  const words = reduce ? `${terms.length} terms ${TOGETHER[reduce] ?? reduce}` : "comes to";
  return (
    <p class="cb-proof">
      {words} <b>{fmt(computed, 8)}</b>; the pass has <b>{fmt(value, 8)}</b>; {apart}
      {!exact && ", with weights rounded to seven digits while training runs"}
    </p>
  );
}
