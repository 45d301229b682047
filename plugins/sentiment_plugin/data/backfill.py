"""What a backfill or a rescore would do, how long that takes by the rates in the ledger, and how far a run has come."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.loading.scoring_run import WORK_LEFT, work_left_values

# The ledger's last batches of each kind, from which the rates are measured.
MEASURED_BATCHES: Final = 300
# What a run of a day costs on the demo's machine without any file: four tasks, and the listing of the bucket.
SECONDS_A_RUN: Final = 10


class Rates(NamedTuple):
    """Rows per second of one worker, measured by the last batches. None: nothing was measured."""

    load: float | None
    rescore: float | None
    rows_per_byte: float | None


class Preview(NamedTuple):
    """The files of the days that would be read, and those that would be rescored from their stored text.

    `read_rows` are estimated from the size of the files that the ledger has not read yet.
    """

    days: int  # with work
    read_files: int
    read_rows: int
    rescored_files: int
    rescored_rows: int


class Progress(NamedTuple):
    """The batches that runs have committed."""

    files: int
    rows: int
    first: datetime | None
    last: datetime | None

    @property
    def rate(self) -> float | None:
        """Rows per second from the first batch's start to the last batch's end."""
        if not self.rows or self.first is None or self.last is None:
            return None
        return self.rows / max((self.last - self.first).total_seconds(), 0.1)


def rates(cursor: Cursor) -> Rates:
    """Measure the rates by the last batches of the ledger."""
    cursor.execute(_RATES, {"batches": MEASURED_BATCHES})
    row = cursor.fetchone() or (None, None, None)
    return Rates(*(None if value is None else float(value) for value in row))


def preview(
    cursor: Cursor,
    bucket: str,
    since: date,
    until: date,
    model_id: int | None,
    champion: bool,
    again: bool,
    measured: Rates,
) -> Preview:
    """Count what a backfill of these days finds to do in the ledger, by a model that may have scored nothing yet."""
    values = work_left_values(bucket, since, until, model_id, champion, again)
    cursor.execute(_PREVIEW, values | {"rows_per_byte": measured.rows_per_byte or 0})
    return Preview(*map(int, cursor.fetchone()))  # type: ignore[arg-type]


def seconds_needed(found: Preview, measured: Rates, runs: int, parallel: int) -> float | None:
    """Estimate the seconds of `runs` runs, of which `parallel` run at the same time. None: no rate was measured."""
    load, rescore = measured.load, measured.rescore or measured.load
    if (found.read_rows and not load) or (found.rescored_rows and not rescore):
        return None
    rows_s = (found.read_rows / load if load else 0) + (found.rescored_rows / rescore if rescore else 0)
    return (rows_s + runs * SECONDS_A_RUN) / min(parallel, max(runs, 1))


def progress(cursor: Cursor, run_ids: Sequence[str]) -> Progress:
    """Return what these runs have committed."""
    cursor.execute(_PROGRESS, (list(run_ids),))
    files, rows, first, last = cursor.fetchone()  # type: ignore[misc]
    return Progress(int(files), int(rows), first, last)


def model_id_of(cursor: Cursor, version: int) -> int | None:
    """Return the database's number of a version's model, or None if no run has used the version yet."""
    cursor.execute("SELECT max(model_id) FROM sentiment.model WHERE %s = ANY (mlflow_versions)", (version,))
    (found,) = cursor.fetchone()  # type: ignore[misc]
    return None if found is None else int(found)


def loaded_days(cursor: Cursor) -> tuple[date | None, date | None]:
    """Return the first and the last day of loaded files."""
    cursor.execute("SELECT min(day), max(day) FROM sentiment.source_file WHERE status = 'loaded'")
    first, last = cursor.fetchone()  # type: ignore[misc]
    return first, last


# Sums over the newest batches: a mean by rows, so that many small files do not hide the rate of the large ones.
_RATES = """
    WITH newest AS (
        SELECT kind = 'rescore' AS rescore, batch.source_file_id, rows_in, size,
            extract(epoch FROM batch.finished_at - started_at) AS seconds
        FROM sentiment.scoring_batch batch JOIN sentiment.source_file USING (source_file_id)
        WHERE rows_in > 0 AND kind <> 'replay' ORDER BY batch_id DESC LIMIT %(batches)s)
    SELECT sum(rows_in) FILTER (WHERE NOT rescore) / nullif(sum(seconds) FILTER (WHERE NOT rescore), 0),
        sum(rows_in) FILTER (WHERE rescore) / nullif(sum(seconds) FILTER (WHERE rescore), 0),
        sum(rows_in) FILTER (WHERE NOT rescore) / nullif(sum(size) FILTER (WHERE NOT rescore), 0)
    FROM newest
"""

_PREVIEW = f"""
    WITH files AS (
        SELECT file.day, file.size, file.status,
            status = 'seen' OR %(replace)s AS is_read,
            (SELECT coalesce(sum(rows_in), 0) FROM sentiment.scoring_batch batch
             WHERE batch.source_file_id = file.source_file_id AND batch.kind <> 'rescore' AND batch.batch_id >= (
                SELECT max(batch_id) FROM sentiment.scoring_batch latest
                WHERE latest.source_file_id = file.source_file_id AND latest.kind IN ('load', 'replace'))) AS rows
        FROM sentiment.source_file file WHERE {WORK_LEFT})
    SELECT count(DISTINCT day), count(*) FILTER (WHERE is_read),
        coalesce(round(sum(CASE WHEN status = 'loaded' THEN rows ELSE size * %(rows_per_byte)s END)
                       FILTER (WHERE is_read)), 0),
        count(*) FILTER (WHERE NOT is_read), coalesce(sum(rows) FILTER (WHERE NOT is_read), 0)
    FROM files
"""  # noqa: S608 - constants

_PROGRESS = """
    SELECT count(DISTINCT source_file_id), coalesce(sum(rows_in), 0), min(started_at), max(finished_at)
    FROM sentiment.scoring_batch WHERE run_id = ANY (%s)
"""
