// Results as CSV. Files are read by the service, which has the only reader of CSV.

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
