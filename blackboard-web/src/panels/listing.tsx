/** The lines of the source with their numbers; each opens to its equations. */
import { useEffect, useRef } from "preact/hooks";
import type { Pass } from "../anatomy";
import type { Equation, Line } from "../host";
import { pixelOf } from "../pixel";
import { useStore } from "../store";
import { Code } from "./code-text";
import { Heat } from "./heat";
import { fmt, shapeText } from "./numbers";
import { scopeOf } from "./scope";
import { UpdateLines } from "./update-lines";

const HEADS = { forward: "forward", backward: "backward" };

interface Row {
  line: Line;
  index: number;
  equations: { equation: Equation; k: number }[];
}

function rows(pass: Pass): Row[] {
  const { lines, equations } = pass.body.anatomy;
  const found: Row[] = lines.map((line, index) => ({ line, index, equations: [] }));
  equations.forEach((equation, k) => found[equation.line]?.equations.push({ equation, k }));
  return found;
}

export function Listing({ pass }: { pass: Pass }) {
  const all = rows(pass);
  return (
    <section class="cb-listing" aria-label="Lines of the source">
      <InputsRow pass={pass} />
      {(["forward", "backward"] as const).map((part) => {
        const own = all.filter(({ line }) => line.part === part);
        return own.length > 0 && [<h3 key={part}># {HEADS[part]}</h3>, ...own.map((row) => <LineRow key={row.index} row={row} pass={pass} />)];
      })}
      <UpdateLines pass={pass} />
    </section>
  );
}

/** What goes in: the sample. */
function InputsRow({ pass }: { pass: Pass }) {
  const input = pass.body.anatomy.inputs.find(({ role }) => role === "X");
  return input ? (
    <div class="cb-line">
      <div class="cb-line-head">
        <Code text={input.name} />
        <span class="cb-shape">{shapeText(input.shape)}</span>
      </div>
      <Numbers name={input.name} pass={pass} />
    </div>
  ) : null;
}

function LineRow({ row: { line, index, equations }, pass }: { row: Row; pass: Pass }) {
  const store = useStore();
  const scope = scopeOf(store);
  const element = useRef<HTMLDivElement>(null);
  const cursor = store.cursor.value;
  const first = equations[0]?.k ?? 0;
  const last = equations[equations.length - 1];
  const current = cursor >= first && cursor <= (last?.k ?? -1);
  const open = current || scope.open.value.has(index);
  const done = cursor < 0 || (last !== undefined && last.k <= cursor);
  useEffect(() => {
    if (current) element.current?.scrollIntoView({ block: "nearest" });
  }, [current, cursor]);
  const kind = `cb-line${current ? " cb-line--now" : ""}${cursor >= 0 && first > cursor ? " cb-line--later" : ""}`;
  return (
    <div class={kind} ref={element} aria-current={current ? "step" : undefined}>
      <div class="cb-line-head">
        <button class="cb-line-code" aria-expanded={open} onClick={() => scope.toggle(index)}>
          <Code text={line.code} />
        </button>
        <span class="cb-shape">{line.shape && shapeText(line.shape)}</span>
      </div>
      {last && !open && done && <Numbers name={last.equation.name} pass={pass} />}
      {open && (
        <div class="cb-equations">
          {equations.length !== 1 && line.formula && <Formula markup={line.formula} />}
          {equations.map(({ equation, k }) => (
            <EquationRow key={equation.name} equation={equation} pass={pass} now={k === cursor} later={cursor >= 0 && k > cursor} />
          ))}
        </div>
      )}
    </div>
  );
}

const Formula = ({ markup }: { markup: string }) => <span class="cb-formula" dangerouslySetInnerHTML={{ __html: markup }} />;

function EquationRow({ equation, pass, now, later }: { equation: Equation; pass: Pass; now: boolean; later: boolean }) {
  const { name, code, formula, shape } = equation;
  const text = pass.body.label(name) !== name || code.startsWith(`${name} =`) ? code : `${name} = ${code}`;
  return (
    <div class={`cb-equation${now ? " cb-equation--now" : ""}${later ? " cb-line--later" : ""}`}>
      <Formula markup={formula} />
      <div class="cb-line-head">
        <Code text={text} />
        <span class="cb-shape">{shapeText(shape)}</span>
      </div>
      {!later && <Numbers name={name} pass={pass} tall />}
    </div>
  );
}

/** A value as a picture, of which any number can be taken apart; a single number as text beside it. */
function Numbers({ name, pass, tall }: { name: string; pass: Pass; tall?: boolean }) {
  const store = useStore();
  const scope = scopeOf(store);
  const px = pixelOf(store);
  const [shape, data] = [pass.body.shape(name), pass.values[name]!];
  const spots = scope.path.value.filter((spot) => spot.name === name);
  const chosen = spots[spots.length - 1]?.index ?? null;
  return (
    <div class="cb-numbers">
      <Heat
        name={pass.body.label(name)} data={data} shape={shape} image={store.setup.value!.data.image} width={(tall ? 430 : 300) * px} height={(tall ? 150 : 72) * px}
        cell={(tall ? 16 : 12) * px} chosen={chosen} choose={(index) => scope.begin({ name, index })}
      />
      {data.length === 1 && <span class="cb-number">{fmt(data[0]!)}</span>}
    </div>
  );
}
