"""The rollups: exact sums of the live reviews, changed by each commit that changes what the views show.

A row counts if its file is live and its score is not marked as superseded. Triggers of the schema set the marks when
heads change, and count the rows that get or lose a mark. These functions count files as a whole. The order is always:
count the file's rows, then decide its heads. Every caller holds the advisory lock of the heads, so the sums need no
other lock.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.planner import without_nested_loops

# Marks a transaction as one that keeps the rollups. A trigger sees the changes of releases that do not.
KEPT = "sentiment.rollups"

SORT_MEMORY = "64MB"  # more is sorted on disk

_OF_FILE = """
    SELECT * FROM sentiment.counted_review WHERE day = %(day)s AND source_file_id = %(file)s AND NOT superseded
"""
_OF_DAY = "SELECT * FROM sentiment.counted_review WHERE day = %(day)s AND NOT superseded"


MEASURES: Final = (
    *("reviews", "positive", "neutral", "negative", "unfamiliar", "mixed", "rated"),
    *("score_sum", "rating_sum"),
)
_OF_SUMS = f"""
    SELECT file.day, written_day, file.source, sentiment.language_key(language, detected) AS language,
        live.model_id, product_id, {", ".join(MEASURES)}
    FROM unnest(%(written)s::date[], %(product)s::text[], %(language)s::text[], %(detected)s::text[], %(measures)s)
        AS sums (written_day, product_id, language, detected, {", ".join(MEASURES)})
    JOIN sentiment.live_file live ON live.source_file_id = %(file)s
    JOIN sentiment.source_file file ON file.source_file_id = live.source_file_id
"""  # noqa: S608 - constants


class FileSums(NamedTuple):
    """Sums of a file's rows by day of writing, product and languages. Several entries may have the same of these."""

    written_day: list[date]
    product_id: list[str | None]
    language: list[str | None]  # as the source writes it
    language_detected: list[str | None]
    measures: NDArray[np.int64]  # sums of shape (entries, MEASURES)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the entries of several parts."""
        none = np.empty((0, len(MEASURES)), np.int64)
        return cls(
            [day for part in parts for day in part.written_day],
            [product for part in parts for product in part.product_id],
            [language for part in parts for language in part.language],
            [language for part in parts for language in part.language_detected],
            np.concatenate([none, *(part.measures for part in parts)]),
        )


def count_sums(cursor: Cursor, source_file_id: int, sums: FileSums) -> None:
    """Add the rows of a file whose sums are known. Nothing if the file is not live."""
    written, product, language, detected, measures = sums
    parameters = {"written": written, "product": product, "language": language, "detected": detected}
    rows = cursor.mogrify(_OF_SUMS, parameters | {"file": source_file_id, "measures": _Columns(measures)}).decode()
    cursor.execute("SELECT sentiment.count_reviews(1, %s)", (rows,))


class _Columns:
    """The columns of an array of integers, as SQL arrays. A literal is parsed faster than an ARRAY constructor."""

    def __init__(self, values: NDArray[np.int64]) -> None:
        self.values = values

    def __conform__(self, _: object) -> Self:
        return self

    def getquoted(self) -> str:
        """Return the SQL, as psycopg2 asks for it."""
        return ", ".join(f"'{{{','.join(map(str, column))}}}'::bigint[]" for column in self.values.T.tolist())


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
