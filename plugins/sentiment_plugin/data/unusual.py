"""Which days of a source are unusual, by simple rules that one odd day in the past cannot mislead.

A day is compared with the source's days of the previous `HISTORY_D` days. Medians are used, because a single huge or
empty day does not move them (P. Rousseeuw and C. Croux, JASA 88(424), 1993).

* **gap**: the source has no file, but had files on the same weekday in at least 3 of the 4 previous weeks.
* **late**: a file was dropped after 02:00 UTC of the next day, when the nightly run starts. Days before the source was
  first seen are an import of history, so their files are not late.
* **volume**: more than twice or less than half of the median rows, and further from it than 3 robust standard
  deviations (1.4826 times the median absolute deviation). At least 7 days with rows are needed.
* **rejects**: at least 10 rejected rows, which are at least 1 % of the rows and 3 times the median ratio.
* **file rejected**: a file was rejected as a whole.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple

HISTORY_D = 28
LEAST_DAYS = 7
LEAST_WEEKS = 3
DEVIATIONS = 3 * 1.4826
LEAST_REJECTED = 10
LEAST_RATIO = 0.01


class Counts(NamedTuple):
    """The files and rows of a source's day. Rows are those of live files."""

    files: int = 0
    rejected_files: int = 0
    late_files: int = 0
    rows: int = 0
    rejected_rows: int = 0

    @property
    def rejected_ratio(self) -> float:
        """The ratio of rejected rows, 0 without rows."""
        return self.rejected_rows / self.rows if self.rows else 0.0


class Finding(NamedTuple):
    """Something unusual: a word, and a sentence that says why."""

    word: str
    sentence: str


def findings(days: Mapping[date, Counts], day: date, *, over: bool) -> list[Finding]:
    """Return what is unusual about a day of a source. `days` has its counts, also those of the previous days.

    A day that is not `over` has neither a gap nor too few rows.
    """
    counts = days.get(day, Counts())
    found = []
    if over and _is_gap(days, day):
        found.append(Finding("gap", "No file, but this weekday had files in at least 3 of the 4 previous weeks."))
    if counts.late_files:
        found.append(Finding("late", f"{counts.late_files:,} dropped after the nightly run of the day."))
    if counts.rejected_files:
        found.append(Finding("file rejected", f"{counts.rejected_files:,} rejected as a whole."))
    before = [days[past] for past in _previous(day) if past in days and days[past].rows]
    if len(before) >= LEAST_DAYS and counts.rows:
        found += _volume(counts, before, over)
    found += _rejects(counts, before)
    return found


def _is_gap(days: Mapping[date, Counts], day: date) -> bool:
    if days.get(day, Counts()).files:
        return False
    weeks = [days.get(day - timedelta(weeks=number), Counts()).files for number in range(1, 5)]
    return sum(files > 0 for files in weeks) >= LEAST_WEEKS


def _volume(counts: Counts, before: list[Counts], over: bool) -> list[Finding]:
    usual = median(past.rows for past in before)
    spread = median(abs(past.rows - usual) for past in before)
    if abs(counts.rows - usual) <= DEVIATIONS * spread:
        return []
    if counts.rows > 2 * usual:
        return [Finding("many rows", f"{counts.rows:,} rows; the median of {len(before)} days is {usual:,.0f}.")]
    if over and counts.rows < usual / 2:
        return [Finding("few rows", f"{counts.rows:,} rows; the median of {len(before)} days is {usual:,.0f}.")]
    return []


def _rejects(counts: Counts, before: list[Counts]) -> list[Finding]:
    usual = median(past.rejected_ratio for past in before) if before else 0.0
    if counts.rejected_rows < LEAST_REJECTED or counts.rejected_ratio < max(LEAST_RATIO, 3 * usual):
        return []
    return [
        Finding("rejects", f"{100 * counts.rejected_ratio:.1f} % of the rows rejected; usually {100 * usual:.1f} %.")
    ]


def _previous(day: date) -> list[date]:
    return [day - timedelta(days=number) for number in range(1, HISTORY_D + 1)]
