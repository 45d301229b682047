// Corrections: the form of a verdict, sent without leaving the page.
import { post, Refused } from "./service.js";

// A correction that is sent again because its answer got lost is stored once.
const TAB = { "Idempotency-Key": Math.random().toString(36).slice(2) };

/** Send what the buttons of any `.correction` form say. */
export function start(root) {
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches(".correction")) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return; // buttons that are disabled would lose the focus
    const chosen = event.submitter;
    const text = form.elements.text.value;
    const status = form.querySelector("[role=status]");
    const buttons = [...form.querySelectorAll("button")];
    form.ariaBusy = "true";
    try {
      const correction = {
        text,
        label: chosen.value,
        score: Number(form.elements.score.value),
        model_digest: form.elements.model_digest.value,
      };
      await post("/feedback", correction, undefined, TAB);
      if (form.elements.text.value !== text) return; // it shows another verdict by now
      buttons.forEach((button) => button.setAttribute("aria-pressed", button === chosen));
      status.textContent = `Thank you. The text will be stored as ${chosen.value}.`;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      status.textContent = `Not accepted. ${error.message}`;
    } finally {
      form.ariaBusy = "false";
    }
  });
}
