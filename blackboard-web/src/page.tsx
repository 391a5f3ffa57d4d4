/** The layout: bar, network, curves, and the panel that is open. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Bar } from "./bar/bar";
import { CurvesView } from "./charts/curves";
import { Help } from "./help";
import { useFocusKept } from "./hooks";
import { pressed } from "./keys";
import { Learning } from "./learn/learning";
import { Stage } from "./network/stage";
import { PANELS, type Panel } from "./panels";
import { YourCode } from "./panels/code";
import { Told } from "./panels/told";
import { StoreContext, useStore, type Store } from "./store";
import { followWidth, pixelOf } from "./pixel";
import { properties } from "./theme";
import { Start, atStart } from "./start";
import { Button } from "./ui";

/** `whole`: the page has the window to itself, so keys are heard wherever the focus is. */
export function Page({ store, whole }: { store: Store; whole: boolean }) {
  return (
    <StoreContext.Provider value={store}>
      <Either whole={whole} />
    </StoreContext.Provider>
  );
}

/** A network that learns, or somebody who does. */
function Either({ whole }: { whole: boolean }) {
  return useStore().learn.value ? <Learning lines={<Lines />} /> : <Root whole={whole} />;
}

function Root({ whole }: { whole: boolean }) {
  const store = useStore();
  const root = useRef<HTMLDivElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  useFocusKept(root);
  useEffect(() => followWidth(store, root.current!.parentElement!), []);
  const setup = store.setup.value;
  const panels = setup ? PANELS.filter((panel) => panel.when?.(setup) ?? true) : [];
  useEffect(() => {
    const page = { panels: panels.map(({ id }) => id), help: () => help.current?.showModal(), root: root.current!, clicked: false };
    const clicked = () => (page.clicked = true);
    const heard = (event: Event) => {
      if ((event as KeyboardEvent).key === "Tab") page.clicked = false;
      if (pressed(event as KeyboardEvent, store, page)) event.preventDefault();
    };
    const target = whole ? document : root.current!;
    target.addEventListener("keydown", heard);
    target.addEventListener("pointerdown", clicked);
    return () => {
      target.removeEventListener("keydown", heard);
      target.removeEventListener("pointerdown", clicked);
    };
  }, [panels.length, whole]);
  return (
    <div class="cb-root" ref={root} tabIndex={-1} role={whole ? "main" : undefined} style={{ ...properties(store), "--px": `${pixelOf(store)}px` }}>
      {whole && <h1 class="cb-unseen">Blackboard</h1>}
      {setup ? <Layout panels={panels} help={() => help.current?.showModal()} /> : <Waiting />}
      <Told />
      <Lines />
      <TipView root={root} />
      <Help dialog={help} panels={panels} />
    </div>
  );
}

/** Nothing trains yet; of a learner's file that does not run, why. */
function Waiting() {
  const store = useStore();
  const { value: state } = store.connection;
  if (store.code.value && state !== "refused") return <div class="cb-wait cb-wait--code"><YourCode /></div>;
  const text = state === "refused" ? "This address is not valid any more. Open the one that was printed last." : "Waiting for the run…";
  return (
    <p class="cb-wait" role="status">
      {text}
    </p>
  );
}

function Layout({ panels, help }: { panels: Panel[]; help: () => void }) {
  const store = useStore();
  const open = panels.find((panel) => panel.id === store.panel.value) ?? null;
  const kind = !open ? "cb-page--closed" : open.wide ? "cb-page--wide" : "";
  return (
    <div class={`cb-page ${kind}`}>
      <Bar help={help} />
      <Stage />
      {atStart(store) ? <Start /> : <CurvesView />}
      <PanelView panels={panels} open={open} />
    </div>
  );
}

function PanelView({ panels, open }: { panels: Panel[]; open: Panel | null }) {
  const store = useStore();
  const element = useRef<HTMLElement>(null);
  const before = useRef(open);
  // Where the panel lies below the pictures it comes into view when it is opened.
  useEffect(() => {
    if (open && open !== before.current) element.current!.querySelector(".cb-panel__body")!.scrollIntoView({ block: "nearest" });
    before.current = open;
  }, [open]);
  const keyed = (event: KeyboardEvent) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move || !open) return;
    event.preventDefault();
    event.stopPropagation();
    const next = panels[(panels.indexOf(open) + move + panels.length) % panels.length]!;
    store.panel.value = next.id;
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-panel="${next.id}"]`)?.focus();
  };
  return (
    <aside class="cb-panel" ref={element} aria-label={open?.title ?? "Panels"}>
      <div class="cb-tabs">
        <div class="cb-tabs__list" role="tablist" aria-label="Panels" onKeyDown={keyed}>
          {panels.map((panel, i) => (
            <button
              key={panel.id}
              type="button"
              role="tab"
              data-panel={panel.id}
              aria-selected={panel === open}
              tabIndex={panel === (open ?? panels[0]) ? 0 : -1}
              aria-keyshortcuts={String(i + 1)}
              title={`${panel.about} (${i + 1})`}
              onClick={() => (store.panel.value = panel.id)}
            >
              {panel.title}
            </button>
          ))}
        </div>
        {open && (
          <span class="cb-tabs__close">
            <Button label="Close the panel" icon="close" keys="0" kind="quiet" onClick={() => (store.panel.value = "")} />
          </span>
        )}
      </div>
      {open && (
        <div class="cb-panel__body" role="tabpanel" aria-label={open.title} key={open.id}>
          <h2 class="cb-unseen">{open.title}</h2>
          <p class="cb-about cb-panel__about">{open.about}</p>
          <open.view />
        </div>
      )}
    </aside>
  );
}

/** What went wrong, until it is dismissed; and a host that does not answer. */
function Lines() {
  const store = useStore();
  const { value: state } = store.connection;
  return (
    <div class="cb-alerts" role="alert">
      {state === "lost" && <p class="cb-alert cb-alert--lost">The run does not answer. Trying again…</p>}
      {state === "ended" && <p class="cb-alert cb-alert--lost">{store.ended.value}</p>}
      {state === "refused" && store.setup.value && (
        <p class="cb-alert cb-alert--lost">This address is not valid any more. Open the one that was printed last.</p>
      )}
      {store.errors.value.map(({ key, text }) => (
        <p class="cb-alert" key={key}>
          <span>{text}</span>
          <Button label="Dismiss" icon="close" kind="quiet" onClick={() => store.dismiss(key)} />
        </p>
      ))}
    </div>
  );
}

function TipView({ root }: { root: RefObject<HTMLElement | null> }) {
  const store = useStore();
  const { value: tip } = store.tip;
  if (!tip) return null;
  const box = root.current!.getBoundingClientRect();
  const x = tip.x - box.left;
  const side = x > box.width - 240 ? { right: `${box.width - x + 10}px` } : { left: `${x + 12}px` };
  return (
    <>
      {tip.byKeys && <i class="cb-spot" style={{ left: `${x}px`, top: `${tip.y - box.top}px` }} />}
      <div class="cb-tip" style={{ top: `${tip.y - box.top + 14}px`, ...side }} aria-hidden={!tip.byKeys} role={tip.byKeys ? "status" : undefined}>
        {tip.text().map((line) => (
          <div key={line}>{line}</div>
        ))}
      </div>
    </>
  );
}
