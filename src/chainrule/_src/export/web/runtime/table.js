// The rows of a table, as the numbers that a network's preprocessing takes.
import { converted, flat, product } from "./arrays.js";

const isMissing = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);

/** By kind of column: a value as the number that the network's preprocessing takes. */
const READERS = {
  number(value, column, where) {
    if (isMissing(value)) {
      if (column.missing) return NaN;
      throw new Error(`${where} is missing, and had no missing values in training`);
    }
    const number = typeof value === "string" ? Number(value.trim()) : Number(value);
    if (!Number.isFinite(number)) throw new Error(`${where} is ${JSON.stringify(value)}, expected a number`);
    return number;
  },
  category(value, column, where) {
    const code = column.codes[isMissing(value) ? "" : String(value)] ?? column.other;
    if (code === null) throw new Error(`${where} is ${JSON.stringify(value)}, expected one of ${Object.keys(column.codes).join(", ")}`);
    return code;
  },
  time(value, column, where) {
    if (isMissing(value) && column.missing) return -(2n ** 63n);
    const text = typeof value === "string" && !/Z|[+-]\d\d:?\d\d$/.test(value) ? `${value.replace(" ", "T")}${value.includes(":") ? "Z" : ""}` : value;
    const seconds = Math.floor(new Date(text).getTime() / 1000);
    if (!Number.isFinite(seconds)) throw new Error(`${where} is ${JSON.stringify(value)}, expected a time such as 2024-05-31 12:30`);
    return seconds;
  },
  picture(value, column, where) {
    const pixels = flat(value);
    if (pixels.length !== product(column.shape)) throw new Error(`${where} has ${pixels.length} pixels, expected ${column.shape.join(" × ")}`);
    return Array.from(pixels);
  },
};

/** Return the rows of a table, objects by column, as the arguments of a kernel. */
export function rowsOfTable(x, columns, where) {
  const list = Array.isArray(x) ? x : [x];
  if (!list.length) throw new Error(`${where}: there is no row`);
  const given = columns.map((column) => {
    const codes = list.map((row, i) => {
      if (typeof row !== "object" || row === null)
        throw new Error(`${where}: row ${i} must be an object of values by column, received ${JSON.stringify(row)}`);
      if (!(column.name in row)) throw new Error(`${where}: row ${i} has no ${column.name}; columns: ${columns.map((each) => each.name).join(", ")}`);
      return READERS[column.kind](row[column.name], column, `${where}: ${column.name} in row ${i}`);
    });
    return [`X/${column.name}`, converted(column.dtype, codes.flat(Infinity))];
  });
  return { rows: list.length, given };
}
