// The API key of this tab, and the form that asks for it when the service wants one.
const NAME = "sentiment-api-key";
const waiting = new Set();
let kept = read();

/** The key, or null. */
export const key = () => kept;

/** Show the form; the promise is kept once there is a key. `refused` is the one that did not do, or null. */
export function askKey(refused, signal) {
  if (kept !== refused) return Promise.resolve(); // another request has asked meanwhile
  keep(null);
  const form = document.querySelector(".unlock");
  form.querySelector("[role=alert]").textContent = refused
    ? "The service rejected that key."
    : "This service needs an API key.";
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    keep(form.elements.key.value.trim());
    form.reset();
    form.hidden = true;
    waiting.forEach((go) => go());
    waiting.clear();
  };
  return new Promise((resolve, reject) => {
    waiting.add(resolve);
    signal?.addEventListener("abort", () => {
      waiting.delete(resolve);
      reject(signal.reason);
    });
  });
}

function read() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null; // a browser may keep pages from storing anything
  }
}

function keep(key) {
  kept = key;
  try {
    if (key === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // then it lasts as long as the page does
  }
}
