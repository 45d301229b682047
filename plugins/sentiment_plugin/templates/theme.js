// Airflow's UI has a light and a dark theme of its own; inside its frame the page follows that, not the system's.
if (window.parent !== window) {
  const theirs = window.parent.document.documentElement;
  const follow = () => {
    document.documentElement.style.colorScheme = theirs.classList.contains("dark") ? "dark" : "light";
  };
  follow();
  new MutationObserver(follow).observe(theirs, { attributeFilter: ["class"] });
}
