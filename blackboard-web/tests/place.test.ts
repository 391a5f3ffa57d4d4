import { expect, test } from "vitest";
import { differing, format, parse, type Kept } from "../src/place";

const kept: Kept = {
  settings: { layers: [16, 8], activation: "relu", init: "he_normal", optimizer: "sgd", seed: 3, rate: 0.05, batch_size: 32, momentum: 0 },
  stop: { loss: 0.1 },
  speed: null,
  view: "evidence",
  panel: "draw",
  charts: ["loss", "ratio"],
  scheme: "dark",
  sample: { set: "held", index: 12 },
  unit: { layer: 0, index: 4 },
};

test("what is set comes back from the address", () => {
  expect(parse(format(kept))).toEqual(kept);
  const plain: Kept = { settings: { layers: [] }, stop: {}, speed: 25 };
  expect(parse(format(plain))).toEqual(plain);
});

test("an address that makes no sense sets nothing", () => {
  const text = "layers=0-x&rate=fast&seed=&speed=-1&view=__proto__&charts=&sample=all-1&unit=a-b&scheme=pink&stop_loss=NaN";
  expect(parse(text)).toEqual({ settings: {}, stop: {} });
});

test("only settings that differ, and that can be set, are asked for", () => {
  const now = { layers: [16, 8], rate: 0.1, seed: 3 };
  expect(differing(kept.settings, now, ["layers", "rate", "seed"])).toEqual({ rate: 0.05 });
});
