/** A reader's own table: a CSV file becomes samples and targets, or a sentence that says why not. */
import { MISSING, readerOf, rowsOfCsv } from "../../../src/chainrule/_src/export/web/page/csv.js";
import type { NamedArray } from "../../../src/chainrule/_src/export/web/runtime/arrays.js";
import type { DataDocument, Pack } from "./content";
import { permutation } from "./random";

/** A table that is trained with: all that is needed to read it again. */
export interface OwnTable {
  name: string;
  text: string;
  /** The column to predict; left out: the last one. */
  target?: string;
}
export interface Limits {
  features: number;
  classes: number;
}
export type Task = "classes" | "quantity";

const TEXTS = 20; // different texts of a category, at most
const FEW = 20; // different whole numbers that can be classes, at most
const FEWEST = 10; // rows
const SHOWN = 2000; // samples that the page gets, at most

interface Column {
  name: string;
  cells: string[];
  /** The numbers, if it is a column of numbers. */
  numbers: number[] | null;
}

/** Return the task and the data of a table. */
export function readTable({ name, text, target }: OwnTable, limits: Limits): { task: Task; pack: Pack<DataDocument> } {
  const columns = columnsOf(text);
  const goal = target ?? columns.at(-1)!.name;
  const aim = columns.find((column) => column.name === goal);
  if (!aim) throw new Error(`there is no column ${goal}; there are ${listed(columns.map((column) => column.name))}`);
  const inputs = columns.filter((column) => column !== aim).map(featuresOf).flat();
  if (inputs.length > limits.features)
    throw new Error(`the table has ${inputs.length} columns beside ${goal}, each text of a category counted: the networks of this page take ${limits.features}`);
  const { classes, values, scale } = targetOf(aim, limits);
  const [rows, width] = [values.length, inputs.length];
  const order = permutation(0, 0, rows);
  const held = Math.max(Math.floor(rows / 10), 1);
  const train = order.subarray(0, rows - held);
  const places = inputs.map(({ numbers, scaled }) => (scaled ? placed(train, numbers) : { mean: 0, scale: 1 }));
  const samples = (chosen: Int32Array): NamedArray => ({
    data: Float64Array.from({ length: chosen.length * width }, (_, i) => {
      const { mean, scale: by } = places[i % width]!;
      return (inputs[i % width]!.numbers[chosen[Math.floor(i / width)]!]! - mean) / by;
    }),
    shape: [chosen.length, width],
  });
  const place = scale ? placed(train, values) : { mean: 0, scale: 1 };
  const targets = (chosen: Int32Array): NamedArray => {
    const data = Float64Array.from(chosen, (row) => (values[row]! - place.mean) / place.scale);
    return { data: classes ? Int32Array.from(data) : data, shape: [chosen.length] };
  };
  const kept = order.subarray(rows - held);
  const arrays = new Map<string, NamedArray>([
    ["X", samples(train)], ["y", targets(train)], ["X_held", samples(kept)], ["y_held", targets(kept)],
    ["mean", { data: Float64Array.from(places, (each) => each.mean), shape: [width] }],
    ["scale", { data: Float64Array.from(places, (each) => each.scale), shape: [width] }],
  ]);
  const data = {
    name, classes, features: inputs.map((each) => each.name), image: null, sequence: null,
    target: { name: goal, ...place }, count: train.length, held, columns: columns.map((column) => column.name),
  };
  return { task: classes ? "classes" : "quantity", pack: { document: { data, shown: SHOWN }, arrays } };
}

/** Return the columns; rows in which something is missing are left out. */
function columnsOf(text: string): Column[] {
  if (text.includes("\0")) throw new Error("this is no text: a CSV file is expected");
  const { rows: [head, ...body], separator } = rowsOfCsv(text);
  if (!head) throw new Error("the file is empty");
  if (head.length < 2) throw new Error("the file has one column: a table has a line for each sample, with its values between commas, semicolons or tabs");
  if (head.some((name) => !Number.isNaN(readerOf([name], null, separator)(name))))
    throw new Error(`the first line must name the columns; it holds ${listed(head)}`);
  const unnamed = head.findIndex((name) => !name);
  if (unnamed >= 0) throw new Error(`column ${unnamed + 1} has no name in the first line`);
  const twice = head.find((name, i) => head.indexOf(name) !== i);
  if (twice) throw new Error(`two columns have the name ${twice}`);
  const uneven = body.findIndex((row) => row.length !== head.length);
  if (uneven >= 0) throw new Error(`row ${uneven + 1} below the names has ${body[uneven]!.length} cells, the first line has ${head.length}`);
  const rows = body.filter((row) => !row.some((cell) => MISSING.test(cell)));
  if (rows.length < FEWEST)
    throw new Error(`the table has ${rows.length} rows without missing values: ${FEWEST} are needed, to train and to hold some out`);
  return head.map((name, i) => columnOf(name, rows.map((row) => row[i]!), separator));
}

function columnOf(name: string, cells: string[], separator: string): Column {
  const numbers = cells.map(readerOf(cells, null, separator));
  const count = numbers.filter((number) => !Number.isNaN(number)).length;
  if (2 * count <= cells.length) return { name, cells, numbers: null };
  const odd = numbers.findIndex(Number.isNaN);
  if (odd >= 0) throw new Error(`${name} is a column of numbers, but holds “${cells[odd]}”`);
  if (!numbers.every(Number.isFinite)) throw new Error(`${name} holds a number that is too large`);
  return { name, cells, numbers };
}

/** A column of numbers is one feature, a category one for each of its texts. */
function featuresOf({ name, cells, numbers }: Column): { name: string; numbers: number[]; scaled: boolean }[] {
  if (numbers) return [{ name, numbers, scaled: true }];
  const texts = different(cells);
  if (texts.length > TEXTS)
    throw new Error(`${name} holds ${texts.length} different texts; a category has at most ${TEXTS}: leave this column out of the file`);
  return texts.map((text) => ({ name: `${name}=${text}`, numbers: cells.map((cell) => Number(cell === text)), scaled: false }));
}

/** Texts are classes, and few whole numbers; else it is a quantity. */
function targetOf({ name, cells, numbers }: Column, limits: Limits): { classes: string[] | null; values: number[]; scale: boolean } {
  const whole = numbers?.every(Number.isInteger);
  const texts = numbers ? [...new Set(numbers)].sort((a, b) => a - b).map(String) : different(cells);
  if (texts.length < 2) throw new Error(`${name} is the same in all rows: there is nothing to learn`);
  if (numbers && !(whole && texts.length <= Math.min(FEW, limits.classes) && 2 * texts.length < cells.length))
    return { classes: null, values: numbers, scale: true };
  if (texts.length > limits.classes)
    throw new Error(`${name} holds ${texts.length} classes; the networks of this page tell ${limits.classes} apart: choose another column to predict`);
  const number = new Map(texts.map((text, i) => [text, i]));
  return { classes: texts, values: (numbers?.map(String) ?? cells).map((cell) => number.get(cell)!), scale: false };
}

/** Mean and standard deviation; the latter 1 where all numbers are equal. */
function placed(rows: Int32Array, numbers: number[]): { mean: number; scale: number } {
  const mean = rows.reduce((sum, row) => sum + numbers[row]!, 0) / rows.length;
  const scale = Math.sqrt(rows.reduce((sum, row) => sum + (numbers[row]! - mean) ** 2, 0) / rows.length);
  return { mean, scale: scale > 1e-12 * Math.abs(mean) ? scale : 1 };
}

const different = (cells: string[]): string[] => [...new Set(cells)].sort();
const listed = (names: string[]): string => `${names.slice(0, 6).join(", ")}${names.length > 6 ? " …" : ""}`;
