/** The bar on top, as in a playground: what training does, and with what. */
import { able, WHYS } from "../able";
import { useStore } from "../store";
import { Button, Pop } from "../ui";
import { FlightFields } from "./fields";
import { Lessons } from "./lessons";
import { OwnTable } from "./own";
import { Runs, StopWhen } from "./runs";
import { Scrub } from "./scrub";
import { Settings } from "./settings";
import { Counters, Status, Transport } from "./transport";
import { nightly, turn } from "../theme";

export function Bar({ help }: { help: () => void }) {
  const store = useStore();
  const setup = store.setup.value!;
  const dark = nightly(store);
  return (
    <div class="cb-bar">
      <div class="cb-bar__row">
        <Transport />
        <Counters />
        <FlightFields />
      </div>
      <div class="cb-bar__below">
        <Scrub />
        <Mistaken />
        <Lessons />
        <OwnTable />
        <div class="cb-bar__end">
          {setup.recorded && <Recorded />}
          {able(setup, "restart") && setup.settings.restart.length > 0 && <Settings />}
          {able(setup, "fork") && <Runs />}
          <StopWhen />
          <Button label={dark ? "Light" : "Dark"} icon="moon" keys="d" kind="quiet" onClick={() => turn(store)}>
            {dark ? "Light" : "Dark"}
          </Button>
          <Button label="Keys and help" icon="help" keys="?" kind="quiet" onClick={help}>Help</Button>
        </div>
      </div>
      <Status />
    </div>
  );
}

/** A gradient that was broken on purpose is not forgotten: it says so, and leads to its panel. */
function Mistaken() {
  const store = useStore();
  const mistake = store.setup.value!.mistakes.find(({ diagnosis }) => diagnosis !== undefined);
  if (!mistake) return null;
  return (
    <button
      type="button"
      class="cb-wrong-gradient"
      aria-label="Wrong gradient: see which"
      title={`Trained with a wrong gradient: ${mistake.title}`}
      onClick={() => (store.panel.value = "break")}
    >
      Wrong gradient
    </button>
  );
}

/** A run that is over says so, and what can therefore not be done. */
function Recorded() {
  return (
    <Pop label="Recorded: what cannot be done" align="right" kind="quiet" button="Recorded">
      {() => (
        <div class="cb-recorded" tabIndex={0}>
          <p>This run was recorded: go back and forth in it, look into it, draw for it. To train, start <code>chainrule blackboard</code>.</p>
          <ul>{WHYS.map((text) => <li key={text}>{text}</li>)}</ul>
        </div>
      )}
    </Pop>
  );
}
