/** The slider over all updates: drag to see the run at any of them. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { count } from "../format";
import { useStore } from "../store";
import { throttle } from "../throttle";

const SETTLED = 300; // milliseconds after which the thumb stands where the run is, not where it was asked to

export function Scrub() {
  const store = useStore();
  const frame = store.frame.value;
  const held = useSignal<number | null>(null);
  const seek = useMemo(() => throttle((update: number) => store.send({ do: "seek", update }), 33), []);
  const told = frame?.update ?? 0;
  // The thumb stays where the hand is until the host has come there.
  useEffect(() => {
    if (held.value === told) held.value = null;
  }, [told]);
  const [now, head] = [held.value ?? told, Math.max(frame?.head ?? 0, 1)];
  const notices = store.notices.value.filter(({ branch }) => branch === store.branch.value);
  return (
    <div class="cb-scrub">
      <span class="cb-scrub__end">0</span>
      <div class="cb-scrub__track">
        <input
          type="range"
          min={0}
          max={head}
          step={1}
          value={now}
          disabled={!frame?.head}
          aria-label="Update shown"
          aria-valuetext={`update ${now} of ${frame?.head ?? 0}`}
          style={{ "--part": `${(100 * now) / head}%` }}
          onInput={(event) => {
            held.value = event.currentTarget.valueAsNumber;
            seek(held.value);
          }}
          onChange={() => setTimeout(() => (held.value = null), SETTLED)}
          onBlur={() => (held.value = null)}
        />
        {notices.map(({ update, text, kind }) => (
          <i key={`${update}${kind}`} class="cb-scrub__mark" style={{ left: `${(100 * update) / head}%` }} title={text} />
        ))}
      </div>
      <span class="cb-scrub__end">{count(frame?.head ?? 0)}</span>
    </div>
  );
}
