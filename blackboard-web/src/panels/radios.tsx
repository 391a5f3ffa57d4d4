/** A few choices below one another, one of which holds. */
import { useId } from "preact/hooks";

interface RadiosProps<T> {
  legend: string;
  value: T | null;
  choices: (readonly [T, string])[];
  onChange: (value: T) => void;
}

export function Radios<T extends string | number>({ legend, value, choices, onChange }: RadiosProps<T>) {
  const group = useId();
  return (
    <fieldset class="cb-radios">
      <legend>{legend}</legend>
      {choices.map(([key, text]) => (
        <label key={key}>
          <input type="radio" name={group} checked={key === value} onChange={() => onChange(key)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
