// Many texts: pasted or from a file, scored, shown as a table and a chart, and saved as a CSV.
import { scoreAll } from "./batch.js";
import { showChart } from "./chart.js";
import { write } from "./csv.js";
import { counted, several } from "./known.js";
import { Refused } from "./service.js";
import { fromFile, fromLines, Unreadable } from "./source.js";
import { start as startTable } from "./table.js";
import { scoreTable } from "./table_file.js";
import { showModel } from "./verdict.js";

// The columns that a download adds, each with its value of a result.
const RESULT = {
  label: ({ label }) => label,
  score: ({ score }) => score,
  negative: ({ probabilities }) => probabilities.negative,
  neutral: ({ probabilities }) => probabilities.neutral ?? "",
  positive: ({ probabilities }) => probabilities.positive,
  unfamiliar: ({ unfamiliar }) => unfamiliar,
  mixed: ({ mixed }) => mixed,
  language: ({ language }) => language.detected ?? "",
  language_standing: ({ language }) => language.standing ?? "",
  model: ({ model }) => model.digest,
};
const ADDED = [...Object.keys(RESULT), "error"].map((name) => `sentiment_${name}`);

/** Make the panel work; files may be dropped anywhere on the page, and `show` brings it to the front. */
export function start(panel, { show }) {
  const part = (selector) => panel.querySelector(selector);
  const form = part(".composer");
  const column = part("#column");
  const results = part(".results");
  const table = startTable(part("table"));
  let file = null; // {name, table} or {name, columns, records}, in place of the lines
  let columns = [];
  let rows = [];
  let running = null;
  let found = ""; // the text column that the service found, or "" if it found none or was not asked

  function complain(message) {
    part(".alert").textContent = message;
    part(".alert").hidden = message === "";
  }

  async function take(chosen) {
    complain("");
    try {
      useFile({ name: chosen.name, size: chosen.size, ...(await fromFile(chosen)) });
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
    offer([], "");
    if (file === null) return;
    part(".file .name").textContent = file.name;
    part(".file .size").textContent = file.table ? several(file.size, "byte") : several(file.records.length, "row");
    part(".actions button").focus();
  }

  /** Offer the columns of the file to choose the text from; without columns there is nothing to choose. */
  function offer(names, chosen) {
    found = chosen;
    part(".column").hidden = names.length === 0;
    column.disabled = names.length === 0;
    const options = names.map((name) => new Option(name || "(no name)", name, false, name === chosen));
    column.replaceChildren(new Option("Choose one", "", true, chosen === ""), ...options);
    column.options[0].disabled = true;
  }

  function prepare() {
    const lines = file ?? fromLines(form.elements.lines.value);
    columns = lines.columns;
    rows = lines.records.map(({ line, cells }) => ({ line, cells, text: cells[0], final: false }));
  }

  async function run() {
    const signal = begin();
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
    showResults("", []);
  }

  async function runTable() {
    const signal = begin();
    const chosen = column.value !== found ? column.value : null;
    rows = [];
    working(`Reading ${file.name}`);
    try {
      const answer = await scoreTable(file.table, chosen, (note) => note && working(note), signal);
      rows = answer.rows;
      columns = answer.columns.map(({ name }) => name);
      offer(columns, answer.columns.find(({ meaning }) => meaning === "text").name);
      progress("Done", false);
      showResults(answer.understood, answer.notes);
    } catch (error) {
      if (signal.aborted) {
        if (signal === running.signal) part(".progress").hidden = true;
        return;
      }
      if (!(error instanceof Refused)) throw error;
      part(".progress").hidden = true;
      refused(error);
    }
  }

  function refused(error) {
    const names = error.problem?.columns ?? [];
    if (names.length === 0) {
      complain(error.message);
      return;
    }
    offer(names, "");
    complain(`None of the columns of ${file.name} is known as the text. Choose the one that holds it.`);
    column.focus();
  }

  /** Break off what runs, and return the signal of the run that begins. */
  function begin() {
    running?.abort();
    running = new AbortController();
    return running.signal;
  }

  function working(note) {
    part(".progress").hidden = false;
    part("progress").hidden = false;
    part("progress").removeAttribute("value"); // how far the service is, is not known
    part(".progress [role=status]").textContent = note;
    part(".cancel").hidden = false;
    part(".again").hidden = true;
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

  function showResults(understood, notes) {
    results.hidden = false;
    part(".understood").hidden = understood === "";
    part(".understood p").textContent = `Read as: ${understood}.`;
    part(".understood ul").replaceChildren(...notes.map(listed));
    part(".understood ul").hidden = notes.length === 0;
    showChart(results, rows);
    table.show(rows);
    const answered = rows.find((row) => row.result);
    if (answered) showModel(answered.result.model);
  }

  function save() {
    const added = file?.table ? [...ADDED, "sentiment_row"] : ADDED;
    const body = rows.map(({ cells, result, error, raw }) => [
      ...columns.map((_, index) => cells[index] ?? ""),
      ...Object.values(RESULT).map((value) => (result ? value(result) : "")),
      result ? "" : (error ?? "not scored"),
      ...(file?.table ? [raw ?? ""] : []), // a rejected row has no columns: it is kept as it is
    ]);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([write([[...columns, ...added], ...body])], { type: "text/csv" }));
    link.download = `${(file?.name ?? "reviews").replace(/\.\w+$/, "")}-scored.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    complain("");
    results.hidden = true;
    if (file?.table) {
      runTable();
      return;
    }
    try {
      prepare();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      complain(error.message);
      return;
    }
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

function listed(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
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
