"""The rollups: exact sums of the live reviews, changed by each commit that changes what the views show.

A row counts if its file is live and its score is not marked as superseded. Triggers of the schema set the marks when
heads change, and count the rows that get or lose a mark. These functions count files as a whole. The order is always:
count the file's rows, then decide its heads. Every caller holds the advisory lock of the heads, so the sums need no
other lock.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.planner import without_nested_loops

# Marks a transaction as one that keeps the rollups. A trigger sees the changes of releases that do not.
KEPT = "sentiment.rollups"

SORT_MEMORY = "64MB"  # more is sorted on disk

# The columns of sums that the rollups share.
MEASURES: Final = (
    *("reviews", "positive", "neutral", "negative", "unfamiliar", "mixed", "rated"),
    *("score_sum", "rating_sum"),
)

_OF_FILE = """
    SELECT * FROM sentiment.counted_review WHERE day = %(day)s AND source_file_id = %(file)s AND NOT superseded
"""
_OF_DAY = "SELECT * FROM sentiment.counted_review WHERE day = %(day)s AND NOT superseded"


def count_file(cursor: Cursor, source_file_id: int, day: date) -> None:
    """Add the rows of a file that has become live, or has new rows or scores. Nothing if it is not live."""
    _count(cursor, 1, _OF_FILE, day=day, file=source_file_id)


def uncount_file(cursor: Cursor, source_file_id: int, day: date, before_batch: int | None = None) -> None:
    """Subtract the rows of a file, before it is hidden or its scores change.

    With `before_batch`, only rows that earlier batches stored: the rows of that batch are not counted yet.
    """
    earlier = "" if before_batch is None else " AND batch_id < %(batch)s"
    _count(cursor, -1, _OF_FILE + earlier, day=day, file=source_file_id, batch=before_batch)


def uncount_days(cursor: Cursor, days: Iterable[date]) -> None:
    """Subtract all rows of files of some days, before they are deleted."""
    for day in days:
        _count(cursor, -1, _OF_DAY, day=day)


def remember_cleared(cursor: Cursor, source_file_id: int, day: date) -> None:
    """Keep what the rows of a file add, before they are deleted. The lock of the heads is not needed yet.

    The scores are locked, so that no other load marks them as superseded and subtracts them too.
    """
    cursor.execute(
        "SELECT FROM sentiment.score WHERE day = %s AND source_file_id = %s FOR UPDATE", (day, source_file_id)
    )
    query = cursor.mogrify(_OF_FILE, {"day": day, "file": source_file_id}).decode()
    with without_nested_loops(cursor):
        cursor.execute(f"CREATE TEMPORARY TABLE cleared_review ON COMMIT DROP AS {query}")


def uncount_cleared(cursor: Cursor) -> None:
    """Subtract the rows that `remember_cleared` has kept."""
    _count(cursor, -1, "SELECT * FROM cleared_review")


def count_all(cursor: Cursor) -> None:
    """Compute the rollups again. The caller blocks loads."""
    cursor.execute("SELECT set_config('work_mem', %s, true)", (SORT_MEMORY,))
    for kind in ("daily", "language", "product"):
        cursor.execute(f"DELETE FROM sentiment.{kind}_rollup")  # noqa: S608 - constants
        cursor.execute(f"INSERT INTO sentiment.{kind}_rollup SELECT * FROM sentiment.{kind}_recount()")  # noqa: S608
    cursor.execute("UPDATE sentiment.rollup_state SET stale_since = NULL")


def are_stale(cursor: Cursor) -> bool:
    """Return whether a release that does not keep the rollups has changed what the views show."""
    cursor.execute("SELECT stale_since IS NOT NULL FROM sentiment.rollup_state")
    return cursor.fetchone() == (True,)


def _count(cursor: Cursor, sign: int, query: str, **parameters: object) -> None:
    rows = cursor.mogrify(query, parameters).decode()
    with without_nested_loops(cursor):
        cursor.execute("SELECT sentiment.count_reviews(%s, %s)", (sign, rows))
