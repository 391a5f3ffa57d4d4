/** Small parts that the whole page shares: icons, buttons, choices, things that pop open. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Paths in a square of 24. */
const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  step: "M6 5v14l9-7zM16 5h3v14h-3z",
  back: "M18 5v14l-9-7zM5 5h3v14H5z",
  restart: "M12 5V1L6 6l6 5V7a5.5 5.5 0 1 1-5.5 5.5H4A8 8 0 1 0 12 5z",
  fork: "M7 3a3 3 0 0 1 1 5.8V12c0 1 .6 1.6 2 2l3 .8c2 .6 3 1.6 3 3.4V21h-2v-2.8c0-.9-.5-1.3-1.6-1.6l-3-.8A7 7 0 0 1 8 15v0.2A3 3 0 1 1 6 15.2V8.8A3 3 0 0 1 7 3z",
  sliders: "M4 6h8v2H4zM16 6h4v2h-4zM13 4h2v6h-2zM4 16h4v2H4zM12 16h8v2h-8zM9 14h2v6H9z",
  flag: "M6 3h12l-3 4.5L18 12H8v9H6z",
  help: "M11 17h2v2h-2zM12 5a4.5 4.5 0 0 0-4.5 4.5h2a2.5 2.5 0 1 1 3.7 2.2C11.8 12.5 11 13.4 11 15v.5h2V15c0-.7.3-1.1 1.2-1.6A4.5 4.5 0 0 0 12 5z",
  close: "M6.4 5 5 6.4 10.6 12 5 17.6 6.4 19 12 13.4 17.6 19 19 17.6 13.4 12 19 6.4 17.6 5 12 10.6z",
  left: "M15 5 8 12l7 7 1.4-1.4L10.8 12l5.6-5.6z",
  right: "M9 5l7 7-7 7-1.4-1.4L13.2 12 7.6 6.4z",
  dice: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zm0 2v14h14V5zM8.5 7a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM15.5 14a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM12 10.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
  moon: "M12 3a9 9 0 1 0 9 9c0-.5 0-.9-.1-1.4A5.4 5.4 0 0 1 12.5 3z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
} as const;
export type IconName = keyof typeof ICONS;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="cb-icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d={ICONS[name]} fill="currentColor" fill-rule="evenodd" />
  </svg>
);

interface ButtonProps {
  label: string;
  icon?: IconName;
  keys?: string;
  kind?: "plain" | "main" | "round" | "quiet";
  pressed?: boolean;
  disabled?: boolean;
  onClick: () => void;
  children?: ComponentChildren;
}

/** Keys as they are shown, in the words of `aria-keyshortcuts`. */
const shortcut = (keys?: string): string | undefined =>
  keys?.replace("shift ", "Shift+").replace("→", "ArrowRight").replace("←", "ArrowLeft").replace("space", "Space");

/** A button; its name and key are told by the tip and to screen readers. */
export function Button({ label, icon, keys, kind = "plain", pressed, disabled, onClick, children }: ButtonProps) {
  return (
    <button
      type="button"
      class={`cb-button cb-button--${kind}`}
      aria-label={label}
      aria-pressed={pressed}
      aria-keyshortcuts={shortcut(keys)}
      title={keys ? `${label} (${keys})` : label}
      disabled={disabled}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  choices: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** A few choices side by side, one of which holds: radio buttons to keys and screen readers. */
export function Segments<T extends string>({ label, value, choices, onChange }: SegmentsProps<T>) {
  const name = useRef(`cb-${Math.random().toString(36).slice(2)}`).current;
  return (
    <fieldset class="cb-segments" aria-label={label}>
      {choices.map(([key, text]) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === value} onChange={() => onChange(key)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface PopProps {
  label: string;
  button: ComponentChildren;
  keys?: string;
  align?: "left" | "right";
  kind?: "plain" | "quiet";
  /** Something holds that was set there. */
  marked?: boolean;
  children: (close: () => void) => ComponentChildren;
}

/** A button that opens a small sheet; Escape or a click elsewhere closes it. */
export function Pop({ label, button, keys, align = "left", kind = "plain", marked, children }: PopProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>(".cb-sheet input, .cb-sheet select, .cb-sheet button")?.focus();
    const outside = (event: Event) => {
      if (!event.composedPath().includes(box.current!)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const close = () => {
    setOpen(false);
    box.current?.querySelector("button")?.focus();
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    close();
  };
  return (
    <div class="cb-pop" ref={box} onKeyDown={keyed}>
      <button
        type="button"
        class={`cb-button cb-button--${kind} ${marked ? "cb-button--marked" : ""}`}
        aria-label={label}
        aria-expanded={open}
        aria-keyshortcuts={shortcut(keys)}
        title={keys ? `${label} (${keys})` : label}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div class={`cb-sheet cb-sheet--${align}`} role="dialog" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
