"""The table of values in the chart's README, generated from values.yaml: a row for each value with a `# --` comment."""

import re

from tests.chart.helm import CHART

BEGIN, END = "<!-- values -->", "<!-- end of values -->"
_LONGEST = 60


def table() -> str:
    """Return the table."""
    rows = ["| value | default | meaning |", "|---|---|---|"]
    path: list[tuple[int, str]] = []
    comment = ""
    lines = (CHART / "values.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if found := re.match(r"\s*# -- (.*)", line):
            comment = found[1]
        elif found := re.match(r"( *)([A-Za-z0-9_]+):(.*)", line):
            depth, name, value = len(found[1]), found[2], found[3].strip()
            path = [each for each in path if each[0] < depth] + [(depth, name)]
            if comment:
                default = value if value and value != "|" else _below(lines[number + 1 :], depth)
                rows.append(f"| `{'.'.join(each for _, each in path)}` | {default and f'`{default}`'} | {comment} |")
            comment = ""
    return "\n".join(rows).replace("\\", "\\\\")


def _below(lines: list[str], depth: int) -> str:
    """Return the value from the lines below its name, on one line. For a long value, refer to values.yaml."""
    block = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            break
        block.append(line.strip())
    text = "; ".join(block)
    return text if len(text) <= _LONGEST and "{{" not in text else "see values.yaml"


if __name__ == "__main__":
    readme = CHART / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}")
