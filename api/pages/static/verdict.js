// What came of one text, shown in the markup that api/templates/verdict.html has for it.
import { known } from "./known.js";
import { gather } from "./marks.js";
import { pieces } from "./pieces.js";

// As in api/pages.py.
const SHOWN_NGRAMS = 6;
const TELLING = 0.03;
const LABELS = ["negative", "neutral", "positive"];

const blank = document.getElementById("verdict").content.querySelector(".result");
const model = document.querySelector(".model");

/** Show an answer of `POST /predict` in a place, in what it holds already or in a new copy. */
export function showVerdict(place, text, answer) {
  let section = place.querySelector(".result");
  if (!section) {
    section = blank.cloneNode(true);
    place.replaceChildren(section);
  }
  const part = (selector) => section.querySelector(selector);
  section.className = `result ${answer.label}`;
  part("h2").textContent = capitalised(answer.label);
  part(".score strong").textContent = percent(answer.score);
  part(".score span").textContent = meaning(answer);
  part(".scale").setAttribute(
    "aria-label",
    `Score ${answer.score.toFixed(3)} on a scale from 0, negative, to 1, positive`,
  );
  part(".marker").setAttribute("cx", `${(1.5 + 97 * answer.score).toFixed(2)}%`);
  // The page has the neutral band of one model, and no other's.
  part(".band")?.toggleAttribute("hidden", known.bandOf !== answer.model.digest);
  part(".probabilities").hidden = answer.probabilities.neutral === undefined;
  for (const label of LABELS) {
    part(`.probabilities .${label} dd`).textContent = percent(answer.probabilities[label] ?? 0);
  }
  part(".language").textContent = languageSentence(answer.language);
  part(".language").hidden = answer.language.detected === null;
  part(".unfamiliar").hidden = !answer.unfamiliar;
  part(".mixed").hidden = !answer.mixed;
  showParts(part(".parts"), text, answer.explanation?.parts ?? []);
  part(".truncated").hidden = !answer.truncated;
  part(".why").hidden = !answer.explanation;
  part(".unexplained").hidden = Boolean(answer.explanation);
  explain(section, text, answer.explanation?.contributions ?? []);
  showModel(answer.model);
  prepareCorrection(part(".correction"), text, answer);
}

/** What the score of an answer means: with three labels it is not a probability. */
export const meaning = ({ probabilities }) =>
  probabilities.neutral === undefined ? "probability of positive" : "of the way from negative to positive";

/** What the page says of a language, or "" if it is undetermined; as in api/pages/languages.py. */
export function languageSentence({ detected, certainty, standing }) {
  if (detected === null) return "";
  const name = known.languages[detected] ?? detected;
  return `Language: ${name}, ${(100 * certainty).toFixed(0)} % certain. ${known.standings[standing]}`;
}

/** "95.2 %" */
export const percent = (share) => `${(100 * share).toFixed(1)} %`;

export const capitalised = (word) => word[0].toUpperCase() + word.slice(1);

function showParts(list, text, parts) {
  const characters = [...text]; // spans count characters, not the units of UTF-16
  list.hidden = parts.length === 0;
  for (const label of ["positive", "negative"]) {
    const { start, end } = parts.find((part) => part.label === label) ?? { start: 0, end: 0 };
    // The whole result has a label as its class too.
    list.querySelector(`:scope > .${label} dd`).textContent = characters.slice(start, end).join("");
  }
}

function explain(section, text, contributions) {
  const marked = section.querySelector(".marked");
  marked.replaceChildren(...pieces(text, contributions).map(shownPiece));
  gather(marked);
  const strongest = Math.max(...contributions.map((part) => Math.abs(part.weight)), 0);
  const telling = contributions.filter((part) => Math.abs(part.weight) > TELLING * strongest);
  showSide(section.querySelector("table.positive tbody"), telling.filter((part) => part.weight > 0), strongest);
  showSide(section.querySelector("table.negative tbody"), telling.filter((part) => part.weight < 0), strongest);
}

function shownPiece({ text, level, weight }) {
  if (level === 0) return document.createTextNode(text);
  const mark = blank.querySelector("mark").cloneNode(true);
  mark.className = `${level > 0 ? "up" : "down"}${Math.abs(level)}`;
  mark.firstChild.textContent = signed(weight);
  mark.prepend(text);
  return mark;
}

function showSide(body, parts, strongest) {
  body.replaceChildren(
    ...parts.slice(0, SHOWN_NGRAMS).map((part) => {
      const row = blank.querySelector("tbody tr").cloneNode(true);
      row.querySelector("th").textContent = part.ngram;
      row.querySelector("rect").setAttribute("width", `${((100 * Math.abs(part.weight)) / strongest).toFixed(1)}%`);
      row.querySelector("span").textContent = signed(part.weight);
      return row;
    }),
  );
  body.parentElement.tFoot.hidden = parts.length > 0;
}

const signed = (weight) => (weight < 0 ? "" : "+") + weight.toFixed(2);

/** Say which model answered. */
export function showModel({ name, version, digest }) {
  model.querySelector("strong").textContent = version === null ? name : `${name} v${version}`;
  model.querySelector("code").textContent = digest.slice(0, 12);
  model.querySelector("code").title = digest;
  model.hidden = false;
  document.querySelector(".unready")?.remove();
}

function prepareCorrection(form, text, answer) {
  if (!form) return;
  form.elements.text.value = text;
  form.elements.score.value = answer.score;
  form.elements.model_digest.value = answer.model.digest;
  form.ariaBusy = "false";
  form.querySelector("[role=status]").textContent = "";
  form.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-pressed"));
}
