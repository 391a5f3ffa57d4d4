// Tables in the CSV format, as the network's samples and targets.

const TARGETS = /^(target|label|class|y|digit)$/i; // usual names of the column to learn
export const MISSING = /^(|na|n\/a|nan|null|none|\?)$/i;

const PLAIN = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i; // a number as a program writes it
const FEW = 0.02; // cost of a number that is read in an unusual way; that of a text is 1

/** Return a function that reads numbers with this decimal sign; NaN for other texts. */
function numbersWith(point, group) {
  const between = `[${group} _'’\u00a0\u202f]`;
  const pattern = new RegExp(`^[-+−]?([1-9]\\d{0,2}(${between}\\d{3})+|\\d*)(${point}\\d*)?(e[-+]?\\d+)?$`, "i");
  const groups = new RegExp(between, "g");
  return (text) => {
    if (!pattern.test(text) || !/^[-+\u2212]?.?\d/.test(text)) return NaN;
    return Number(text.replace(groups, "").replace("−", "-").replace(",", "."));
  };
}
const WITH_POINT = numbersWith("[.]", ",");
const WITH_COMMA = numbersWith(",", ".");

/** Return the text without Excel's first line, such as sep=;, and what separates its cells. */
function separated(text) {
  text = text.replace(/^\ufeff/, "");
  const declared = /^"?sep=([,;\t|])"?[ \t]*\r?\n/i.exec(text);
  if (declared) return [text.slice(declared[0].length), declared[1]];
  const first = text.slice(0, text.search(/[\r\n]|$/)).replace(/"[^"]*"/g, "");
  const count = (each) => first.split(each).length;
  return [text, [",", ";", "\t", "|"].reduce((best, each) => (count(each) > count(best) ? each : best))];
}

/** Return the rows of a text, each a list of texts. */
export function rowsOfCsv(text) {
  let separator;
  [text, separator] = separated(text);
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    const row = rows[rows.length - 1];
    if (letter === '"') {
      if (quoted && text[i + 1] === '"') row[row.length - 1] += text[(i += 1)];
      else quoted = !quoted;
    } else if (quoted) row[row.length - 1] += letter;
    else if (letter === separator) row.push("");
    else if (letter === "\n") rows.push([""]);
    else if (letter !== "\r") row[row.length - 1] += letter;
  }
  if (quoted) throw new Error("the file ends within quotation marks");
  const cells = rows.filter((row) => row.length > 1 || row[0].trim()).map((row) => row.map((cell) => cell.trim()));
  return { separator, rows: cells };
}

const isNumber = (text) => !Number.isNaN(WITH_POINT(text)) || !Number.isNaN(WITH_COMMA(text));

/**
 * Return a function that reads the numbers of a column with the decimal sign that Python finds: the
 * sign that reads more of the texts, and reads more of them as usual.
 * @param {string[]} texts
 * @param {boolean|null|undefined} hadComma in training; null if nobody knows
 * @param {string} separator between cells
 */
export function readerOf(texts, hadComma, separator) {
  const isKnown = typeof hadComma === "boolean";
  const [preferred, rival] = (isKnown ? hadComma : separator !== ",") ? [WITH_COMMA, WITH_POINT] : [WITH_POINT, WITH_COMMA];
  const usual = (text) => (!isKnown && PLAIN.test(text) ? Number(text) : preferred(text));
  const costOf = (text, number) => (Number.isNaN(number) ? 1 : Number.isNaN(usual(text)) || number === usual(text) ? 0 : FEW);
  const cost = (read) => texts.reduce((sum, text) => sum + (MISSING.test(text) ? 0 : costOf(text, read(text))), 0);
  return cost(rival) < cost(preferred) ? rival : preferred;
}

/** Return samples and targets from a CSV file for a network. */
export function samplesOfCsv(text, about) {
  const { rows, separator } = rowsOfCsv(text);
  if (rows.length < 2) throw new Error("the file holds no rows");
  const uneven = rows.findIndex((row) => row.length !== rows[0].length);
  if (uneven >= 0) throw new Error(`line ${uneven + 1} of the file has ${rows[uneven].length} cells, the first has ${rows[0].length}`);
  return about.columns ? tableOf(rows, separator, about) : arraysOf(rows, separator, about);
}

function tableOf(all, separator, { columns, page }) {
  const [head, rows] = [all[0], all.slice(1)];
  const { name: target, kind, comma } = page.output;
  const textsOf = (name) => {
    const i = head.indexOf(name);
    if (i < 0) throw new Error(`the file has no column ${name}; it has ${head.slice(0, 8).join(", ")}${head.length > 8 ? " …" : ""}`);
    return rows.map((row) => row[i]);
  };
  const values = columns.map((column) => {
    const texts = textsOf(column.name).map((text) => (MISSING.test(text) ? "" : text));
    if (column.kind !== "number") return texts;
    const read = readerOf(texts, column.comma, separator);
    return texts.map((text) => {
      const number = read(text);
      return Number.isNaN(number) ? text : number; // the network refuses a text in its own words
    });
  });
  const y = textsOf(target);
  const read = readerOf(y, comma, separator);
  return {
    rows: rows.length,
    x: rows.map((_, i) => Object.fromEntries(columns.map(({ name }, k) => [name, values[k][i]]))),
    y: kind === "quantity" ? y.map((text, i) => numberOf(read, text, target, rows[i])) : y,
  };
}

function arraysOf(rows, separator, { input, target, classes }) {
  const size = (shape) => shape.reduce((a, b) => a * b, 1);
  const [inputs, outputs] = [size(input.shape), target ? size(target.shape) : 0];
  const width = rows[0].length;
  if (width !== inputs + outputs)
    throw new Error(`the file has ${width} columns; expected ${inputs} numbers of the input and ${outputs} of the target, the target last`);
  const hasHead = !rows[0].every(isNumber) && !rows[0].slice(0, inputs).some(isNumber);
  const head = hasHead ? rows[0] : null;
  const body = hasHead ? rows.slice(1) : rows;
  const first = outputs === 1 && head ? head.findIndex((name) => TARGETS.test(name)) : -1;
  const y = first >= 0 ? [first] : [...Array(outputs).keys()].map((i) => inputs + i);
  const x = [...Array(width).keys()].filter((i) => !y.includes(i));
  const readers = rows[0].map((_, i) => readerOf(body.map((row) => row[i]), null, separator));
  const named = classes && body.some((row) => !isNumber(row[y[0]]));
  const number = (row, i) => numberOf(readers[i], row[i], head?.[i] ?? `column ${i + 1}`, row);
  return {
    rows: body.length,
    x: Float64Array.from(body.flatMap((row) => x.map((i) => number(row, i)))),
    y: body.flatMap((row) => y.map((i) => (named ? row[i] : number(row, i)))),
  };
}

function numberOf(read, text, name, row) {
  const number = read(text);
  if (!Number.isFinite(number)) throw new Error(`${name} is “${text}” in the row ${row.slice(0, 4).join(", ")} …, expected a number`);
  return number;
}
