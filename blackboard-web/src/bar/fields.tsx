/** Settings that change in flight: rate, batch size, momentum. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { short } from "../format";
import type { Flight } from "../host";
import { useStore } from "../store";
import { throttle } from "../throttle";

const WAIT = 60; // milliseconds between two sayings of a slider

interface SliderProps {
  label: string;
  value: number;
  low: number;
  high: number;
  step: number | "any";
  /** From the slider's place to the number meant, and back. */
  scale?: [to: (place: number) => number, from: (value: number) => number];
  show?: (value: number) => string;
  onChange: (value: number) => void;
}

const PLAIN: [(x: number) => number, (x: number) => number] = [(x) => x, (x) => x];
export const LOG: typeof PLAIN = [(place) => Number((10 ** place).toPrecision(2)), Math.log10];

/** A slider that says what it holds while it is dragged, and follows the host when it is let go. */
export function Slider({ label, value, low, high, step, scale = PLAIN, show = short, onChange }: SliderProps) {
  const held = useSignal<number | null>(null);
  const say = useMemo(() => throttle(onChange, WAIT), []);
  const [to, from] = scale;
  const now = held.value ?? value;
  const moved = (place: number) => {
    held.value = to(place);
    say(held.value);
  };
  // Numbers out of the slider's range are the host's to judge: it tells what it expects.
  const typed = (input: HTMLInputElement) => {
    const number = Number(input.value.replace(",", ".").replace("−", "-"));
    if (input.value.trim() && !Number.isNaN(number)) onChange(number);
    input.value = show(value);
  };
  const released = () => setTimeout(() => (held.value = null), 2 * WAIT);
  return (
    <div class="cb-field">
      <span class="cb-field__name">
        {label}
        <input
          class="cb-typed"
          inputMode="decimal"
          aria-label={`${label}, typed`}
          value={show(now)}
          onFocus={(event) => event.currentTarget.select()}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
          onChange={(event) => typed(event.currentTarget)}
        />
      </span>
      <input
        type="range"
        min={from(low)}
        max={from(high)}
        step={step}
        value={from(now)}
        aria-label={label}
        aria-valuetext={show(now)}
        style={{ "--part": `${(100 * (from(now) - from(low))) / (from(high) - from(low))}%` }}
        onInput={(event) => moved(event.currentTarget.valueAsNumber)}
        onChange={released}
        onBlur={released}
      />
    </div>
  );
}

export function FlightFields() {
  const store = useStore();
  const settings = store.frame.value?.settings ?? {};
  const { limits, in_flight } = store.setup.value!.settings;
  const set = (flight: Flight) => store.send({ do: "set", ...flight });
  const { rate, batch_size, momentum } = settings;
  return (
    <div class="cb-flight">
      {rate !== undefined && in_flight.includes("rate") && (
        <Slider
          label="Learning rate"
          value={rate}
          low={limits.rate?.[0] ?? 1e-4}
          high={limits.rate?.[1] ?? 10}
          step={0.01}
          scale={LOG}
          show={(value) => String(Number(value.toPrecision(2)))}
          onChange={(value) => set({ rate: value })}
        />
      )}
      {batch_size !== undefined && in_flight.includes("batch_size") && (
        <label class="cb-field">
          <span class="cb-field__name">Batch size</span>
          <select
            value={batch_size}
            onChange={(event) => set({ batch_size: Number(event.currentTarget.value) })}
          >
            {sizes(batch_size, limits.batch_size?.[1] ?? 1024).map((size) => (
              <option key={size} value={size}>
                {size}
              </option>
            ))}
          </select>
        </label>
      )}
      {momentum !== undefined && in_flight.includes("momentum") && (
        <Slider
          label="Momentum"
          value={momentum}
          low={0}
          high={0.99}
          step={0.01}
          show={(value) => value.toFixed(2)}
          onChange={(value) => set({ momentum: value })}
        />
      )}
    </div>
  );
}

/** Powers of two, the whole set, and the size that holds. */
export function sizes(now: number, most: number): number[] {
  const powers = Array.from({ length: 12 }, (_, i) => 2 ** i).filter((size) => size < most);
  return [...new Set([...powers, most, now])].sort((a, b) => a - b);
}
