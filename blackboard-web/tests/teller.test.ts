import { expect, test, vi } from "vitest";
import type { Ask, Model } from "../src/host";
import type { Scene } from "../src/panels/scene";
import { tellerOf } from "../src/panels/teller";
import { Store } from "../src/store";
import { pageHost } from "./course";

const SCENES: Scene[] = [
  { title: "Two runs", steps: [{ text: "a", do: [{ do: "step", count: 20 }, { do: "fork" }, { do: "view", view: "gradient" }] }, { text: "b" }] },
];

/** A host that answers late, as one whose training takes a while; and what it was asked. */
function slowHost(): { host: Model; asked: Ask[] } {
  const [host, asked] = [pageHost({ scenes: SCENES }), [] as Ask[]];
  const send = host.send.bind(host);
  host.send = (ask) => {
    asked.push(ask);
    setTimeout(() => send(ask), 30);
  };
  return { host, asked };
}

test("what a step does is done one after the other, and no more once the step is left", async () => {
  vi.stubGlobal("requestAnimationFrame", (f: () => void) => setTimeout(f, 2));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  const { host, asked } = slowHost();
  const store = new Store(host);
  await vi.waitUntil(() => store.frame.value);
  const done = () => asked.map((ask) => ask.do).filter((name) => name === "step" || name === "fork");
  const teller = tellerOf(store);
  teller.begin(SCENES[0]!);
  expect([done(), store.view.value]).toEqual([["step"], "weights"]);
  await vi.waitUntil(() => store.branch.value === "b");
  await vi.waitUntil(() => store.view.value === "gradient");
  expect([done(), store.frame.value!.update, teller.place]).toEqual([["step", "fork"], 20, { index: 0, step: 0 }]);
  teller.move(1);
  teller.move(-1);
  teller.move(1);
  await new Promise((later) => setTimeout(later, 200));
  expect(done()).toEqual(["step", "fork", "step"]);
  teller.end();
  expect(teller.place).toBeUndefined();
  teller.goOn({ index: 0, step: 1 });
  expect([teller.step.value?.text, done().length]).toEqual(["b", 3]);
  host.close!();
});
