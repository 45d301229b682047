// Draws the figures of the tables as charts, and helps to choose a product. Without it the page has the same figures.
import { comparison, mix, trend } from "./charts.js";
import { suggest } from "./products.js";

const form = document.querySelector(".choose");
suggest(form.elements.product, form);

if (document.querySelector("#days")) {
  const draw = [trend, mix, comparison];
  let shown = draw.map((chart) => chart());
  const redraw = () => {
    shown.forEach((chart) => chart.destroy());
    shown = draw.map((chart) => chart());
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

const link = document.querySelector("#link");
link?.addEventListener("click", async (event) => {
  if (!navigator.clipboard) return; // not a secure origin: the link is followed, and the address has the selection
  event.preventDefault();
  history.replaceState(null, "", link.href);
  try {
    await navigator.clipboard.writeText(link.href);
    document.querySelector("#copied").textContent = "Copied.";
  } catch {
    document.querySelector("#copied").textContent = "The address of this page is the link.";
  }
});
