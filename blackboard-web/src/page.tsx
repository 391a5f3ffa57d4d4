/** The layout: bar, network, curves, and the panel that is open. */
import { PANELS } from "./panels";
import { StoreContext, type Store } from "./store";

export function Page({ store }: { store: Store }) {
  return (
    <StoreContext.Provider value={store}>
      <Layout store={store} />
    </StoreContext.Provider>
  );
}

function Layout({ store }: { store: Store }) {
  const setup = store.setup.value;
  if (!setup) return <p class="cb-wait">Waiting for the run…</p>;
  const panels = PANELS.filter((panel) => panel.when?.(setup) ?? true);
  const open = panels.find((panel) => panel.id === store.panel.value) ?? panels[0];
  return (
    <div class={open?.wide ? "cb-page cb-page--wide" : "cb-page"}>
      <header class="cb-bar">{/* transport */}</header>
      <section class="cb-stage" aria-label="Network">{/* network */}</section>
      <section class="cb-curves" aria-label="Curves">{/* curves */}</section>
      <aside class="cb-panel" aria-label={open?.title}>
        <nav class="cb-tabs" role="tablist" aria-label="Panels">
          {panels.map((panel, i) => (
            <button
              key={panel.id}
              role="tab"
              aria-selected={panel === open}
              aria-keyshortcuts={String(i + 1)}
              onClick={() => (store.panel.value = panel.id)}
            >
              {panel.title}
            </button>
          ))}
        </nav>
        {open && <open.view />}
      </aside>
    </div>
  );
}
