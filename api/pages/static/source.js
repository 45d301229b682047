// Where many texts come from: pasted lines, or a file. Either is a table `{columns, records}`, and never a part of one.
import { parse, UnclosedQuote } from "./csv.js";
import { counted, known, several } from "./known.js";

const ELSEWHERE = "Split it, or score it with `sentiment score`, which accepts files of any size.";

/** Why the lines or the file cannot be taken, in a sentence. */
export class Unreadable extends Error {}

/** One text a line; blank lines are none. */
export function fromLines(value) {
  const records = value
    .split(/\r\n|\r|\n/)
    .map((text, index) => ({ line: index + 1, cells: [text] }))
    .filter(({ cells: [text] }) => text.trim());
  return bounded({ columns: ["text"], records });
}

/** The table in a file. Throws `Unreadable`. */
export async function fromFile(file) {
  if (file.size > known.fileBytes) {
    const size = `${counted(file.size)} bytes`;
    throw new Unreadable(`${file.name} has ${size}; this page accepts ${counted(known.fileBytes)}. ${ELSEWHERE}`);
  }
  const text = decoded(await file.arrayBuffer(), file.name);
  if (/\.txt$/i.test(file.name)) return fromLines(text);
  return table(text, file.name);
}

/** The index of the column that holds the texts by its name, or -1. */
export function textColumn(columns) {
  const names = columns.map((name) => name.trim().toLowerCase());
  return known.textColumns.map((name) => names.indexOf(name.toLowerCase())).find((index) => index >= 0) ?? -1;
}

function decoded(buffer, name) {
  let text = "\0";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(buffer);
  } catch {
    // what is no UTF-8 is refused below, like what only looks like it
  }
  if (text.includes("\0")) throw new Unreadable(`${name} is not text in UTF-8. Save it as CSV in UTF-8.`);
  return text;
}

function table(text, name) {
  const delimiter = /\.tsv$/i.test(name) ? "\t" : ",";
  try {
    const [header, ...records] = parse(text, delimiter);
    return bounded({ columns: header?.cells ?? [], records });
  } catch (error) {
    if (error instanceof UnclosedQuote) throw new Unreadable(`${name} cannot be read. ${error.message}`);
    throw error;
  }
}

function bounded(found) {
  const { length } = found.records;
  if (length === 0) {
    throw new Unreadable("It has no text. Each line is one text, and a CSV starts with a header.");
  }
  if (length > known.rows) {
    throw new Unreadable(`It has ${several(length, "row")}; this page accepts ${counted(known.rows)}. ${ELSEWHERE}`);
  }
  return found;
}
