"""A rescoring run: several workers share the loaded files of a range of days, each file in one transaction.

The ledger itself is the list of work. A worker claims the next file that the model has not scored completely, so a
worker that starts again continues where it stopped, and no file needs to be assigned in advance.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, NamedTuple

import psycopg2.errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.connection import database_errors
from sentiment_core.drops.drop import parse_day
from sentiment_core.errors import ClaimHeld, RescoreInvalid, TransientError
from sentiment_core.ledger import source_files
from sentiment_core.loading.loader import LoadOutcome
from sentiment_core.loading.rescoring import Rescorer

log = logging.getLogger(__name__)

_FIRST_DAY: Final = date(1970, 1, 1)  # the ledger has no earlier day
_LAST_DAY: Final = date(9999, 12, 31)


class Selection(NamedTuple):
    """The live files of the days from `since` to `until`, both included, of some sources. No sources means all."""

    since: date
    until: date
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, since: str | None, until: str | None, sources: Sequence[str] = ()) -> "Selection":
        """Return the selection for days of the form `YYYY-MM-DD`. An open end means all days.

        Raises `RescoreInvalid` when a day is not valid or the days are reversed.
        """
        first = _day(since) if since else _FIRST_DAY
        last = _day(until) if until else _LAST_DAY
        if first > last:
            raise RescoreInvalid(why=f"its first day, {first}, is after its last day, {last}")
        return cls(first, last, tuple(sources))


class Work(NamedTuple):
    """The files of a selection that a model has not scored completely, with their days and stored rows."""

    files: int
    rows: int
    days: int


class _Position(NamedTuple):
    """The place of a file in the order of work: the newest day first, and within a day by id."""

    day: date
    source_file_id: int


_START: Final = _Position(_LAST_DAY, 0)


def require_files(cursor: Cursor, selection: Selection) -> None:
    """Raise `RescoreInvalid` when a source is unknown or no live file is selected, and say which days have files."""
    cursor.execute(
        "SELECT array_agg(name) FROM unnest(%s::text[]) AS name"
        " WHERE NOT EXISTS (SELECT FROM sentiment.source_file WHERE source = name)",
        (list(selection.sources),),
    )
    (unknown,) = cursor.fetchone()  # type: ignore[misc]
    cursor.execute(
        "SELECT min(day), max(day), count(*) FILTER (WHERE day BETWEEN %(since)s AND %(until)s)"
        " FROM sentiment.source_file JOIN sentiment.live_file USING (source_file_id)"
        " WHERE cardinality(%(sources)s::text[]) = 0 OR source = ANY (%(sources)s)",
        _values(selection),
    )
    first, last, files = cursor.fetchone()  # type: ignore[misc]
    if unknown:
        raise RescoreInvalid(why=f"the ledger has no source {', '.join(map(repr, unknown))}")
    if not files:
        loaded = f"loaded files have days from {first} to {last}" if first else "no file has been loaded yet"
        raise RescoreInvalid(why=f"no loaded file belongs to the chosen days and sources; {loaded}")


def remaining_work(cursor: Cursor, selection: Selection, model_id: int | None, make_current: bool) -> Work:
    """Count what a rescore by a model still has to do. A model without an id has scored nothing yet.

    `rows` counts the rows that the last load of each file and its replays stored, and so the rows that the model scores
    if it has scored none of them.
    """
    cursor.execute(_WORK, _values(selection) | {"model": model_id, "make_current": make_current})
    files, rows, days = cursor.fetchone()  # type: ignore[misc]
    return Work(int(files), int(rows), int(days))


class RescoringWorker:
    """Rescores the files of a selection that no other worker is processing, through one connection."""

    def __init__(self, rescorer: Rescorer, selection: Selection, make_current: bool) -> None:
        self._rescorer = rescorer
        self._connection = rescorer.connection
        self._make_current = make_current
        self._values = _values(selection) | {"model": rescorer.model.model_id, "make_current": make_current}

    def run(self, report: Callable[[LoadOutcome], None], *, wait: bool = False) -> None:
        """Rescore file after file, the newest day first, and report each outcome.

        A file that another transaction has claimed is skipped, or waited for with `wait`. A transient failure of one
        file does not block the others. Raises the first `TransientError` after all other files are done.
        """
        failed: TransientError | None = None
        position = _START
        while True:
            started, claimed = time.monotonic(), None
            try:
                with database_errors(), self._connection, self._connection.cursor() as cursor:
                    claimed = self._claim_next(cursor, position, wait)
                    if claimed is None:
                        break
                    file = source_files.get(cursor, claimed.source_file_id)
                    outcome = self._rescorer.rescore_claimed(file, self._make_current)
            except TransientError as error:
                if claimed is None:  # not the failure of a file: the next claim would fail in the same way
                    raise
                log.warning("File %s: %s", claimed.source_file_id, error)
                failed = failed or error
            else:
                report(outcome._replace(seconds=time.monotonic() - started))
            position = claimed
        if failed is not None:
            raise failed

    def _claim_next(self, cursor: Cursor, position: _Position, wait: bool) -> _Position | None:
        timeout_s = self._rescorer.settings.lock_timeout_s
        source_files.block_maintenance(cursor, timeout_s)
        try:
            cursor.execute(f"{_NEXT} {'' if wait else 'SKIP LOCKED'}", self._values | position._asdict())
        except psycopg2.errors.LockNotAvailable as error:
            raise ClaimHeld(uri="a file of this rescore", seconds=timeout_s) from error
        found = cursor.fetchone()
        return _Position(*found) if found else None


def rescored_rows(cursor: Cursor, run_id: str) -> tuple[int, int]:
    """Return the number of files and of rows that a run has rescored so far."""
    cursor.execute(
        "SELECT count(DISTINCT source_file_id), coalesce(sum(rows_scored), 0) FROM sentiment.scoring_batch"
        " WHERE run_id = %s AND kind = 'rescore'",
        (run_id,),
    )
    files, rows = cursor.fetchone()  # type: ignore[misc]
    return int(files), int(rows)


def _day(text: str) -> date:
    day = parse_day(text)
    if day is None:
        raise RescoreInvalid(why=f"{text!r} is not a day of the form YYYY-MM-DD")
    return day


def _values(selection: Selection) -> dict[str, object]:
    return selection._asdict() | {"sources": list(selection.sources)}


# A file's current model has scored all its rows. Another model has if a batch of it is not older than the newest batch
# that stored rows.
_PENDING = """
    file.status = 'loaded' AND file.day BETWEEN %(since)s AND %(until)s
    AND (cardinality(%(sources)s::text[]) = 0 OR file.source = ANY (%(sources)s))
    AND file.current_model_id IS DISTINCT FROM %(model)s
    AND EXISTS (SELECT FROM sentiment.live_file live WHERE live.source_file_id = file.source_file_id)
    AND (%(make_current)s OR NOT EXISTS (
        SELECT FROM sentiment.scoring_batch scored
        WHERE (scored.source_file_id, scored.model_id) = (file.source_file_id, %(model)s)
            AND scored.batch_id >= (SELECT max(batch_id) FROM sentiment.scoring_batch stored
                                    WHERE stored.source_file_id = file.source_file_id AND stored.kind <> 'rescore')))
"""

_NEXT = f"""
    SELECT file.day, file.source_file_id FROM sentiment.source_file file
    WHERE {_PENDING} AND file.day <= %(day)s AND (file.day < %(day)s OR file.source_file_id > %(source_file_id)s)
    ORDER BY file.day DESC, file.source_file_id LIMIT 1 FOR NO KEY UPDATE OF file
"""  # noqa: S608 - constants

_WORK = f"""
    SELECT count(*), coalesce(sum(stored.rows - file.rows_removed), 0), count(DISTINCT file.day)
    FROM sentiment.source_file file, LATERAL (
        SELECT coalesce(sum(rows_scored), 0) AS rows FROM sentiment.scoring_batch batch
        WHERE batch.source_file_id = file.source_file_id AND batch.kind <> 'rescore' AND batch.batch_id >= (
            SELECT max(batch_id) FROM sentiment.scoring_batch latest
            WHERE latest.source_file_id = file.source_file_id AND latest.kind IN ('load', 'replace'))) stored
    WHERE {_PENDING}
"""  # noqa: S608 - constants
