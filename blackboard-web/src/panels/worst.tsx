/** Held samples as small pictures, the worst first; they move to their new places. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { useStore } from "../store";
import { className } from "./chooser";
import { percent } from "./numbers";
import { filtered, scoresOf, type Scored } from "./scores";
import { Thumb } from "./thumb";

const SHOWN = 40;
const still = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-reduced-motion: reduce)");

export function Worst() {
  const store = useStore();
  const scores = scoresOf(store);
  const filter = scores.filter.value;
  const found = filtered(scores.all.value, filter);
  const list = useMoves(found.map(({ index }) => index).join(), !store.frame.value?.playing);
  const what = filter.change ?? (filter.truth === undefined ? "wrong" : `${className(store, filter.truth)} taken for ${className(store, filter.guess!)}`);
  return (
    <section class="cb-worst" aria-label="Worst predictions">
      <div class="cb-worst-head">
        <span>{found.length ? `${what}, the worst first` : `none ${what}`}</span>
        {Object.keys(filter).length > 0 && <button class="cb-link" onClick={() => (scores.filter.value = {})}>show all wrong ones</button>}
      </div>
      <ol ref={list}>
        {found.slice(0, SHOWN).map((one) => <Item key={one.index} one={one} />)}
      </ol>
      {found.length > SHOWN && <p class="cb-note">and {found.length - SHOWN} more</p>}
    </section>
  );
}

function Item({ one: { index, truth, guess, sure, change } }: { one: Scored }) {
  const store = useStore();
  const shown = `${className(store, truth)}${truth === guess ? "" : ` → ${className(store, guess)}`}`;
  const text = `${className(store, truth)} taken for ${className(store, guess)}, ${percent(sure)} for the truth${change ? `, ${change}` : ""}`;
  return (
    <li data-key={index}>
      <button class={change ? `cb-${change}` : ""} title={text} onClick={() => look(store, index)}>
        <Thumb x={row(store.setup.value!.arrays.X_held!, index)} size={48} />
        <span>{shown}</span>
        <small>{percent(sure)}</small>
        <i class="cb-unseen">held-out sample {index + 1}: {text}. Open in the microscope</i>
      </button>
    </li>
  );
}

export function look(store: ReturnType<typeof useStore>, index: number): void {
  store.look("held", index);
  store.panel.value = "microscope";
}

const row = ({ data, shape }: { data: { subarray(a: number, b: number): ArrayLike<number> }; shape: number[] }, index: number) =>
  data.subarray(index * shape[1]!, (index + 1) * shape[1]!);

/** Items that have another place since the last time glide there; not while training moves them on and on. */
function useMoves(order: string, glides: boolean) {
  const list = useRef<HTMLOListElement>(null);
  const places = useRef(new Map<string, { x: number; y: number }>());
  useLayoutEffect(() => {
    const now = new Map<string, { x: number; y: number }>();
    for (const item of list.current!.children as HTMLCollectionOf<HTMLElement>) {
      const [key, place] = [item.dataset.key!, { x: item.offsetLeft, y: item.offsetTop }];
      const was = places.current.get(key);
      now.set(key, place);
      if (was && glides && !still?.matches && (was.x !== place.x || was.y !== place.y))
        item.animate([{ transform: `translate(${was.x - place.x}px, ${was.y - place.y}px)` }, { transform: "none" }], { duration: 260, easing: "ease-out" });
    }
    places.current = now;
  }, [order]);
  return list;
}
