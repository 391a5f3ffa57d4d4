// The rows of a table, as the numbers that a network's preprocessing takes.
import { converted, flat, product, shown } from "./arrays.js";

const isMissing = (value) =>
  value === null || value === undefined || Number.isNaN(value) || (typeof value === "string" && !value.trim());
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
// A date, whose parts stand in the order of the column, and a time of day.
const TIME = /^(\d+)[-/.](\d+)[-/.](\d+)(?:[T ](\d\d?):(\d\d)(?::(\d\d))?)?(?:\.\d+)?(?: ?([AP])\.?M\.?)?(?:Z|([+-])(\d\d):?(\d\d))?$/i;

/** Return the seconds since 1970 of a time whose year, month and day stand in this order; or NaN. */
function seconds(text, order) {
  const found = TIME.exec(order ? text : `1970-01-01 ${text}`);
  if (!found) return NaN;
  const parts = {};
  [...(order || "ymd")].forEach((part, i) => (parts[part] = found[i + 1]));
  let [year, month, day] = [parts.y, parts.m, parts.d].map(Number);
  if (parts.y.length === 2 && order !== "ymd") year += year > 68 ? 1900 : 2000;
  else if (parts.y.length !== 4) return NaN;
  let [hour, minute, second] = found.slice(4, 7).map((part) => Number(part ?? 0));
  if (found[7]) {
    if (hour < 1 || hour > 12) return NaN;
    hour = (hour % 12) + (/p/i.test(found[7]) ? 12 : 0);
  }
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  const exists = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
  if (!exists || minute > 59 || second > 59) return NaN;
  const away = found[8] ? Number(`${found[8]}1`) * (60 * Number(found[9]) + Number(found[10])) : 0;
  return time.getTime() / 1000 - 60 * away;
}

/** Return NaN for a missing value if the column had missing ones in training. */
function ifMissing(column, where, value) {
  if (column.missing) return value;
  throw new Error(`${where} is missing, and had no missing values in training`);
}

/** By kind of column: a value as the number that the network's preprocessing takes. */
const READERS = {
  number(value, column, where) {
    if (isMissing(value)) return ifMissing(column, where, NaN);
    let number = value;
    if (typeof value === "string") {
      const text = column.comma ? value.replace(/\./g, "").replace(",", ".") : value;
      number = NUMBER.test(text.trim()) ? Number(text) : NaN;
    }
    if (typeof number === "bigint") number = Number(number);
    if (!Number.isFinite(number)) throw new Error(`${where} is ${shown(value)}, expected a number`);
    return number;
  },
  category(value, column, where) {
    const names = isMissing(value) ? [""] : [String(value), ...(value === true ? ["True"] : value === false ? ["False"] : [])];
    const name = names.find((each) => Object.hasOwn(column.codes, each));
    const code = name === undefined ? column.other : column.codes[name];
    if (code === null) throw new Error(`${where} is ${shown(value)}, expected one of ${Object.keys(column.codes).join(", ")}`);
    return code;
  },
  time(value, column, where) {
    if (isMissing(value)) return ifMissing(column, where, -(2n ** 63n));
    let moment = NaN;
    if (value instanceof Date) moment = Math.floor(value.getTime() / 1000);
    else if (typeof value === "string") {
      moment = seconds(value.trim(), column.order);
      if (Number.isNaN(moment)) moment = seconds(value.trim(), "ymd");
    }
    if (!Number.isFinite(moment)) throw new Error(`${where} is ${shown(value)}, expected a time such as 2024-05-31 12:30`);
    return moment;
  },
  picture(value, column, where) {
    const pixels = flat(value);
    if (pixels.length !== product(column.shape)) throw new Error(`${where} has ${pixels.length} pixels, expected ${column.shape.join(" × ")}`);
    return Array.from(pixels);
  },
};

/** Return the rows of a table, objects by column, as the arguments of a kernel. */
export function rowsOfTable(x, columns, where) {
  const list = Array.isArray(x) ? Array.from(x) : [x];
  if (!list.length) throw new Error(`${where}: there is no row`);
  const given = columns.map((column) => {
    const codes = list.map((row, i) => {
      if (typeof row !== "object" || row === null)
        throw new Error(`${where}: row ${i} must be an object of values by column, received ${shown(row)}`);
      if (!Object.hasOwn(row, column.name)) throw new Error(`${where}: row ${i} has no ${column.name}; columns: ${columns.map((each) => each.name).join(", ")}`);
      return READERS[column.kind](row[column.name], column, `${where}: ${column.name} in row ${i}`);
    });
    return [`X/${column.name}`, converted(column.dtype, codes.flat(Infinity))];
  });
  return { rows: list.length, given };
}

/** Return quantities as the network learns them: `read` returns them in the dtype it is given. */
export function scaledTarget(about, read) {
  const { rows, data } = read({ ...about, dtype: "<f8" });
  return { rows, data: converted(about.dtype, data.map((value) => (value - about.mean) / about.scale)) };
}
