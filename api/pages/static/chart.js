// What many results are like: how many have which label, and which score.
import { counted, several } from "./known.js";
import { percent } from "./verdict.js";

const LABELS = ["negative", "neutral", "positive"];
const BINS = 20;

/** Show the shares of the labels and the distribution of the scores of rows. */
export function showChart(results, rows) {
  const scored = rows.filter((row) => row.result).map((row) => row.result);
  const counts = Object.fromEntries(LABELS.map((label) => [label, scored.filter((one) => one.label === label).length]));
  showCounts(results.querySelector(".counts"), { ...counts, failed: rows.length - scored.length }, rows.length);
  showShares(results.querySelector(".shares"), counts, scored.length);
  const histogram = results.querySelector(".histogram");
  showHistogram(histogram, scored);
  const described = LABELS.map((label) => `${counted(counts[label])} ${label}`).join(", ");
  histogram.setAttribute("aria-label", `Distribution of ${several(scored.length, "score")}: ${described}`);
}

function showCounts(list, counts, all) {
  for (const [name, count] of Object.entries(counts)) {
    const group = list.querySelector(`.${name}`);
    group.querySelector("strong").textContent = counted(count);
    group.querySelector("span").textContent = percent(count / all);
  }
  list.querySelector(".failed").hidden = counts.failed === 0;
}

function showShares(svg, counts, all) {
  let at = 0;
  svg.replaceChildren(
    ...LABELS.map((label) => {
      const width = all ? (100 * counts[label]) / all : 0;
      const share = bar(label, `${at.toFixed(2)}%`, "0", `${width.toFixed(2)}%`, "100%");
      at += width;
      return share;
    }),
  );
}

function showHistogram(svg, scored) {
  const { width, height } = svg.viewBox.baseVal;
  const bins = Array.from({ length: BINS }, () => ({ negative: 0, neutral: 0, positive: 0 }));
  for (const { label, score } of scored) bins[Math.min(Math.floor(BINS * score), BINS - 1)][label] += 1;
  const sum = (bin) => LABELS.reduce((total, label) => total + bin[label], 0);
  const highest = Math.max(...bins.map(sum), 1);
  const step = width / BINS;
  svg.replaceChildren(
    ...bins.flatMap((bin, index) => {
      let top = height;
      return LABELS.filter((label) => bin[label]).map((label) => {
        const tall = (height * bin[label]) / highest;
        top -= tall;
        return bar(label, index * step + 1, top, step - 2, tall);
      });
    }),
  );
}

function bar(label, x, y, width, height) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ class: label, x, y, width, height })) rect.setAttribute(name, value);
  return rect;
}
