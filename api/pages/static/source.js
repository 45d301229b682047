// Where many texts come from: pasted lines or a file of lines, which are `{columns, records}`, or a table for the service.
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
  const { length } = records;
  if (length === 0) throw new Unreadable("It has no text. Each line is one text.");
  if (length > known.rows) {
    throw new Unreadable(`It has ${several(length, "row")}; this page accepts ${counted(known.rows)}. ${ELSEWHERE}`);
  }
  return { columns: ["text"], records };
}

/** The lines of a `.txt` file; of any other file, itself as `table`, for the service to read. Throws `Unreadable`. */
export async function fromFile(file) {
  if (file.size > known.fileBytes) {
    const size = `${counted(file.size)} bytes`;
    throw new Unreadable(`${file.name} has ${size}; this page accepts ${counted(known.fileBytes)}. ${ELSEWHERE}`);
  }
  if (!/\.txt$/i.test(file.name)) return { table: file };
  return fromLines(decoded(await file.arrayBuffer(), file.name));
}

function decoded(buffer, name) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer);
  } catch {
    throw new Unreadable(`${name} is not text in UTF-8.`);
  }
}
