"""Data checks on a snapshot before a model is trained on it."""

from collections.abc import Collection
from typing import NamedTuple

from sentiment_core.datasets.snapshot import Row, Snapshot
from sentiment_core.drops.contract import primary_language
from sentiment_core.errors import ChecksFailed
from sentiment_core.params import CheckParams, Params


class DataCheck(NamedTuple):
    """One measured property of the data and its limit."""

    name: str  # name of the limit in section `checks` of params.yaml
    figure: float
    limit: float
    passed: bool
    detail: str  # the figure as text, for messages


def check(snapshot: Snapshot, params: Params) -> list[DataCheck]:
    """Compare a snapshot with the limits of the configuration."""
    limits = params.checks
    training = [row for row in snapshot.rows if row.side == "training"]
    return [
        _enough(len(training), limits),
        _balanced(snapshot, params.data.labels, limits),
        *_of_sources(snapshot, limits),
        *_of_texts(training, limits),
        _in_known_languages(training, params.model.languages, limits),
    ]


def require_passed(checks: Collection[DataCheck]) -> None:
    """Raise `ChecksFailed` when any check failed. The error lists all failed checks with their figures."""
    failed = [f"{each.name} ({each.detail}; the limit is {each.limit:g})" for each in checks if not each.passed]
    if failed:
        raise ChecksFailed(count=len(failed), failed=", ".join(failed))


def _enough(rows: int, limits: CheckParams) -> DataCheck:
    return DataCheck("least_rows", rows, limits.least_rows, rows >= limits.least_rows, f"{rows:,} training rows")


def _balanced(snapshot: Snapshot, labels: Collection[str], limits: CheckParams) -> DataCheck:
    """Check the ratio of the rarest label. Each side that exists (training, test) must have rows of every label."""
    manifest = snapshot.manifest
    sides = {"training": manifest.training.rows}
    if manifest.split.test_size:
        sides["test"] = manifest.test.rows
    missing = [
        f"no {label} rows on the {side} side" for side, rows in sides.items() for label in labels if not rows.get(label)
    ]
    rows = {label: manifest.training.rows.get(label, 0) for label in labels}
    share = min(rows.values()) / max(sum(rows.values()), 1)
    detail = ", ".join(missing) or ", ".join(f"{count:,} {label}" for label, count in rows.items())
    passed = not missing and share >= limits.least_label_share
    return DataCheck("least_label_share", share, limits.least_label_share, passed, detail)


def _of_sources(snapshot: Snapshot, limits: CheckParams) -> list[DataCheck]:
    sources, files = snapshot.manifest.sources, snapshot.manifest.rejected_files
    rows = sum(source.rows for source in sources)
    contradicting = sum(source.contradicting for source in sources)
    rejected = sum(each.rows for source in sources for each in source.rejected.values())
    return [
        _at_most("most_contradicting", contradicting, rows, limits.most_contradicting, "rows of texts with two labels"),
        _at_most("most_rejected", rejected, rows, limits.most_rejected, "rows rejected"),
        _at_most(
            "most_rejected_files", len(files), len(files) + len(sources), limits.most_rejected_files, "files rejected"
        ),
    ]


def _of_texts(rows: Collection[Row], limits: CheckParams) -> list[DataCheck]:
    short = sum(len(row.text) < limits.short_characters for row in rows)
    long = sum(len(row.text) > limits.long_characters for row in rows)
    return [
        _at_most(
            "most_short", short, len(rows), limits.most_short, f"texts below {limits.short_characters:,} characters"
        ),
        _at_most("most_long", long, len(rows), limits.most_long, f"texts above {limits.long_characters:,} characters"),
    ]


def _in_known_languages(rows: Collection[Row], languages: Collection[str], limits: CheckParams) -> DataCheck:
    named = [primary_language(row.language) for row in rows if row.language is not None]
    others = sum(language not in languages for language in named)
    what = f"rows in languages other than {', '.join(languages)}"
    return _at_most("most_other_languages", others, len(named), limits.most_other_languages, what)


def _at_most(name: str, found: int, of: int, limit: float, what: str) -> DataCheck:
    share = found / of if of else 0.0
    return DataCheck(name, share, limit, share <= limit, f"{found:,} of {of:,} {what}")
