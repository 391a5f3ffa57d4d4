/** A reader's own table, dropped on a page without Python. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Body } from "../src/anatomy";
import type { Setup } from "../src/host";
import { readTable } from "../src/course/table";
import { pageHost, Watcher } from "./course";

const LIMITS = { features: 64, classes: 16 };
const ROWS = 60;
/** Two numbers, a category, what is to be learned. */
const line = (i: number) => [Math.sin(i).toFixed(3), i % 7, ["red", "green", "blue"][i % 3]!];
const flowers = ["length,width,colour,kind", ...Array.from({ length: ROWS }, (_, i) => [...line(i), i % 3 === 1 ? "b" : "a"].join(","))].join("\n");
const prices = flowers.replace(/,kind$/m, ",price").replace(/,[ab]$/gm, (_, at: number) => `,${(at % 97) / 4 + 0.5}`);

let page: Watcher;
beforeEach(() => {
  page = new Watcher();
});
afterEach(() => page.host.close());

const tooMany = (cells: (i: number) => string[]) => [cells(-1).join(","), ...Array.from({ length: ROWS }, (_, i) => cells(i).join(","))].join("\n");

test.each([
  ["", "the file is empty"],
  ["a,b\n", "has 0 rows"],
  ["a\n1\n2\n", "one column"],
  ["1,2,0\n3,4,1\n", "the first line must name the columns"],
  ["1,5;2,5;x\n3,5;4,5;y\n", "the first line must name the columns"],
  [flowers.replace("width", ""), "column 2 has no name"],
  [flowers.replace("width", "length"), "two columns have the name length"],
  [flowers.replace("0.841,1", "0.841"), "row 2 below the names has 3 cells, the first line has 4"],
  [flowers.replace("0.841", "n.n."), "length is a column of numbers, but holds “n.n.”"],
  [flowers.replace("0.841", "1e999"), "length holds a number that is too large"],
  [flowers.replaceAll(/,[ab]$/gm, ",a"), "kind is the same in all rows"],
  [tooMany((i) => [i < 0 ? "id" : `id${i}`, i < 0 ? "kind" : `${i % 2}`]), "id holds 60 different texts"],
  [tooMany((i) => [i < 0 ? "x" : `${i}`, i < 0 ? "kind" : `k${i % 18}`]), "kind holds 18 classes"],
  [tooMany((i) => Array.from({ length: 66 }, (_, j) => (i < 0 ? `c${j}` : `${(i * j) % 5}`))), "the networks of this page take 64"],
  ['a,b\n"1,2\n', "within quotation marks"],
  ["PK\0\0", "this is no text"],
])("what is wrong with a table is a sentence: %#", (text, why) => {
  expect(() => readTable({ name: "t.csv", text }, LIMITS)).toThrow(why);
});

test("semicolons, decimal commas, missing values and marks at the beginning are understood", () => {
  const european = `\ufeff${flowers.replaceAll(",", ";").replaceAll(".", ",").replace("0,841", "NA")}`;
  const { task, pack } = readTable({ name: "t.csv", text: european }, LIMITS);
  const { data } = pack.document;
  expect([task, data.classes, data.features]).toEqual(["classes", ["a", "b"], ["length", "width", "colour=blue", "colour=green", "colour=red"]]);
  expect(data.count + data.held).toBe(ROWS - 1);
  expect(() => readTable({ name: "t.csv", text: flowers, target: "no" }, LIMITS)).toThrow("there is no column no; there are length, width, colour, kind");
});

test("numbers are scaled by the training rows; a few whole ones are classes, others a quantity", () => {
  const { pack } = readTable({ name: "t.csv", text: flowers }, LIMITS);
  const X = pack.arrays.get("X")!;
  const first = [...X.data as Float64Array].filter((_, i) => i % 5 === 0);
  expect(first.reduce((a, b) => a + b)).toBeCloseTo(0, 9);
  expect(first.reduce((a, b) => a + b * b, 0) / first.length).toBeCloseTo(1, 9);
  expect(readTable({ name: "t.csv", text: flowers, target: "width" }, LIMITS).pack.document.data.classes).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  expect(readTable({ name: "t.csv", text: flowers, target: "length" }, LIMITS).task).toBe("quantity");
});

async function own(text: string, target?: string): Promise<Setup> {
  await page.ask({ do: "table", name: "mine.csv", text, target });
  return page.last("setup");
}

test.each([["classes", flowers], ["quantity", prices]])("a network of its size learns it: %s", async (_, text) => {
  const setup = await own(text);
  expect([setup.lesson, setup.data.name, setup.data.features.length]).toEqual(["own", "mine.csv", 5]);
  const outputs = setup.data.classes?.length ?? 1;
  expect(setup.parameters.map(({ shape }) => shape)).toEqual([[5, 10], [10], [10, outputs], [outputs]]);
  expect(setup.model.title).toBe(`5-10-${outputs}`);
  const start = page.last("frame");
  await page.ask({ do: "set", rate: 0.3, batch_size: 8 });
  const end = await page.ask({ do: "step", count: 400 });
  expect(end.loss!).toBeLessThan(0.5 * (start.held_loss as number));
  expect(end.arrays["p:b_o"]!.data.every((bias) => Math.abs(bias) < 100)).toBe(true);
  const back = await page.ask({ do: "seek", update: 200 });
  expect([...(await page.ask({ do: "seek", update: 400 })).arrays["p:W_h"]!.data]).toEqual([...end.arrays["p:W_h"]!.data]);
  expect([...back.arrays["p:W_h"]!.data]).not.toEqual([...end.arrays["p:W_h"]!.data]);
});

test.each([["classes", flowers, [10]], ["classes", flowers, []], ["quantity", prices, [10]], ["quantity", prices, []]])(
  "the microscope has the kernel's numbers: %s %#", async (_, text, layers) => {
    await own(text);
    const setup = await page.restart({ layers });
    const before = await page.ask({ do: "step", count: 30 });
    const x = [...setup.arrays.X!.data.slice(0, 5)];
    const y = setup.arrays.y!.data[0]!;
    const after = await page.ask({ do: "train_on", x, y });
    const { learn, predict } = setup.anatomy;
    const parameters = Object.fromEntries(setup.parameters.map(({ name }) => [name, before.arrays[`p:${name}`]!.data]));
    const pass = new Body(learn!).pass(parameters, x, [y]);
    expect(pass.loss).toBeCloseTo(after.loss!, 9);
    for (const { name } of setup.parameters) {
      const found = pass.values[learn!.gradients[name]!]!;
      after.arrays[`g:${name}`]!.data.forEach((value, i) => expect(found[i], `${name} ${i}`).toBeCloseTo(value, 9));
    }
    const output = new Body(predict!).pass(parameters, x).values[predict!.output!]!;
    expect(output.length).toBe(setup.data.classes?.length ?? 1);
    for (const { name, entry } of learn!.equations)
      if (entry) {
        const factors = pass.factors(name, 0)!;
        expect(factors.computed, name).toBeCloseTo(factors.value, 9);
      }
  },
);

test("another column is predicted; another lesson leads back to the table", async () => {
  await own(flowers);
  await page.ask({ do: "retarget", target: "length" });
  expect(page.last("setup").data).toMatchObject({ classes: null, target: { name: "length" }, columns: ["length", "width", "colour", "kind"] });
  await page.ask({ do: "lesson", name: "lab" });
  const { lessons } = page.last("setup");
  expect(lessons!.at(-1)).toEqual({ name: "own", title: "mine.csv" });
  await page.ask({ do: "lesson", name: "own" });
  expect(page.last("setup").data.target!.name).toBe("length");
});

test("a table that cannot be used leaves the run as it is", async () => {
  await page.ask({ do: "hello" });
  const before = await page.ask({ do: "step", count: 5 });
  await expect(page.ask({ do: "table", name: "x.csv", text: "" })).rejects.toThrow("x.csv: the file is empty");
  const now = await page.ask({ do: "seek", update: 5 });
  expect([page.last("setup").lesson, [...now.arrays["p:W_h"]!.data]]).toEqual(["lab", [...before.arrays["p:W_h"]!.data]]);
  const without = new Watcher(pageHost({ own: undefined }));
  await expect(without.ask({ do: "table", name: "x.csv", text: flowers })).rejects.toThrow("no network for tables");
  without.host.close();
});

test("the table goes with the run", async () => {
  await own(flowers);
  const end = await page.ask({ do: "step", count: 20 });
  const again = new Watcher(pageHost({}, { first: JSON.parse(JSON.stringify(page.host.standing)) }));
  await again.ask({ do: "hello" });
  await expect.poll(() => again.last("frame").update, { timeout: 10_000 }).toBe(20);
  expect([...again.last("frame").arrays["p:W_h"]!.data]).toEqual([...end.arrays["p:W_h"]!.data]);
  again.host.close();
});
