/** The exercises of a lab: the text, an editor, the checks as they come, hints, and what is wrong as pictures. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Learn } from "../host";
import { followWidth, pixelOf } from "../pixel";
import { useStore, type Store } from "../store";
import { nightly, properties, turn } from "../theme";
import { Button } from "../ui";
import { Beside, Figures } from "./beside";
import { Editor } from "./editor";

const ASKS = { h: "hint", s: "solution", r: "reset" } as const;

export function Learning({ lines }: { lines: ComponentChildren }) {
  const store = useStore();
  const root = useRef<HTMLDivElement>(null);
  const learn = store.learn.value!;
  useEffect(() => followWidth(store, root.current!.parentElement!), []);
  useEffect(() => {
    document.title = learn.exercise ? `${learn.exercise} – ${learn.lab}` : "All exercises are done";
  }, [learn.exercise]);
  useEffect(() => {
    const heard = (event: KeyboardEvent) => {
      if (keyed(event, store, root.current!)) event.preventDefault();
    };
    document.addEventListener("keydown", heard);
    return () => document.removeEventListener("keydown", heard);
  }, []);
  return (
    <div class="cb-root cb-learn" ref={root} tabIndex={-1} style={{ ...properties(store), "--px": `${pixelOf(store)}px` }}>
      <Top learn={learn} />
      <main class="cb-learn__page">
        {learn.exercise ? <Exercise learn={learn} /> : learn.looked ? <Done learn={learn} /> : <p class="cb-wait" role="status">Looking at your files…</p>}
      </main>
      {lines}
    </div>
  );
}

/** Single keys, as in a terminal; in the editor they are letters. */
function keyed(event: KeyboardEvent, store: Store, root: HTMLElement): boolean {
  const editor = root.querySelector("textarea");
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    root.querySelector<HTMLButtonElement>("[data-part=check]")?.click();
    return true;
  }
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return false;
  if (event.key === "e" && editor) editor.focus();
  else if (event.key === "l") toggle(root);
  else if (event.key in ASKS) store.send({ do: "ask", name: ASKS[event.key as keyof typeof ASKS] });
  else return false;
  return true;
}

function toggle(root: HTMLElement): void {
  const list = root.querySelector("details")!;
  list.open = !list.open;
}

function Top({ learn }: { learn: Learn }) {
  const store = useStore();
  const lab = learn.labs.find(({ exercises }) => exercises.some(([name]) => name === learn.exercise)) ?? learn.labs.at(-1)!;
  const passed = lab.exercises.filter(([, , done]) => done).length;
  const count = lab.exercises.length;
  return (
    <header class="cb-learn__top">
      <h1>{lab.title}</h1>
      <label class="cb-learn__progress">
        <progress value={passed} max={count} aria-label="Exercises that are done" />
        <span>{passed} of {count} exercises</span>
      </label>
      <details>
        <summary title="All exercises (l)">All exercises</summary>
        <nav aria-label="Exercises">
          {learn.labs.map(({ title, exercises }) => (
            <section key={title}>
              <h2>{title}</h2>
              <ul>
                {exercises.map(([name, about, done]) => (
                  <li key={name} class={done ? "cb-learn__done" : ""} aria-current={name === learn.exercise ? "step" : undefined}>
                    <span aria-hidden="true">{done ? "✓" : name === learn.exercise ? "→" : "·"}</span>
                    <span class="cb-unseen">{done ? "done: " : name === learn.exercise ? "next: " : ""}</span>
                    <code>{name}</code> <span class="cb-about">{about}</span>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </nav>
      </details>
      <Button label={nightly(store) ? "By day" : "By night"} icon="moon" kind="quiet" onClick={() => turn(store)} />
    </header>
  );
}

function Exercise({ learn }: { learn: Learn }) {
  const store = useStore();
  const task = store.task.value;
  const passed = usePassed(learn);
  return (
    <>
      <section class="cb-learn__task" aria-labelledby="cb-task" tabIndex={0}>
        <h2 id="cb-task"><code>{learn.exercise}</code></h2>
        <p>{learn.title}.</p>
        {task?.exercise === learn.exercise && (
          // The lab's own text, which the server has made of Markdown, without HTML of others.
          <div class={`cb-learn__text ${nightly(store) ? "cb-learn__text--night" : ""}`} dangerouslySetInnerHTML={{ __html: task.html }} />
        )}
      </section>
      <section class="cb-learn__work" aria-label="Your answer">
        {passed && (
          <p class="cb-learn__passed">
            <span><b>✓ {passed}</b> is right. Next: {learn.exercise}.</span>
          </p>
        )}
        <Editor key={learn.exercise} learn={learn} />
        <Checks learn={learn} />
        <Hints learn={learn} />
        <OneSolution />
      </section>
    </>
  );
}

/** The exercise that has just passed, while the one after it is new. */
function usePassed(learn: Learn): string {
  const before = useRef(learn.exercise);
  const [passed, setPassed] = useState("");
  const done = learn.labs.flatMap(({ exercises }) => exercises).filter(([, , each]) => each).map(([name]) => name);
  useEffect(() => {
    if (before.current !== learn.exercise && done.includes(before.current)) setPassed(before.current);
    else if (learn.sentence) setPassed("");
    before.current = learn.exercise;
  });
  return passed;
}

function Checks({ learn }: { learn: Learn }) {
  const checks = learn.checks ?? [];
  const right = checks.filter(([, passed]) => passed).length;
  const said = learn.checking
    ? `Checking ${learn.checking}…`
    : learn.problem
      ? learn.problem
      : learn.sentence
        ? `✗ ${right} of ${checks.length} checks`
        : learn.looked
          ? "Not begun: write your answer, then check it."
          : "Looking at your files…";
  return (
    <div class="cb-learn__checks">
      <div role="status" aria-live="polite">
        <p class={learn.sentence && !learn.checking ? "cb-learn__wrong" : "cb-about"}>{said}</p>
        {learn.sentence && !learn.checking && <p class="cb-learn__sentence">{learn.sentence}</p>}
      </div>
      {checks.length > 0 && (
        <ul aria-label="Checks">
          {checks.map(([name, passed], i) => (
            <li key={i} class={passed ? "cb-learn__right" : "cb-learn__wrong"}>
              <span aria-hidden="true">{passed ? "●" : "○"}</span> {name}
              <span class="cb-unseen">{passed ? ": passed" : ": failed"}</span>
            </li>
          ))}
        </ul>
      )}
      {learn.comparison && !learn.checking && <Beside comparison={learn.comparison} />}
      {!learn.checking && <Figures />}
    </div>
  );
}

function Hints({ learn }: { learn: Learn }) {
  const store = useStore();
  const hints = learn.hints ?? [];
  const count = learn.hint_count ?? 0;
  const ask = (name: "hint" | "solution" | "reset") => store.send({ do: "ask", name });
  return (
    <div class="cb-learn__hints">
      <div class="cb-learn__buttons">
        <Button label={hints.length < count ? `Hint ${hints.length + 1} of ${count}` : "No more hints"} keys="h" disabled={hints.length >= count} onClick={() => ask("hint")}>
          {hints.length < count ? `Hint ${hints.length + 1} of ${count}` : "No more hints"}
        </Button>
        <Button label="Solution of the last" keys="s" disabled={!learn.can_show_solution} onClick={() => ask("solution")}>
          Solution of the last
        </Button>
        <Button label="Begin anew" keys="r" onClick={() => ask("reset")}>
          Begin anew
        </Button>
      </div>
      <ol aria-label="Hints" aria-live="polite">
        {hints.map((hint) => (
          <li key={hint}>{hint}</li>
        ))}
      </ol>
    </div>
  );
}

function OneSolution() {
  const store = useStore();
  const solution = store.solution.value;
  if (!solution) return null;
  return (
    <section class="cb-learn__solution" aria-label={`One solution of ${solution.exercise}`}>
      <header>
        <h3>{solution.exercise}, one solution</h3>
        <Button label="Close the solution" icon="close" kind="quiet" onClick={() => (store.solution.value = null)} />
      </header>
      <pre tabIndex={0}><code>{solution.code}</code></pre>
    </section>
  );
}

function Done({ learn }: { learn: Learn }) {
  return (
    <section class="cb-learn__work" role="status">
      <h2>All exercises are done. Well done.</h2>
      {learn.afterwards.map((line) => (
        <p key={line}>{line}</p>
      ))}
      <Figures />
      <OneSolution />
    </section>
  );
}
