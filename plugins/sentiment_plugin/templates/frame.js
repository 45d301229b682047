// Airflow's UI shows the pages in a sandboxed frame. Its theme is the one that its user chose there, not the system's.
// A link into Airflow's UI must open in Airflow's window, which the sandbox allows only to a link of that window.
if (window.parent !== window) {
  const theirs = window.parent.document;
  const follow = () => {
    document.documentElement.style.colorScheme = theirs.documentElement.classList.contains("dark") ? "dark" : "light";
  };
  follow();
  new MutationObserver(follow).observe(theirs.documentElement, { attributeFilter: ["class"] });
  document.documentElement.classList.add("framed");
  document.addEventListener("click", (click) => {
    const link = click.target.closest("a[data-airflow]");
    if (!link) return;
    click.preventDefault();
    const outer = theirs.createElement("a");
    outer.href = link.href;
    theirs.body.append(outer);
    outer.click();
    outer.remove();
  });
}
