// Tabs as the WAI-ARIA pattern has them: arrow keys move, and what is moved to is shown.
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

/** Make a list of tabs work; returns `show`, which takes the id of a panel. */
export function start(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  function select(chosen) {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel(tab).hidden = tab !== chosen;
    }
  }

  function move(event) {
    const at = tabs.indexOf(event.target);
    const to = { Home: 0, End: tabs.length - 1 }[event.key] ?? (at + STEPS[event.key] + tabs.length) % tabs.length;
    if (at < 0 || Number.isNaN(to)) return;
    event.preventDefault();
    select(tabs[to]);
    tabs[to].focus();
  }

  for (const tab of tabs) {
    panel(tab).setAttribute("role", "tabpanel");
    panel(tab).setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => select(tab));
  }
  list.addEventListener("keydown", move);
  list.hidden = false;
  return { show: (id) => select(tabs.find((tab) => panel(tab).id === id)) };
}
