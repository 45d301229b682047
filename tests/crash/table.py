"""The matrix as a Markdown table."""

import pytest

from tests.crash.points import Point

# The columns: the action that stores the rows after the kill.
RETRY, CLEAR, BACKFILL, SECOND_RUN = "retry", "clear", "backfill", "concurrent second run"
AIRFLOW = "task retried by Airflow"
COLUMNS = (RETRY, CLEAR, BACKFILL, SECOND_RUN, AIRFLOW)
CELL = "cell of the crash matrix"


def write(reporter: pytest.TerminalReporter) -> None:
    """Write the table if all its cells were run."""
    cells = {
        value: "same rows" if outcome == "passed" else "**failed**"
        for outcome in ("passed", "failed")
        for report in reporter.getreports(outcome)
        for name, value in report.user_properties
        if name == CELL
    }
    if len(cells) < len(Point) * len(COLUMNS):
        return
    reporter.section("crash matrix")
    reporter.line(f"| killed | {' | '.join(COLUMNS)} |")
    reporter.line("|---" * (len(COLUMNS) + 1) + "|")
    for point in Point:
        reporter.line(f"| {point.value} | {' | '.join(cells[point.value, column] for column in COLUMNS)} |")
