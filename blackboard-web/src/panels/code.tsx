/** Your code: what the check of the file says, and where. */
import type { Code } from "../host";
import { useStore } from "../store";

const STATES: Record<Code["state"], string> = {
  checking: "being checked…",
  right: "the gradient is right",
  wrong: "the gradient is wrong",
  broken: "it does not run",
  endless: "it does not come to an end",
};

export interface CodeLine {
  number: number;
  text: string;
  marked?: boolean;
  /** How the line should be. */
  repaired?: string | null;
}

export function YourCode() {
  const code = useStore().code.value;
  if (!code)
    return (
      <p class="cb-note">
        Start the blackboard with your own file, <code>chainrule blackboard --model mylab.py</code>: at every save it is read anew,
        its gradient is checked, and training goes on with it.
      </p>
    );
  const lines = code.lines as CodeLine[];
  return (
    <div class="cb-yours" data-part="code">
      <header>
        <code>{code.path}</code>
        <span class={`cb-state cb-state--${code.state}`} role="status">{STATES[code.state]}</span>
      </header>
      {code.text && <pre class="cb-report">{code.text}</pre>}
      {lines.length > 0 && (
        <ol class="cb-source" start={lines[0]!.number}>
          {lines.map(({ number, text, marked, repaired }) => (
            <li key={number} value={number} class={marked ? "cb-source-marked" : ""} aria-current={marked ? "true" : undefined}>
              <code>{text || " "}</code>
              {repaired && <code class="cb-source-repaired">{repaired}</code>}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
