// One text, scored as it is written.
import { known } from "./known.js";
import { gather } from "./marks.js";
import { post, Refused } from "./service.js";
import { capitalised, meaning, percent, showVerdict } from "./verdict.js";

const PAUSE_MS = 250;
// A screen reader is told once the writer rests, not at each pause.
const SPOKEN_AFTER_MS = 1000;
const AS_YOU_TYPE = "Scored as you type, and not stored.";
const ON_REQUEST = "Too long to score as you type. Press Score.";

/** Make the panel live. */
export function start(panel) {
  const form = panel.querySelector(".composer");
  const field = form.elements.text;
  const hint = form.querySelector(".hint");
  const problem = panel.querySelector("#problem");
  const outcome = panel.querySelector(".outcome");
  const spoken = panel.querySelector(".spoken");
  let latest = new AbortController();
  let pause, speech;

  function supersede() {
    latest.abort();
    latest = new AbortController();
    clearTimeout(pause);
    clearTimeout(speech);
    outcome.ariaBusy = "false";
    return latest.signal;
  }

  async function score() {
    const signal = supersede();
    const text = field.value;
    outcome.ariaBusy = "true";
    try {
      const answer = await post("/predict", { text, explain: isShort(text) }, signal);
      complain(null);
      showVerdict(outcome, text, answer);
      document.title = `${capitalised(answer.label)} · Sentiment`;
      const said = `${capitalised(answer.label)}, ${percent(answer.score)} ${meaning(answer)}`;
      speech = setTimeout(() => (spoken.textContent = said), SPOKEN_AFTER_MS);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      complain(error.message);
    }
    outcome.ariaBusy = "false";
  }

  function complain(message) {
    problem.hidden = message === null;
    field.toggleAttribute("aria-invalid", message !== null);
    problem.replaceChildren();
    if (message === null) return;
    const strong = document.createElement("strong");
    strong.textContent = "Not scored.";
    problem.append(strong, ` ${message}`);
    clear();
  }

  function clear() {
    outcome.replaceChildren();
    spoken.textContent = "";
    document.title = "Sentiment";
  }

  function written() {
    supersede();
    hint.textContent = isShort(field.value) ? AS_YOU_TYPE : ON_REQUEST;
    if (field.value.trim() && isShort(field.value)) {
      pause = setTimeout(score, PAUSE_MS);
    } else {
      complain(null);
      clear();
    }
  }

  hint.textContent = AS_YOU_TYPE;
  field.addEventListener("input", written);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    score();
  });
  panel.querySelector(".examples").addEventListener("submit", (event) => {
    event.preventDefault();
    field.value = event.submitter.value;
    score();
    field.focus();
  });
  outcome.querySelectorAll(".marked").forEach(gather);
  // A browser that goes back or reloads may have kept what was written.
  if (field.value.trim() && !outcome.querySelector(".result") && problem.hidden) written();
}

const isShort = (text) => text.length <= known.explained;
