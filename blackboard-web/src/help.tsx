/** The keys, over the page. */
import type { Ref } from "preact";
import { KEYS } from "./keys";
import type { Panel } from "./panels";
import { Button } from "./ui";

export function Help({ dialog, panels }: { dialog: Ref<HTMLDialogElement>; panels: Panel[] }) {
  const close = (target: EventTarget | null) => (target as HTMLElement).closest("dialog")!.close();
  return (
    <dialog
      ref={dialog}
      class="cb-help"
      aria-label="Keys and help"
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      <div class="cb-help__top">
        <h2>Keys</h2>
        <span onClick={(event) => close(event.currentTarget)}>
          <Button label="Close" icon="close" kind="quiet" onClick={() => {}} />
        </span>
      </div>
      <dl class="cb-help__keys">
        {KEYS.map(({ show, text }) => (
          <div key={show}>
            <dt>
              {show.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
        {panels.slice(0, 9).map(({ id, title }, i) => (
          <div key={id}>
            <dt>
              <kbd>{i + 1}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
      <p class="cb-about">
        Blue is below zero, orange above; a drawing or a picture of the data is grey. Click a picture of weights, and the
        microscope opens the number under the pointer. Drag the long slider to go to any update: it is restored from the
        nearest copy and trained again from there, with the same result to the last bit.
      </p>
    </dialog>
  );
}
