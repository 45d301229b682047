"""An index of drops: what a set of files contains and how it is understood, for a page that a person reads."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sentiment_core.drops.contract import NO_DROPS
from sentiment_core.drops.dry_run import DryRunReport
from sentiment_core.drops.reading import column_names, summary
from sentiment_core.drops.validation import Review

SHOWN_ROWS = 3  # of each group


class FileGroup(NamedTuple):
    """Files that are read in the same way: the form and the columns in words, and the first rows of the first file."""

    form: str
    columns: str
    files: list[DryRunReport]
    warnings: Counter[str]  # warning -> files
    rows: list[Review]


class RejectedRows(NamedTuple):
    """Rows of all files with one code: their number, and the first of them with its file."""

    code: str
    rows: int
    uri: str
    line: int
    reason: str


class DropIndex(NamedTuple):
    """The files of one or more folders, and the sums over them."""

    files: int
    good: int  # files without a rejected row
    faulty: int  # files with rejected rows
    rejected: list[DryRunReport]
    ignored: list[DryRunReport]  # objects that are no drops
    rows: int
    rows_good: int
    rows_duplicate: int
    rows_rejected: int
    groups: list[FileGroup]
    rejected_rows: list[RejectedRows]

    def document(self) -> dict[str, Any]:
        """Return the sums and the groups as JSON; the reports of the files are not in it."""
        sums = {name: getattr(self, name) for name in ("files", "good", "faulty", "rows", "rows_good")}
        return sums | {
            "rejected": len(self.rejected),
            "ignored": len(self.ignored),
            "rows_duplicate": self.rows_duplicate,
            "rows_rejected": self.rows_rejected,
            "groups": [
                {
                    "form": group.form,
                    "columns": group.columns,
                    "files": [report.uri for report in group.files],
                    "warnings": dict(group.warnings),
                    "rows": [shown_review(row) for row in group.rows],
                }
                for group in self.groups
            ],
        }


def index_of(reports: Sequence[DryRunReport]) -> DropIndex:
    """Return the index of the files of dry runs."""
    ignored = [report for report in reports if report.reject_code in NO_DROPS]
    drops = [report for report in reports if report.reject_code not in NO_DROPS]
    read = [report for report in drops if report.reject_code is None]
    rejected_rows = sum(faults.rows for report in read for faults in report.rejected.values())
    return DropIndex(
        files=len(drops),
        good=sum(report.perfect for report in read),
        faulty=sum(not report.perfect for report in read),
        rejected=[report for report in drops if report.reject_code is not None],
        ignored=ignored,
        rows=sum(report.rows_in for report in read),
        rows_good=sum(report.rows_good for report in read),
        rows_duplicate=sum(report.rows_duplicate for report in read),
        rows_rejected=rejected_rows,
        groups=_groups(read),
        rejected_rows=_rejected_rows(read),
    )


def shown_review(review: Review) -> dict[str, str]:
    """Return the fields of a review that have a value, as text."""
    found = {name: value for name, value in review._asdict().items() if value is not None}
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        for name, value in found.items()
    }


def _groups(reports: Iterable[DryRunReport]) -> list[FileGroup]:
    groups: dict[tuple[str, str], FileGroup] = {}
    for report in reports:
        reading = report.reading or {}
        form, columns = summary(reading), column_names(reading)
        group = groups.setdefault((form, columns), FileGroup(form, columns, [], Counter(), report.rows[:SHOWN_ROWS]))
        group.files.append(report)
        group.warnings.update(report.warnings)
    return sorted(groups.values(), key=lambda group: len(group.files), reverse=True)


def _rejected_rows(reports: Iterable[DryRunReport]) -> list[RejectedRows]:
    found: dict[str, RejectedRows] = {}
    for report in reports:
        for code, faults in report.rejected.items():
            first = faults.first[0]
            known = found.get(code, RejectedRows(str(code), 0, report.uri, first.line, first.reason))
            found[code] = known._replace(rows=known.rows + faults.rows)
    return sorted(found.values(), key=lambda each: each.rows, reverse=True)
