import { expect, test } from "vitest";
import type { Setup } from "../src/host";
import { places } from "../src/network/grid";
import { layersOf, others } from "../src/network/layers";
import { Watcher } from "./course";

async function setup(layers: number[]): Promise<Setup> {
  const page = new Watcher();
  const told = await page.restart({ layers });
  page.host.close();
  return told;
}

test("a network's layers: pictures for the first, matrices behind, lines where they belong", async () => {
  const layers = layersOf(await setup([12, 8]));
  expect(layers.map(({ weights, bias, first, hidden }) => [weights, bias, first, hidden])).toEqual([
    ["W_h1", "b_h1", true, true],
    ["W_h2", "b_h2", false, true],
    ["W_o", "b_o", false, false],
  ]);
  for (const { lines } of layers) expect(lines.length).toBeGreaterThan(0);
  expect(layers[2]!.labels).toHaveLength(10);
});

test("without hidden layers each class has its picture", async () => {
  const one = await setup([]);
  expect(layersOf(one)).toMatchObject([{ weights: "W", bias: "b", first: true, hidden: false }]);
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
