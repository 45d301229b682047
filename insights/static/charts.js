// The charts of the page, from its tables. Arrow keys step through the days; what they reach is spoken.
/* global Chart */
const LABELS = ["positive", "neutral", "negative"];
const DAY_MS = 86_400_000;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const title = (label) => label[0].toUpperCase() + label.slice(1);
const percent = (ratio) => `${(100 * ratio).toFixed(1)} %`;

// Every day of the period, also those without reviews, which are gaps.
function days() {
  const { since, until } = document.querySelector("#days").dataset;
  const found = [];
  for (let at = Date.parse(since); at <= Date.parse(until); at += DAY_MS) found.push(new Date(at).toISOString().slice(0, 10));
  return found;
}

function rows(table) {
  return new Map([...document.querySelectorAll(`${table} tbody tr`)].map((row) => [row.dataset.day, row.dataset]));
}

function base(options) {
  const grid = { color: color("line") };
  return {
    responsive: true,
    maintainAspectRatio: false,
    animation: false,
    color: color("soft"),
    interaction: { mode: "index", intersect: false },
    ...options,
    scales: Object.fromEntries(
      Object.entries(options.scales).map(([name, scale]) => [
        name,
        { grid, border: { color: color("line") }, ...scale, ticks: { color: color("soft"), ...scale.ticks } },
      ]),
    ),
  };
}

const dayScale = { grid: { display: false }, stacked: true, ticks: { maxRotation: 0, autoSkipPadding: 16 } };

export function trend() {
  const labels = days();
  const figures = rows("#days");
  const at = (name) => labels.map((day) => (figures.has(day) ? Number(figures.get(day)[name]) : null));
  const score = color("accent");
  const chart = new Chart("trend", {
    data: {
      labels,
      datasets: [
        { type: "line", label: "Mean score", data: at("score"), yAxisID: "score", borderColor: score, backgroundColor: score,
          borderWidth: 2, pointRadius: labels.length > 90 ? 0 : 3, tension: 0, order: 0 },
        { type: "bar", label: "Reviews", data: at("reviews"), yAxisID: "reviews", backgroundColor: color("volume"), order: 1 },
      ],
    },
    options: base({
      scales: {
        x: dayScale,
        score: { position: "left", suggestedMin: 0, suggestedMax: 1, title: { display: true, text: "Mean score", color: color("soft") } },
        reviews: { position: "right", beginAtZero: true, grid: { display: false }, grace: "150%", ticks: { precision: 0 },
          title: { display: true, text: "Reviews", color: color("soft") } },
      },
    }),
  });
  return withKeys(chart, (place) => {
    const figure = figures.get(labels[place]);
    return figure ? `${labels[place]}: mean score ${Number(figure.score).toFixed(3)}, ${figure.reviews} reviews` : `${labels[place]}: no reviews`;
  });
}

export function mix() {
  const labels = days();
  const figures = rows("#labels");
  const ratio = (day, label) => {
    const figure = figures.get(day);
    return figure ? Number(figure[label]) / LABELS.reduce((sum, each) => sum + Number(figure[each]), 0) : null;
  };
  const chart = new Chart("mix", {
    type: "bar",
    data: {
      labels,
      datasets: LABELS.map((label) => ({
        label: title(label), data: labels.map((day) => ratio(day, label)), backgroundColor: color(label), stack: "labels",
      })),
    },
    options: base({
      scales: { x: dayScale, y: { stacked: true, min: 0, max: 1, ticks: { callback: (value) => `${Math.round(100 * value)} %` } } },
      plugins: { tooltip: { callbacks: { label: (item) => `${item.dataset.label} ${percent(item.parsed.y)}` } } },
    }),
  });
  return withKeys(chart, (place) => {
    const day = labels[place];
    return figures.has(day) ? `${day}: ${LABELS.map((label) => `${label} ${percent(ratio(day, label))}`).join(", ")}` : `${day}: no reviews`;
  });
}

export function comparison() {
  const figures = new Map([...document.querySelectorAll("#periods tr[data-label]")].map((row) => [row.dataset.label, row.dataset]));
  const value = (text) => (text === "" ? null : Number(text));
  return new Chart("compare", {
    type: "bar",
    data: {
      labels: ["Before", "This period"],
      datasets: LABELS.map((label) => ({
        label: title(label), backgroundColor: color(label), stack: "labels",
        data: [value(figures.get(label).before), value(figures.get(label).now)],
      })),
    },
    options: base({
      indexAxis: "y",
      scales: {
        x: { stacked: true, min: 0, max: 1, ticks: { callback: (ratio) => `${Math.round(100 * ratio)} %` } },
        y: { stacked: true, grid: { display: false } },
      },
      plugins: { tooltip: { callbacks: { label: (item) => `${item.dataset.label} ${percent(item.parsed.x)}` } } },
    }),
  });
}

function withKeys(chart, say) {
  const last = chart.data.labels.length - 1;
  const spoken = document.querySelector(`#${chart.canvas.id}-point`);
  let place = -1;
  const step = { ArrowRight: () => Math.min(place + 1, last), ArrowLeft: () => Math.max(place - 1, 0), Home: () => 0, End: () => last };
  chart.canvas.onkeydown = (event) => {
    if (!(event.key in step)) return;
    event.preventDefault();
    place = step[event.key]();
    const active = chart.data.datasets.map((_, datasetIndex) => ({ datasetIndex, index: place }));
    chart.setActiveElements(active);
    const { x, y } = chart.getDatasetMeta(0).data[place];
    chart.tooltip.setActiveElements(active, { x, y });
    chart.update();
    spoken.textContent = say(place);
  };
  return chart;
}
