/** The bar on top, as in a playground: what training does, and with what. */
import { useStore } from "../store";
import { Button } from "../ui";
import { FlightFields } from "./fields";
import { Runs, StopWhen } from "./runs";
import { Scrub } from "./scrub";
import { Settings } from "./settings";
import { Counters, Status, Transport } from "./transport";
import { nightly, turn } from "../theme";

export function Bar({ help }: { help: () => void }) {
  const store = useStore();
  const dark = nightly(store);
  return (
    <div class="cb-bar">
      <div class="cb-bar__row">
        <Transport />
        <Counters />
        <FlightFields />
        <div class="cb-bar__end">
          {store.setup.value!.recorded ? (
            <span class="cb-about">recorded</span>
          ) : (
            <>
              {store.setup.value!.settings.restart.length > 0 && <Settings />}
              <Runs />
              <StopWhen />
            </>
          )}
          <Button
            label={dark ? "Light" : "Dark"}
            icon="moon"
            keys="d"
            kind="quiet"
            onClick={() => turn(store)}
          />
          <Button label="Keys and help" icon="help" keys="?" kind="quiet" onClick={help} />
        </div>
      </div>
      <Scrub />
      <Status />
    </div>
  );
}
