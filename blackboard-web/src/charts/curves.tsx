/** The curves below the network: two charts, each of which shows what is chosen, and what was noticed. */
import { branches, show } from "../actions";
import { count } from "../format";
import type { Notice } from "../host";
import { useStore } from "../store";
import { paletteOf } from "../theme";
import { Pop } from "../ui";
import { Chart, colorOf } from "./chart";
import { KINDS, present, type ChartKind } from "./lines";

export function CurvesView() {
  const store = useStore();
  const seek = (update: number) =>
    store.send({ do: "seek", update: Math.min(update, store.frame.value?.head ?? update) });
  return (
    <section class="cb-curves" aria-label="Curves">
      {store.charts.value.map((id, at) => {
        const kind = KINDS.find((kind) => kind.id === id) ?? KINDS[at]!;
        const choose = (next: string) => (store.charts.value = store.charts.value.map((old, i) => (i === at ? next : old)));
        return (
          <figure class="cb-chart" key={at}>
            <figcaption>
              <select aria-label={`Chart ${at + 1} shows`} value={kind.id} onChange={(event) => choose(event.currentTarget.value)}>
                {KINDS.map(({ id, title }) => (
                  <option key={id} value={id}>
                    {title}
                  </option>
                ))}
              </select>
              <Legend kind={kind} />
              {at > 0 && <Notices seek={seek} />}
            </figcaption>
            <Chart kind={kind} seek={seek} />
          </figure>
        );
      })}
    </section>
  );
}

function Legend({ kind }: { kind: ChartKind }) {
  const store = useStore();
  const palette = paletteOf(store);
  store.curvesTold.value; // lines that say nothing are not named
  const lines = present(store.curves, store.setup.value!, kind);
  const runs = branches(store);
  const many = kind.id === "norm" || kind.id === "ratio";
  return (
    <ul class="cb-chart__legend">
      {(many ? ["a"] : runs).flatMap((branch) =>
        lines.map(([name, label, order]) => (
          <li key={branch + name}>
            <i style={{ background: colorOf(palette, branch, order, many) }} />
            {runs.length > 1 && !many ? `${branch.toUpperCase()} ${label}` : label}
          </li>
        )),
      )}
      {many && runs.length > 1 && <li>B dashed</li>}
    </ul>
  );
}

/** The latest notice, and all of them behind it; each leads to its update. */
function Notices({ seek }: { seek: (update: number) => void }) {
  const store = useStore();
  const notices = store.notices.value;
  const last = notices[notices.length - 1];
  if (!last) return null;
  const said = notices.length === 1 ? "1 notice" : `${notices.length} notices`;
  const many = branches(store).length > 1;
  return (
    <div class="cb-notices">
      <Pop label={said} align="right" button={<><span class="cb-notices__last">{last.text}</span><span class="cb-notices__count">{said}</span></>}>
        {(close) => (
          <ol class="cb-notices__list">
            {notices.map((notice: Notice, i) => (
              <li key={i}>
                <button
                  type="button"
                  onClick={() => {
                    if (notice.branch !== store.branch.value) show(store, notice.branch);
                    seek(notice.update);
                    close();
                  }}
                >
                  <b>{many && `${notice.branch.toUpperCase()} `}{count(notice.update)}</b> {notice.text}
                </button>
              </li>
            ))}
          </ol>
        )}
      </Pop>
    </div>
  );
}
