"""Read days of sources: files, rows by outcome, labels, models, and what is unusual."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_plugin.data.complete_days import completed
from sentiment_plugin.data.unusual import HISTORY_D, Counts, Finding, findings
from sentiment_plugin.database import reading

MOST_RUNS = 20
SUMMED = slice(2, 15)  # the columns of a `SourceDay` from `files` to `negative`


class SourceDay(NamedTuple):
    """A day of a source. Rows, labels and models are those of its live files."""

    day: date
    source: str
    files: int = 0
    live: int = 0
    superseded: int = 0
    rejected_files: int = 0
    duplicate_files: int = 0
    waiting: int = 0
    late: int = 0
    scored: int = 0
    rejected: int = 0
    duplicate: int = 0
    positive: int = 0
    neutral: int = 0
    negative: int = 0
    models: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> int:
        """All rows of live files."""
        return self.scored + self.rejected + self.duplicate

    @property
    def labelled(self) -> int:
        """Rows that the views show."""
        return self.positive + self.neutral + self.negative

    @property
    def counts(self) -> Counts:
        """The counts that the rules of unusual days need."""
        return Counts(self.files, self.rejected_files, self.late, self.rows, self.rejected)


class Period(NamedTuple):
    """Days of all sources, or of one. `sources` are all that have files in it or shortly before, in order.

    `first_day` and `last_day` are those of the ledger; None if it is empty. `completed` has the complete days, with the
    time at which a run last completed each.
    """

    days: Mapping[tuple[date, str], SourceDay]
    sources: list[str]
    first_day: date | None
    last_day: date | None
    completed: Mapping[date, datetime]


class DayRun(NamedTuple):
    """A run that planned a day or stored rows of its files. `planned_at` is None for a run of a command."""

    run_id: str
    planned_at: datetime | None
    batches: int
    rows_scored: int


COUNTED = """
    WITH file AS MATERIALIZED (
        SELECT f.source_file_id, f.day, f.source, f.status, l.model_id,
               -- 02:00 UTC of the next day, when the nightly run of the day starts
               f.last_modified AT TIME ZONE 'UTC' >= f.day + interval '26 hours' AS late, f.first_seen_at
        FROM sentiment.source_file f LEFT JOIN sentiment.live_file l USING (source_file_id)
        WHERE f.day BETWEEN %(since)s AND %(until)s AND (%(source)s::text IS NULL OR f.source = %(source)s)
    ), batch AS (
        SELECT file.source_file_id, b.kind, b.rows_scored, b.rows_rejected, b.rows_duplicate, b.batch_id,
               max(b.batch_id) FILTER (WHERE b.kind IN ('load', 'replace')) OVER (PARTITION BY source_file_id) AS base
        FROM file JOIN sentiment.scoring_batch b USING (source_file_id)
        WHERE file.model_id IS NOT NULL AND b.kind <> 'rescore'
    ), outcome AS (
        -- The rows of a file are those of its last load or replacement, and of the replays since.
        SELECT source_file_id, sum(rows_scored) AS scored, sum(rows_duplicate) AS duplicate,
               sum(CASE kind WHEN 'replay' THEN -rows_scored - rows_duplicate ELSE rows_rejected END) AS rejected
        FROM batch WHERE batch_id >= base GROUP BY source_file_id
    ), known AS (
        SELECT source, min(first_seen_at AT TIME ZONE 'UTC')::date AS since FROM sentiment.source_file GROUP BY source
    )
    SELECT file.day, source, count(*), count(file.model_id),
           count(*) FILTER (WHERE status = 'loaded' AND file.model_id IS NULL),
           count(*) FILTER (WHERE status = 'rejected'), count(*) FILTER (WHERE status = 'duplicate'),
           count(*) FILTER (WHERE status = 'seen'), count(*) FILTER (WHERE late AND file.day >= known.since),
           coalesce(sum(scored), 0)::bigint, greatest(coalesce(sum(rejected), 0), 0)::bigint,
           coalesce(sum(duplicate), 0)::bigint,
           array_agg(DISTINCT file.model_id) FILTER (WHERE file.model_id IS NOT NULL)
    FROM file LEFT JOIN outcome USING (source_file_id) JOIN known USING (source)
    GROUP BY file.day, source
"""
# The rollup itself, not its view: while the rollups are stale the view would count all reviews again.
LABELS = """
    SELECT day, source, positive, neutral, negative FROM sentiment.daily_rollup
    WHERE NOT by_written AND day BETWEEN %(since)s AND %(until)s AND (%(source)s::text IS NULL OR source = %(source)s)
"""
RUNS = """
    SELECT run_id, min(planned_at), count(batch_id), coalesce(sum(rows_scored), 0)::bigint, max(at) AS latest
    FROM (
        SELECT run_id, planned_at, NULL::bigint AS batch_id, 0 AS rows_scored, planned_at AS at
        FROM sentiment.scoring_run WHERE day = %(day)s
        UNION ALL
        SELECT b.run_id, run.planned_at, b.batch_id, b.rows_scored, b.finished_at
        FROM sentiment.source_file f JOIN sentiment.scoring_batch b USING (source_file_id)
        LEFT JOIN sentiment.scoring_run run USING (run_id)
        WHERE f.day = %(day)s
    ) found GROUP BY run_id ORDER BY latest DESC LIMIT %(limit)s
"""


def read(url: str, since: date, until: date, source: str | None = None) -> Period:
    """Return the days from `since` to `until`, both included. Raises the errors of `reading`."""
    with reading(url) as cursor:
        counted = _counted(cursor, since - timedelta(days=HISTORY_D), until, source)
        cursor.execute("SELECT min(day), max(day) FROM sentiment.source_file")
        first_day, last_day = cursor.fetchone() or (None, None)
        complete = completed(cursor, since, until)
    sources = sorted({found for _, found in counted})
    days = {(day, name): row for name in sources for day, row in _judged(counted, name, since, until)}
    return Period(days, sources, first_day, last_day, complete)


def runs(url: str, day: date) -> list[DayRun]:
    """Return the latest runs that planned a day or stored rows of its files. Raises the errors of `reading`."""
    with reading(url) as cursor:
        cursor.execute(RUNS, {"day": day, "limit": MOST_RUNS})
        return [DayRun(*row[:4]) for row in cursor]


def _counted(cursor: Cursor, since: date, until: date, source: str | None) -> dict[tuple[date, str], SourceDay]:
    values = {"since": since, "until": until, "source": source}
    cursor.execute("SELECT model_id, digest, mlflow_versions FROM sentiment.model")
    models = {model_id: _name(digest, versions) for model_id, digest, versions in cursor}
    cursor.execute(LABELS, values)
    labels = {(day, name): tuple(counts) for day, name, *counts in cursor}
    cursor.execute(COUNTED, values)
    found = {}
    for *counts, model_ids in cursor:
        place = (counts[0], counts[1])
        named = tuple(models[model_id] for model_id in model_ids or ())
        columns: list[Any] = [*counts, *labels.get(place, (0, 0, 0)), named]
        found[place] = SourceDay(*columns)
    return found


def _judged(
    counted: Mapping[tuple[date, str], SourceDay], source: str, since: date, until: date
) -> Iterable[tuple[date, SourceDay]]:
    history = {day: row.counts for (day, name), row in counted.items() if name == source}
    today = datetime.now(UTC).date()
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        unusual = tuple(findings(history, day, over=day < today)) if day <= today else ()
        row = counted.get((day, source))
        if row or unusual:
            yield day, (row or SourceDay(day, source))._replace(findings=unusual)


def _name(digest: str, versions: list[int] | None) -> str:
    return f"version {', '.join(map(str, versions))}" if versions else digest[:12]


def total(rows: Iterable[SourceDay], day: date) -> SourceDay:
    """Return the sum over sources. Its findings are those of all sources."""
    rows = list(rows)
    counts: list[Any] = [tuple(row)[SUMMED] for row in rows]
    columns: list[Any] = [day, "", *map(sum, zip(*counts, strict=True))] if rows else [day, ""]
    models = tuple(sorted({name for row in rows for name in row.models}))
    return SourceDay(*columns)._replace(
        models=models, findings=tuple(finding for row in rows for finding in row.findings)
    )
