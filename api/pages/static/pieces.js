// Which words of a text moved its score: the same reckoning as api/highlight.py, for texts scored without a page load.
const LEVELS = 4;
// What Python's \S matches: the two languages disagree about six characters.
const WORD = /(?:[^\s\x1c-\x1f\x85]|\ufeff)+/gu;

/** Cut a text into `{text, level, weight}`; contributions count characters, as Python does, not UTF-16 units. */
export function pieces(text, contributions) {
  const starts = characterStarts(text);
  const steps = new Float64Array(starts.length + 1);
  for (const { weight, spans } of contributions) {
    const covered = spans.reduce((sum, [start, end]) => sum + end - start, 0);
    for (const [start, end] of spans) {
      steps[start] += weight / covered;
      steps[end] -= weight / covered;
    }
  }
  const words = [...text.matchAll(WORD)].map((match) => ({ text: match[0], start: match.index, weight: 0 }));
  const sums = runningSums(steps, starts);
  for (const word of words) word.weight = sums.get(word.start + word.text.length) - sums.get(word.start);
  const strongest = Math.max(...words.map((word) => Math.abs(word.weight)), 0) || 1;

  const found = [];
  let at = 0;
  for (const word of words) {
    if (word.start > at) found.push({ text: text.slice(at, word.start), level: 0, weight: 0 });
    found.push({ text: word.text, level: Math.round((LEVELS * word.weight) / strongest), weight: word.weight });
    at = word.start + word.text.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), level: 0, weight: 0 });
  return found;
}

/** Where each character begins in the string, and where the string ends. */
function characterStarts(text) {
  const starts = [0];
  for (const character of text) starts.push(starts.at(-1) + character.length);
  return starts;
}

/** The weight of all characters before a place in the string. */
function runningSums(steps, starts) {
  const sums = new Map();
  let sum = 0;
  let level = 0;
  starts.forEach((start, character) => {
    sums.set(start, sum);
    level += steps[character];
    sum += level;
  });
  return sums;
}
