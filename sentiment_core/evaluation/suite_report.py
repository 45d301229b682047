"""A suite's table as text: rows of cells for a terminal, Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from sentiment_core.datasets.suite import Suite
from sentiment_core.evaluation.paired_interval import Interval
from sentiment_core.evaluation.set_measures import MEASURES
from sentiment_core.evaluation.suite_table import (
    GROUPINGS,
    MEAN_OF_LANGUAGES,
    MODEL,
    MeanRow,
    SetRow,
    SuiteTable,
    measure_unseen,
)
from sentiment_core.model.bundle import Bundle

# Title and format of the measures in a table for people. CSV and JSON contain all measures.
_SHOWN: Final = {
    "accuracy": ("accuracy", "{:.1%}"),
    "balanced_accuracy": ("balanced", "{:.1%}"),
    "auc": ("AUC", "{:.3f}"),
    "polar_neutral": ("polar neutral", "{:.1%}"),
    "macro_f1": ("macro-F1", "{:.3f}"),
    "ece": ("ECE", "{:.3f}"),
    "unfamiliar": ("unfamiliar", "{:.1%}"),
}
_COMPARED: Final = ("accuracy", "polar_neutral", "macro_f1")  # measures shown of the other models
_TITLES: Final = {"kind": "By kind", "domain": "By domain", "language": "By language"}


class Section(NamedTuple):
    """One table: a title, the header and the rows."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def sections(table: SuiteTable) -> list[Section]:
    """Return the tables for people: the means by language, domain and kind, and the sets."""
    header = ("sets", "rows", *_header(table))
    overall = [row for row in table.means if row.grouping in ("all", MEAN_OF_LANGUAGES)]
    made = [Section("Means", ("", *header), [_mean_cells(row, table) for row in overall])]
    for grouping, title in reversed(_TITLES.items()):
        rows = [_mean_cells(row, table) for row in table.means if row.grouping == grouping]
        made.append(Section(title, (grouping, *header), rows))
    sets = [_set_cells(row, table) for row in table.sets]
    made.append(Section("By set", ("set", "language", "kind", "domain", *header[1:]), sets))
    return made


def notes(table: SuiteTable) -> list[str]:
    """Return sentences on what the table leaves out: sets without figures, bad rows, files without description."""
    found = [f"Not measured: {fault.rstrip('.')}." for fault in table.faults]
    found += [
        f"{row.described.name}: {row.rejected:,} bad rows are left out."
        for row in table.sets
        if row.rejected and not row.fault
    ]
    if table.unlisted:
        found.append(f"Files that corpora.tsv does not name are not measured: {', '.join(table.unlisted)}.")
    return found


def with_suite(bundle: Bundle, suite: Suite | str, tell: Callable[[str], None]) -> Bundle:
    """Return the bundle with its measures over a suite, on texts that it did not learn from.

    `tell` gets the sentences of `notes`. Raises `SuiteInvalid` and the storage errors.
    """
    table = measure_unseen([bundle], suite)
    for note in notes(table):
        tell(note)
    return bundle.with_suite(table.recorded())


def document(table: SuiteTable, name: PurePath) -> str | None:
    """Return the table in the format of a file's ending (.json, .csv, .md), or None for another ending."""
    formats: dict[str, Callable[[SuiteTable], str]] = {".json": as_json, ".csv": as_csv, ".md": as_markdown}
    made = formats.get(name.suffix.lower())
    return made(table) if made else None


def as_json(table: SuiteTable) -> str:
    """Return the whole table as JSON."""
    return json.dumps(table.as_dict(), indent=2, ensure_ascii=False) + "\n"


def as_markdown(table: SuiteTable) -> str:
    """Return the tables for people as Markdown."""
    lines = [f"Models: {', '.join(f'{title} ({role})' for role, title in table.titles.items())}. {table.selection}."]
    for section in sections(table):
        lines += ["", f"## {section.title}", "", _line(section.header), "|---" * len(section.header) + "|"]
        lines += [_line(row) for row in section.rows]
    lines += ["", *(f"* {note}" for note in notes(table))]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(table: SuiteTable) -> str:
    """Return all sets and means as CSV, one row each. A cell without a figure says why."""
    text = io.StringIO()
    roles = list(table.titles)
    writer = csv.writer(text, lineterminator="\n")
    measured = [f"{measure}_{role}" for role in roles for measure in MEASURES]
    compared = [f"difference_{role}_{end}" for role in roles if role != MODEL for end in Interval._fields]
    described = ("grouping", "name", "language", "kind", "domain", "domain_group", "sets", "rows", "rejected")
    writer.writerow((*described, *measured, *compared, "fault"))
    for row in table.sets:
        one = row.described
        begin = ("set", one.name, one.language, one.kind, one.domain, one.domain_group, 1)
        values = {role: found._asdict() for role, found in row.measures.items()}
        reasons = {role: found.missing for role, found in row.measures.items()}
        cells = _exact(values, reasons, row.differences, roles)
        writer.writerow((*begin, row.measures[MODEL].rows, row.rejected, *cells, row.fault or ""))
    for mean in sorted(table.means, key=lambda each: GROUPINGS.index(each.grouping)):
        cells = _exact(mean.measures, mean.missing, mean.differences, roles)
        writer.writerow((mean.grouping, mean.name, "", "", "", "", mean.sets, mean.rows, "", *cells, ""))
    return text.getvalue()


def _exact(
    values: Mapping[str, Mapping[str, Any]],
    reasons: Mapping[str, Mapping[str, str]],
    differences: Mapping[str, Interval],
    roles: Sequence[str],
) -> Iterator[float | str]:
    for role in roles:
        for measure in MEASURES:
            value = values[role][measure]
            yield reasons[role][measure] if value is None else value
    for role in roles[1:]:
        yield from differences.get(role, ("", "", ""))


def _header(table: SuiteTable) -> list[str]:
    titles = [title for title, _ in _SHOWN.values()]
    for role in list(table.titles)[1:]:
        titles += [f"{role}: {_SHOWN[measure][0]}" for measure in _COMPARED]
        titles.append(f"accuracy minus {role} (95 %)")
    return titles


def _set_cells(row: SetRow, table: SuiteTable) -> tuple[str, ...]:
    one = row.described
    values = {role: found._asdict() for role, found in row.measures.items()}
    reasons = {role: found.missing for role, found in row.measures.items()}
    cells = _figures(values, reasons, row.differences, table)
    return (one.name, one.language, one.kind, one.domain, f"{row.measures[MODEL].rows:,}", *cells)


def _mean_cells(row: MeanRow, table: SuiteTable) -> tuple[str, ...]:
    cells = _figures(row.measures, row.missing, row.differences, table)
    return (row.name, f"{row.sets:,}", f"{row.rows:,}", *cells)


def _figures(
    values: Mapping[str, Mapping[str, Any]],
    reasons: Mapping[str, Mapping[str, str]],
    differences: Mapping[str, Interval],
    table: SuiteTable,
) -> list[str]:
    cells = []
    for role in table.titles:
        shown = list(_SHOWN) if role == MODEL else list(_COMPARED)
        row = [
            reasons[role][name] if values[role][name] is None else _SHOWN[name][1].format(values[role][name])
            for name in shown
        ]
        # One reason for the whole row is said once.
        if len(set(row)) == 1 and values[role][shown[0]] is None:
            row[1:] = [""] * (len(row) - 1)
        cells += row
        if role != MODEL:
            cells.append(_points(differences[role]) if role in differences else "")
    return cells


def _points(found: Interval) -> str:
    return f"{100 * found.estimate:+.1f} points ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
