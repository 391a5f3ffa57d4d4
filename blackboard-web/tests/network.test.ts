import { expect, test } from "vitest";
import { FakeHost } from "../src/fake";
import { decode } from "../src/frames";
import type { Bytes, Setup } from "../src/host";
import { places } from "../src/network/grid";
import { layersOf, others } from "../src/network/layers";

async function setup(layers: number[]): Promise<Setup> {
  const host = new FakeHost({ layers });
  const told = new Promise<Setup>((heard) =>
    host.on("msg:custom", (_: unknown, [bytes]: Bytes[]) => {
      const message = decode(bytes!);
      if (message.type === "setup") heard(message);
    }),
  );
  host.send({ do: "hello" });
  const message = await told;
  host.close();
  return message;
}

test("a network's layers: pictures for the first, matrices behind, lines where they belong", async () => {
  const layers = layersOf(await setup([12, 8]));
  expect(layers.map(({ weights, bias, first, hidden }) => [weights, bias, first, hidden])).toEqual([
    ["W_h1", "b_h1", true, true],
    ["W_h2", "b_h2", false, true],
    ["W_o", "b_o", false, false],
  ]);
  expect(layers.map(({ value }) => value)).toEqual(["h1", "h2", "y"]);
  expect(layers.map(({ lines }) => lines[0]!.code)).toEqual(["a_h1 = X @ W_h1", "a_h2 = h1 @ W_h2", "a_o = h2 @ W_o"]);
  expect(layers[2]!.labels).toHaveLength(10);
});

test("without hidden layers each class has its picture", async () => {
  const one = await setup([]);
  expect(layersOf(one)).toMatchObject([{ weights: "W_o", bias: "b_o", first: true, hidden: false, value: "y" }]);
  expect(others(one, layersOf(one))).toEqual([]);
});

test("tiles fit their room, as large as they can be", () => {
  for (const [count, wide, tall] of [[10, 360, 300], [256, 300, 380], [1, 500, 90], [37, 120, 700]] as const) {
    const grid = places(count, wide, tall);
    const [x, y] = grid.at(count - 1);
    expect(grid.columns * (grid.width + grid.gap) - grid.gap).toBeLessThanOrEqual(wide);
    expect(y + grid.height + grid.under).toBeLessThanOrEqual(tall);
    expect(x + grid.width).toBeLessThanOrEqual(wide);
    expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
  }
  expect(places(10, 360, 300).columns).toBe(5);
});
