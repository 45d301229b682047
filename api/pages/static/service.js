// Requests to the service that this page came from: with a key where it wants one, and each failure in a sentence.
import { askKey, key } from "./key.js";
import { bytes, counted, known } from "./known.js";

const UNREACHABLE = "The service cannot be reached. Nothing is lost; try again.";
const SENTENCES = {
  413: "This is more than the service accepts.",
  429: "Too many requests were sent.",
  500: "The service failed.",
  502: "The service is not available at the moment.",
  503: "The service is not ready at the moment.",
  504: "The service took too long.",
};

/**
 * Why there is no answer: the message is for people, `retryAfter` the seconds to wait if waiting helps, else null.
 * `problem` is the service's description of the error, or null.
 */
export class Refused extends Error {
  constructor(message, retryAfter = null, problem = null) {
    super(retryAfter === null ? message : `${message} Try again in ${retryAfter} s.`);
    this.retryAfter = retryAfter;
    this.problem = problem;
  }
}

/**
 * Send JSON, with more headers if need be, and return the JSON that comes back.
 * Throws `Refused`, or the signal's reason when it is aborted.
 */
export async function post(path, payload, signal, more = {}) {
  const body = JSON.stringify(payload);
  if (bytes(body) > known.bodyBytes) {
    throw new Refused(`This is more than the service accepts: ${counted(known.bodyBytes)} bytes.`);
  }
  return answerOf(path, body, signal, { "Content-Type": "application/json", ...more });
}

/** Send a file as it is, and return the JSON that comes back. Throws as `post` does. */
export function upload(path, file, signal) {
  return answerOf(path, file, signal, { "Content-Type": "application/octet-stream" });
}

async function answerOf(path, body, signal, headers) {
  for (;;) {
    const used = key();
    const response = await sent(path, body, used, signal, headers);
    if (response.status !== 401) return answered(response, signal);
    await askKey(used, signal);
  }
}

async function sent(path, body, key, signal, given) {
  const headers = { Accept: "application/json", ...given };
  if (key) headers.Authorization = `Bearer ${key}`;
  try {
    return await fetch(path, { method: "POST", headers, body, signal });
  } catch {
    signal?.throwIfAborted();
    throw new Refused(UNREACHABLE);
  }
}

async function answered(response, signal) {
  let content = null;
  try {
    content = await response.json();
  } catch {
    signal?.throwIfAborted();
  }
  if (response.ok && content !== null) return content;
  const sentence = content?.detail ?? SENTENCES[response.status] ?? `The service answered ${response.status}.`;
  throw new Refused(sentence, seconds(response.headers.get("Retry-After")), content);
}

/** A `Retry-After` header in seconds: it says a number of them, or a date. */
function seconds(header) {
  if (header === null) return null;
  const wait = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isNaN(wait) ? null : Math.max(wait, 0);
}
