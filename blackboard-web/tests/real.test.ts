/** The page's own pass beside Python's: on the anatomy that the compiler tells. */
import { expect, test } from "vitest";
import { Body, size } from "../src/anatomy";
import type { Anatomy } from "../src/host";
import { compare } from "../src/panels/difference";
import { entryOf } from "../src/panels/numbers";
import told from "./anatomy.json";

const [learn, predict] = [new Body(told.learn as unknown as Anatomy), new Body(told.predict as unknown as Anatomy)];
const passes = told.samples.map(({ x, y }) => learn.pass(told.params, x, [y]));
const near = (a: number, b: number, within: number) => expect(Math.abs(a - b)).toBeLessThan(within * Math.max(1, Math.abs(b)));

test("loss, gradients and probabilities are Python's", () => {
  told.samples.forEach((sample, k) => {
    near(passes[k]!.loss, sample.loss, 1e-14);
    for (const [key, gradient] of Object.entries(sample.gradients))
      gradient.forEach((value, i) => near(passes[k]!.values[learn.anatomy.gradients[key]!]![i]!, value, 1e-14));
    const output = predict.pass(told.params, sample.x).values[predict.anatomy.output!]!;
    sample.output.forEach((p, i) => near(output[i]!, p, 1e-14));
  });
});

test("every entry of every value is what its factors come to", () => {
  let entries = 0;
  for (const pass of passes)
    for (const { name, shape } of learn.anatomy.equations)
      for (let i = 0; i < size(shape); i++) {
        const factors = pass.factors(name, i)!;
        expect(factors, `${name} ${i}`).not.toBeNull();
        expect(Math.abs(factors.computed - factors.value), `${name} ${i}`).toBeLessThan(1e-12);
        entries++;
      }
  expect(entries).toBeGreaterThan(200);
});

test("every gradient is what moving its number does to the loss", () => {
  let compared = 0;
  for (const pass of passes)
    for (const { name, shape } of learn.anatomy.equations)
      for (let i = 0; i < size(shape); i++) {
        const found = compare(pass, { name, index: i });
        if (found?.found == null) continue;
        expect(Math.abs(found.found - found.difference), `${name} ${i}`).toBeLessThan(1e-8 * Math.max(1, Math.abs(found.found)));
        compared++;
      }
  expect(compared).toBeGreaterThan(100);
});

test("from any gradient the way down ends at what goes in", () => {
  const inputs = new Set(learn.anatomy.inputs.map(({ name }) => name));
  const [seen, ends] = [new Set<string>(), new Set<string>()];
  const down = (name: string, index: number): void => {
    if (inputs.has(name)) ends.add(name);
    if (inputs.has(name) || seen.has(`${name} ${index}`)) return;
    seen.add(`${name} ${index}`);
    const { terms } = passes[0]!.factors(name, index)!;
    for (const { parts } of terms) for (const part of parts) if (part.name !== null) down(part.name, part.index);
  };
  down(learn.anatomy.gradients.W_h!, 7);
  expect(ends).toEqual(inputs);
});

test("a value within a line is called by its expression there", () => {
  const { equations, lines } = learn.anatomy;
  const inner = equations.filter(({ name }) => !lines.some(({ code }) => code.startsWith(`${name} = `)));
  const labels = inner.map(({ name }) => learn.label(name));
  expect(labels).toContain("1 - h");
  expect(labels.filter((label) => /^t\d+$/.test(label)).length).toBeLessThanOrEqual(1);
  expect(entryOf(passes[0]!, { name: inner.find(({ code }) => code === "1 - h")!.name, index: 2 })).toBe("(1 - h)[0, 2]");
  expect(entryOf(passes[0]!, { name: "h", index: 2 })).toBe("h[0, 2]");
});
