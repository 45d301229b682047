// The marked words are one stop of the Tab key; arrow keys go from word to word, each showing its weight.
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Make the marks of a text such a group. */
export function gather(marked) {
  const marks = [...marked.querySelectorAll("mark")];
  marks.forEach((mark, index) => (mark.tabIndex = index === 0 ? 0 : -1));
  marked.onkeydown = (event) => {
    const at = marks.indexOf(event.target);
    const to = { Home: 0, End: marks.length - 1 }[event.key] ?? at + STEPS[event.key];
    if (at < 0 || !marks[to]) return;
    event.preventDefault();
    marks[at].tabIndex = -1;
    marks[to].tabIndex = 0;
    marks[to].focus();
  };
}
