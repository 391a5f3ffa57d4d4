/** The column in which a scene is told, and the frame around what it points at. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../store";
import { PARTS } from "./scene";
import { tellerOf, type Teller } from "./teller";

const KEYS: Record<string, number> = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 };

export function Told() {
  const store = useStore();
  const teller = tellerOf(store);
  const [scene, step, at] = [teller.scene.value, teller.step.value, teller.at.value];
  useKeys(teller, scene !== null);
  if (!scene || !step) return null;
  const last = at === scene.steps.length - 1;
  return (
    <>
      <section class="cb-told" aria-label={`Scene: ${scene.title}`}>
        <header>
          <h2>{scene.title}</h2>
          <button class="cb-told-close" aria-label="End the scene" aria-keyshortcuts="Escape" onClick={() => teller.end()}>×</button>
        </header>
        <div class="cb-told-text" key={at} aria-live="polite">
          {step.text.split("\n").map((paragraph, k) => <p key={k}>{marked(paragraph)}</p>)}
          {teller.waiting.value && (
            <p class="cb-told-wait">
              Wait until {said(step.wait!)}… <button class="cb-link" onClick={() => teller.move(1)}>go on all the same</button>
            </p>
          )}
        </div>
        <footer>
          <button class="cb-told-step" aria-label="Step before" disabled={at === 0} onClick={() => teller.move(-1)}>←</button>
          <ol aria-hidden="true">{scene.steps.map((_, k) => <li key={k} class={k === at ? "cb-now" : k < at ? "cb-past" : ""} />)}</ol>
          <button class="cb-told-step cb-main" aria-label={last ? "End" : "Next step"} disabled={teller.waiting.value} onClick={() => teller.move(1)}>
            {last ? "end" : "→"}
          </button>
        </footer>
      </section>
      {step.point && <Pointer selector={PARTS[step.point] ?? ""} />}
    </>
  );
}

/** `code` and *emphasis* in a text. */
function marked(text: string) {
  return text.split(/(`[^`]+`|\*[^*]+\*)/).map((part, k) => {
    if (k % 2 === 0) return part;
    return part[0] === "`" ? <code key={k}>{part.slice(1, -1)}</code> : <em key={k}>{part.slice(1, -1)}</em>;
  });
}

const said = (wait: string): string => (wait === "paused" ? "the run stands still" : `the ${wait.replace(/\s*([<>]=?)\s*/, " is $1 ").replace("accuracy", "accuracy on held-out data")}`);

function useKeys(teller: Teller, on: boolean): void {
  useEffect(() => {
    if (!on) return;
    const press = (event: KeyboardEvent) => {
      const where = event.composedPath()[0] as HTMLElement;
      if (where !== document.body && !where.closest?.(".cb-root")) return;
      if (where.closest?.("input, select, textarea, [role=application]") || event.ctrlKey || event.altKey || event.metaKey) return;
      const by = KEYS[event.key];
      if (by && !(by > 0 && teller.waiting.peek())) teller.move(by);
      else if (event.key === "Escape") teller.end();
      else if (!by) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    document.addEventListener("keydown", press, true);
    return () => document.removeEventListener("keydown", press, true);
  }, [teller, on]);
}

/** A frame around an element, wherever it moves; a new one is scrolled to. */
function Pointer({ selector }: { selector: string }) {
  const own = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState<{ left: number; top: number; width: number; height: number } | null>(null);
  useEffect(() => {
    const root = own.current!.closest(".cb-root")!;
    const find = () => root.querySelector<HTMLElement>(selector);
    const follow = () => {
      const [there, here] = [find()?.getBoundingClientRect(), root.getBoundingClientRect()];
      setBox(there?.width ? { left: there.left - here.left + 2, top: there.top - here.top + 2, width: there.width - 4, height: there.height - 4 } : null);
    };
    const start = setTimeout(() => find()?.scrollIntoView({ block: "nearest" }), 50);
    const timer = setInterval(follow, 100);
    follow();
    return () => (clearTimeout(start), clearInterval(timer));
  }, [selector]);
  const style = box ? { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` } : { display: "none" };
  return <div ref={own} class="cb-pointer" style={style} aria-hidden="true" />;
}
