// Tables in the CSV format, as the network's samples and targets.

const TARGETS = /^(target|label|class|y|digit)$/i; // usual names of the column to learn
const MISSING = /^(|na|n\/a|nan|null|\?)$/i;

/** Return the rows of a text, each a list of texts. */
export function rowsOfCsv(text) {
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const separator = [",", ";", "\t", "|"].reduce((best, each) => (first.split(each).length > first.split(best).length ? each : best));
  const rows = [[""]];
  let quoted = false;
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
    const letter = text[i];
    const row = rows.at(-1);
    if (letter === '"') {
      if (quoted && text[i + 1] === '"') row[row.length - 1] += text[(i += 1)];
      else quoted = !quoted;
    } else if (quoted) row[row.length - 1] += letter;
    else if (letter === separator) row.push("");
    else if (letter === "\n") rows.push([""]);
    else if (letter !== "\r") row[row.length - 1] += letter;
  }
  if (quoted) throw new Error("the file ends within quotation marks");
  return rows.filter((row) => row.length > 1 || row[0].trim()).map((row) => row.map((cell) => cell.trim()));
}

/** Return samples and targets from a CSV file for a network. */
export function samplesOfCsv(text, about) {
  const rows = rowsOfCsv(text);
  if (rows.length < 2) throw new Error("the file holds no rows");
  const uneven = rows.findIndex((row) => row.length !== rows[0].length);
  if (uneven >= 0) throw new Error(`line ${uneven + 1} of the file has ${rows[uneven].length} cells, the first has ${rows[0].length}`);
  return about.columns ? tableOf(rows, about) : arraysOf(rows, about);
}

function tableOf([head, ...rows], { columns, page }) {
  const target = page.output.name;
  const at = (name) => {
    const i = head.indexOf(name);
    if (i < 0) throw new Error(`the file has no column ${name}; it has ${head.slice(0, 8).join(", ")}${head.length > 8 ? " …" : ""}`);
    return i;
  };
  const places = columns.map((column) => [column.name, at(column.name)]);
  const y = at(target);
  const cell = (text) => (MISSING.test(text) ? "" : text);
  return {
    rows: rows.length,
    x: rows.map((row) => Object.fromEntries(places.map(([name, i]) => [name, cell(row[i])]))),
    y: rows.map((row) => (page.output.kind === "quantity" ? numberOf(row[y], target, row) : row[y])),
  };
}

function arraysOf(rows, { input, target, classes }) {
  const size = (shape) => shape.reduce((a, b) => a * b, 1);
  const [inputs, outputs] = [size(input.shape), target ? size(target.shape) : 0];
  const width = rows[0].length;
  if (width !== inputs + outputs)
    throw new Error(`the file has ${width} columns; expected ${inputs} numbers of the input and ${outputs} of the target, the target last`);
  const hasHead = rows[0].some((text) => Number.isNaN(Number(text))) && rows[0].slice(0, inputs).every((text) => text === "" || Number.isNaN(Number(text)));
  const head = hasHead ? rows[0] : null;
  const body = hasHead ? rows.slice(1) : rows;
  const first = outputs === 1 && head ? head.findIndex((name) => TARGETS.test(name)) : -1;
  const y = first >= 0 ? [first] : [...Array(outputs).keys()].map((i) => inputs + i);
  const x = [...Array(width).keys()].filter((i) => !y.includes(i));
  const named = classes && body.some((row) => Number.isNaN(Number(row[y[0]])));
  return {
    rows: body.length,
    x: Float64Array.from(body.flatMap((row) => x.map((i) => numberOf(row[i], head?.[i] ?? `column ${i + 1}`, row)))),
    y: body.flatMap((row) => y.map((i) => (named ? row[i] : numberOf(row[i], head?.[i] ?? `column ${i + 1}`, row)))),
  };
}

function numberOf(text, name, row) {
  const number = Number(/^-?\d+,\d+$/.test(text) ? text.replace(",", ".") : text);
  if (text === "" || !Number.isFinite(number)) throw new Error(`${name} is “${text}” in the row ${row.slice(0, 4).join(", ")} …, expected a number`);
  return number;
}
