// A file with a table, which the service reads: how it understood the columns, and the rows with what became of them.
import { patiently } from "./batch.js";
import { known, several } from "./known.js";
import { upload } from "./service.js";

/**
 * Have the service read and score a file; `textColumn` names the column with the texts, or is null.
 * Returns `{columns, understood, notes, rows}`. Throws as `post` does.
 */
export async function scoreTable(file, textColumn, told, signal) {
  const parameters = new URLSearchParams({ name: file.name.slice(-known.nameCharacters) });
  if (textColumn !== null) parameters.set("text_column", textColumn);
  const answer = await patiently(() => upload(`/predict/file?${parameters}`, file, signal), told, signal);
  const rows = [...answer.results.map((row) => scored(row, answer.model)), ...answer.rejected.map(rejected)];
  return {
    columns: answer.columns,
    understood: understood(answer.columns),
    notes: [...answer.warnings.map((warning) => sentence(warning)), ...rejections(answer.rejected)],
    rows: rows.sort((one, other) => one.line - other.line),
  };
}

function scored({ line, cells, text, ...said }, model) {
  return { line, cells, text, result: { ...said, model }, final: true };
}

function rejected({ line, code, reason, row }) {
  return { line, cells: [], text: row, error: `${sentence(reason)} (${code})`, raw: row, final: true };
}

function understood(columns) {
  const meant = columns.filter(({ meaning }) => meaning !== null);
  const others = columns.filter(({ meaning }) => meaning === null).map(({ name }) => name);
  const named = meant.map(({ name, meaning }) => `${meaning.replace("_", " ")} from ${name}`);
  return [...named, others.length ? `other columns: ${others.join(", ")}` : ""].filter(Boolean).join("; ");
}

function rejections(rows) {
  if (rows.length === 0) return [];
  const counts = new Map();
  for (const { code } of rows) counts.set(code, (counts.get(code) ?? 0) + 1);
  const codes = [...counts].map(([code, count]) => `${count} ${code}`).join(", ");
  return [`${several(rows.length, "row")} could not be scored: ${codes}. The reasons are at the rows.`];
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
