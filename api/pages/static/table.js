// The table of results: every row, in the order that its header buttons choose.
import { known } from "./known.js";
import { capitalised } from "./verdict.js";

const blank = document.getElementById("row").content.firstElementChild;
const VALUE = { line: (row) => row.line, score: (row) => row.result?.score };

/** Make a table's header sort it; returns `show`, which takes its rows. */
export function start(table) {
  const buttons = [...table.querySelectorAll("th button")];
  let shown = [];
  let by = "line";
  let direction = "ascending";

  function arrange() {
    const value = VALUE[by];
    const sign = direction === "ascending" ? 1 : -1;
    // What has no score comes last either way.
    shown.sort(
      ({ row: one }, { row: other }) =>
        (value(one) === undefined) - (value(other) === undefined) ||
        sign * (value(one) - value(other)) ||
        one.line - other.line,
    );
    for (const button of buttons) {
      const header = button.closest("th");
      if (button.dataset.by === by) header.setAttribute("aria-sort", direction);
      else header.removeAttribute("aria-sort");
    }
    table.tBodies[0].replaceChildren(...shown.map(({ element }) => element));
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      direction = by === button.dataset.by && direction === "ascending" ? "descending" : "ascending";
      by = button.dataset.by;
      arrange();
    });
  }

  return {
    show(rows) {
      shown = rows.map((row) => ({ row, element: shownRow(row) }));
      arrange();
    },
  };
}

function shownRow({ line, text, result, error }) {
  const element = blank.cloneNode(true);
  const part = (selector) => element.querySelector(selector);
  part(".line").textContent = line;
  part(".text p").textContent = text;
  part(".fault").hidden = !error && !result?.truncated;
  part(".fault").textContent = error ?? (result?.truncated ? "Only its beginning was scored." : "");
  const marks = result ? markedAs(result) : "";
  part(".marks").hidden = marks === "";
  part(".marks").textContent = marks;
  if (!result) {
    part(".label").textContent = "Not scored";
    part(".points").replaceChildren();
    return element;
  }
  element.className = result.label;
  part(".label").textContent = capitalised(result.label);
  part(".points span").textContent = result.score.toFixed(3);
  part(".points rect").setAttribute("width", `${(100 * result.score).toFixed(1)}%`);
  return element;
}

/** The marks of a result in words: "Unfamiliar. Mixed. German, unsupported." */
function markedAs({ unfamiliar, mixed, language }) {
  const doubtful = language.detected !== null && language.standing !== "supported";
  const name = known.languages[language.detected] ?? language.detected;
  const marks = [unfamiliar && "Unfamiliar", mixed && "Mixed", doubtful && `${name}, ${language.standing}`];
  return marks.filter(Boolean).map((mark) => `${mark}.`).join(" ");
}
