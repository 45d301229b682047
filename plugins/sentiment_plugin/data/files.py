"""Read the ledger page by page. An entry is one commit of a file's rows, or a file without stored rows."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.drops.reading import column_names, summary
from sentiment_plugin.database import reading

PAGE_SIZE = 50


class State(NamedTuple):
    """The conditions that an option of the state filter sets on a file. None sets no condition."""

    status: str | None
    live: bool | None = None


STATES: Mapping[str, State] = {
    "": State(None),
    "seen": State("seen"),
    "loaded": State("loaded"),
    "live": State("loaded", live=True),
    "superseded": State("loaded", live=False),
    "rejected": State("rejected"),
    "duplicate": State("duplicate"),
    "expired": State("expired"),
}


class Filter(NamedTuple):
    """The entries to show: for a day, in a state (a key of `STATES`), with this text in the key."""

    day: date | None = None
    state: str = ""
    key: str = ""


class Position(NamedTuple):
    """The position of an entry in the ledger. `batch_id` is 0 for an entry without a commit."""

    source_file_id: int
    batch_id: int


class Entry(NamedTuple):
    """An entry, with fields in the order of the columns of `QUERY`."""

    source_file_id: int
    batch_id: int
    bucket: str
    key: str
    source: str
    day: date
    size: int
    status: str
    live: bool
    reject_code: str | None
    reject_reason: str | None
    duplicate_of_key: str | None
    kind: str | None
    rows_in: int | None
    rows_scored: int | None
    rows_rejected: int | None
    rows_duplicate: int | None
    model_digest: str | None
    mlflow_versions: list[int] | None
    run_id: str | None
    last_modified: datetime
    first_seen_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    why: str
    reading: dict[str, object] | None
    warnings: list[str] | None

    @property
    def position(self) -> Position:
        """The position of the entry."""
        return Position(self.source_file_id, self.batch_id)

    @property
    def state(self) -> str:
        """The state as one word. For a loaded file: whether its rows are shown, which says more than "loaded"."""
        if self.status != "loaded":
            return self.status
        return "live" if self.live else "superseded"

    @property
    def form(self) -> str:
        """How the file was read."""
        return summary(self.reading or {})

    @property
    def columns(self) -> str:
        """Which columns were used."""
        return column_names(self.reading or {})

    @property
    def seconds(self) -> float | None:
        """How long the batch took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class Page(NamedTuple):
    """Entries, newest first, and the positions from which to continue in each direction, if there are more entries."""

    entries: list[Entry]
    newer_than: Position | None
    older_than: Position | None


# Files are numbered in the order of first sight, so this order is that of an index. The first condition of each bound
# lets the planner use that index to find the page. The second condition is exact.
QUERY = """
    SELECT source_file_id, coalesce(batch_id, 0), bucket, key, source, day, size, status, live,
           reject_code, reject_reason, duplicate_of_key,
           kind, rows_in, rows_scored, rows_rejected, rows_duplicate,
           model_digest, mlflow_versions, run_id,
           last_modified, first_seen_at, started_at, finished_at, why, reading, warnings
    FROM sentiment.load_history
    WHERE (%(day)s::date IS NULL OR day = %(day)s::date)
      AND (%(status)s::text IS NULL OR status = %(status)s)
      AND (%(live)s::boolean IS NULL OR live = %(live)s)
      AND (%(key)s = '' OR strpos(lower(key), lower(%(key)s)) > 0)
      AND (%(older_file)s::bigint IS NULL OR source_file_id <= %(older_file)s
           AND (source_file_id, coalesce(batch_id, 0)) < (%(older_file)s, %(older_batch)s))
      AND (%(newer_file)s::bigint IS NULL OR source_file_id >= %(newer_file)s
           AND (source_file_id, coalesce(batch_id, 0)) > (%(newer_file)s, %(newer_batch)s))
"""
NEWEST_FIRST = QUERY + "ORDER BY source_file_id DESC, coalesce(batch_id, 0) DESC LIMIT %(limit)s"
OLDEST_FIRST = QUERY + "ORDER BY source_file_id, coalesce(batch_id, 0) LIMIT %(limit)s"


def read(url: str, chosen: Filter, *, older_than: Position | None = None, newer_than: Position | None = None) -> Page:
    """Return the newest page, or the page next to a position. Raises the errors of `reading`."""
    with reading(url) as cursor:
        if newer_than:
            return _before(cursor, chosen, newer_than)
        return _after(cursor, chosen, older_than)


def _after(cursor: Cursor, chosen: Filter, bound: Position | None) -> Page:
    found = _fetch(cursor, NEWEST_FIRST, chosen, older=bound)
    entries = found[:PAGE_SIZE]
    return Page(
        entries,
        newer_than=entries[0].position if bound and entries else None,
        older_than=entries[-1].position if len(found) > PAGE_SIZE else None,
    )


def _before(cursor: Cursor, chosen: Filter, bound: Position) -> Page:
    found = _fetch(cursor, OLDEST_FIRST, chosen, newer=bound)
    if len(found) <= PAGE_SIZE:
        return _after(cursor, chosen, None)  # the first page, and it is full
    entries = found[:PAGE_SIZE][::-1]
    return Page(entries, newer_than=entries[0].position, older_than=entries[-1].position)


def _fetch(
    cursor: Cursor,
    query: str,
    chosen: Filter,
    *,
    older: Position | None = None,
    newer: Position | None = None,
) -> list[Entry]:
    """Return up to one entry more than a page holds."""
    state = STATES[chosen.state]
    values: dict[str, Any] = {
        "day": chosen.day,
        "status": state.status,
        "live": state.live,
        "key": chosen.key,
        "older_file": older and older.source_file_id,
        "older_batch": older and older.batch_id,
        "newer_file": newer and newer.source_file_id,
        "newer_batch": newer and newer.batch_id,
        "limit": PAGE_SIZE + 1,
    }
    cursor.execute(query, values)
    return [Entry(*row) for row in cursor.fetchall()]
