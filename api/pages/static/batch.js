// Many texts, sent in slices that the service takes, one after the other.
import { bytes, counted, known } from "./known.js";
import { post, Refused } from "./service.js";

// More would be taken, but then nothing moves on the page for a while.
const MOST_TEXTS = 250;
const ENVELOPE = bytes(JSON.stringify({ texts: [] }));
const TRIES = 6;
const LONGEST_WAIT_S = 60;

/**
 * Give each row, `{text}`, its `result` or its `error`, slice by slice, calling `told` after each and before each wait.
 * An error that the text itself is to blame for is `final`.
 * Throws the signal's reason when it is aborted; rows that were not reached then have neither.
 */
export async function scoreAll(rows, told, signal) {
  for (const slice of slices(rows)) {
    try {
      const ask = () => post("/predict/batch", { texts: slice.map((row) => row.text) }, signal);
      const answer = await patiently(ask, told, signal);
      slice.forEach((row, index) => (row.result = answer.results[index]));
      for (const { index, message } of answer.errors) Object.assign(slice[index], { error: message, final: true });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      for (const row of slice) row.error = error.message;
    }
    told("");
  }
}

/** Cut rows into slices below both limits; a text that is beyond them alone gets its error here. */
function* slices(rows) {
  let slice = [];
  let size = ENVELOPE;
  for (const row of rows) {
    const more = bytes(JSON.stringify(row.text)) + 1;
    if (ENVELOPE + more > known.bodyBytes) {
      row.error = `The text is longer than the service accepts: ${counted(known.bodyBytes)} bytes.`;
      row.final = true;
      continue;
    }
    if (slice.length === Math.min(MOST_TEXTS, known.batchTexts) || size + more > known.bodyBytes) {
      yield slice;
      slice = [];
      size = ENVELOPE;
    }
    slice.push(row);
    size += more;
  }
  if (slice.length > 0) yield slice;
}

/** The answer that `ask` gets. While the service asks to wait, it is asked again, after a call of `told`. */
export async function patiently(ask, told, signal) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refused) || error.retryAfter === null || left <= 1) throw error;
      const wait = Math.min(Math.max(error.retryAfter, 1), LONGEST_WAIT_S);
      told(`The service asks to wait ${wait} s.`);
      await passed(1000 * wait, signal);
    }
  }
}

function passed(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
