// Many texts: pasted or from a file, scored in slices, shown as a table and a chart, and saved as a CSV.
import { scoreAll } from "./batch.js";
import { showChart } from "./chart.js";
import { write } from "./csv.js";
import { counted, several } from "./known.js";
import { fromFile, fromLines, textColumn, Unreadable } from "./source.js";
import { start as startTable } from "./table.js";
import { showModel } from "./verdict.js";

const ADDED = ["sentiment_label", "sentiment_score", "sentiment_model", "sentiment_error"];

/** Make the panel work; files may be dropped anywhere on the page, and `show` brings it to the front. */
export function start(panel, { show }) {
  const part = (selector) => panel.querySelector(selector);
  const form = part(".composer");
  const column = part("#column");
  const results = part(".results");
  const table = startTable(part("table"));
  let file = null; // {name, columns, records}, in place of the lines
  let columns = [];
  let rows = [];
  let running = null;

  function complain(message) {
    part(".alert").textContent = message;
    part(".alert").hidden = message === "";
  }

  async function take(chosen) {
    complain("");
    try {
      useFile({ name: chosen.name, ...(await fromFile(chosen)) });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      useFile(null);
      complain(error.message);
    }
  }

  function useFile(taken) {
    file = taken;
    part(".file").hidden = file === null;
    part(".source").hidden = file !== null;
    column.disabled = file === null;
    if (file === null) return;
    part(".file .name").textContent = file.name;
    part(".file .size").textContent = several(file.records.length, "row");
    const found = textColumn(file.columns);
    column.replaceChildren(
      new Option("Choose one", "", true, found < 0),
      ...file.columns.map((name, index) => new Option(name || `(column ${index + 1})`, index, false, index === found)),
    );
    column.options[0].disabled = true;
    part(found < 0 ? "#column" : ".actions button").focus();
  }

  function prepare() {
    const { columns: names, records } = file ?? fromLines(form.elements.lines.value);
    columns = names;
    const index = file ? Number(column.value) : 0;
    rows = records.map(({ line, cells }) => {
      const error = misfit(cells, columns);
      return { line, cells, text: cells[index] ?? "", error, final: error !== undefined };
    });
  }

  async function run() {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const wanted = rows.filter(isOpen);
    for (const row of wanted) row.error = undefined;
    progress("Scoring", true);
    try {
      await scoreAll(wanted, (note) => signal.aborted || progress(note || "Scoring", true), signal);
      progress("Done", false);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (signal !== running.signal) return; // another run has begun
      progress("Cancelled", false);
    }
    showResults();
  }

  function progress(note, goesOn) {
    const done = rows.filter((row) => row.result || (goesOn && row.error)).length;
    part(".progress").hidden = false;
    part("progress").max = rows.length;
    part("progress").value = done;
    part("progress").hidden = !goesOn;
    const told = `${note}: ${counted(done)} of ${several(rows.length, "text")}`;
    part(".progress [role=status]").textContent = goesOn ? told : `${told} scored`;
    part(".cancel").hidden = !goesOn;
    part(".again").hidden = goesOn || !rows.some(isOpen);
  }

  function showResults() {
    results.hidden = false;
    showChart(results, rows);
    table.show(rows);
    const answered = rows.find((row) => row.result);
    if (answered) showModel(answered.result.model);
  }

  function save() {
    const last = columns.length - 1;
    const body = rows.map(({ cells, result, error }) => [
      ...columns.slice(0, last).map((_, index) => cells[index] ?? ""),
      cells.slice(last).join(","), // what a row has too much is kept, and the file stays a table
      ...(result ? [result.label, result.score, result.model.digest, ""] : ["", "", "", error ?? "not scored"]),
    ]);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([write([[...columns, ...ADDED], ...body])], { type: "text/csv" }));
    link.download = `${(file?.name ?? "reviews").replace(/\.\w+$/, "")}-scored.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    complain("");
    try {
      prepare();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      complain(error.message);
      return;
    }
    results.hidden = true;
    run();
  });
  part("input[type=file]").addEventListener("change", (event) => {
    if (event.target.files.length > 0) take(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  part(".remove").addEventListener("click", () => {
    useFile(null);
    form.elements.lines.focus();
  });
  part(".cancel").addEventListener("click", () => running.abort(new DOMException("cancelled", "AbortError")));
  part(".again").addEventListener("click", run);
  part(".download").addEventListener("click", save);
  acceptDrops((dropped) => {
    show();
    take(dropped);
  });
}

/** Whether a row may yet be scored: it is not, and not by a fault of its own. */
const isOpen = (row) => !row.result && !row.final;

/** Why a record cannot be told apart into columns, or undefined. */
function misfit(cells, columns) {
  if (cells.length === columns.length) return undefined;
  return `The row has ${several(cells.length, "column")} where the header has ${columns.length}.`;
}

function acceptDrops(take) {
  const carriesFile = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}
