// CSV as RFC 4180 has it, read as leniently as the drops are.

/** The quote that opens on `line` is never closed. */
export class UnclosedQuote extends Error {
  constructor(line) {
    super(`The quote that opens in the record on line ${line} is never closed.`);
  }
}

/** The records `{line, cells}` of a text; `line` is where one starts, blank lines are none. Throws `UnclosedQuote`. */
export function parse(text, delimiter = ",") {
  const records = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const start = at;
    const cells = [];
    do {
      const cell = text[at] === '"' ? quoted(text, at + 1) : { value: "", end: at };
      if (cell === null) throw new UnclosedQuote(line);
      // What follows a closing quote belongs to the field, as Python's csv module has it.
      const end = bareEnd(text, cell.end, delimiter);
      cells.push(cell.value + text.slice(cell.end, end));
      at = end + 1;
    } while (text[at - 1] === delimiter);
    if (at - 1 > start) records.push({ line, cells });
    if (text[at - 1] === "\r" && text[at] === "\n") at += 1;
    line += lineEnds(text.slice(start, at));
  }
  return records;
}

function quoted(text, at) {
  let value = "";
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) return null;
    value += text.slice(at, end);
    if (text[end + 1] !== '"') return { value, end: end + 1 };
    value += '"';
    at = end + 2;
  }
}

function bareEnd(text, at, delimiter) {
  while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") at += 1;
  return at;
}

const lineEnds = (text) => text.match(/\r\n|\r|\n/g)?.length ?? 0;

// A spreadsheet takes these for the beginning of a formula, also behind spaces and in their wide forms.
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n\0]/;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/** Write rows of values as CSV that spreadsheets open without running any of it: an apostrophe goes before formulas. */
export function write(rows) {
  // Excel needs the BOM to see that it is UTF-8.
  return "\ufeff" + rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function cell(value) {
  const text = String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
