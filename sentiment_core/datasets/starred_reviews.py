"""Stored reviews with a rating: the ratings of each source, and the reviews with their origin.

Functions take a cursor or connection, and the caller owns the transaction. Only rows that the views show count.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name

from sentiment_core.database.connection import Connection
from sentiment_core.datasets.snapshot import Days
from sentiment_core.datasets.star_scale import SourceRatings

PLACES: Final = 2**32  # a place is the first 32 bits of the SHA-256 of the text
_PAGE: Final = 2_000  # reviews per fetch
_COLUMNS: Final = {"product_id": "r.product_id", "author_id": "r.author_id", "language": "r.language"}

# `declared`: the contract that was in force when the row was loaded declares the scale, so the stored rating is stars.
_LIVE: Final = """
    FROM sentiment.review r
    JOIN sentiment.live_file USING (source_file_id)
    JOIN sentiment.source_file f USING (source_file_id)
    JOIN sentiment.scoring_batch b ON b.batch_id = r.batch_id
    LEFT JOIN sentiment.source_contract c
        ON c.source = f.source AND c.version = (b.reading ->> 'contract')::integer AND c.contract ? 'rating'
    LEFT JOIN sentiment.review_head h ON h.review_key = r.review_key
"""
_SHOWN: Final = """
    (r.review_key IS NULL OR (h.source_file_id = r.source_file_id AND h.line = r.line))
    AND (%(since)s::date IS NULL OR r.day >= %(since)s) AND (%(until)s::date IS NULL OR r.day <= %(until)s)
"""


class StarredReview(NamedTuple):
    """A stored review with its rating as stored, and its origin."""

    place: int  # in [0, PLACES)
    source: str
    declared: bool
    rating: float
    text: str
    product_id: str | None
    author_id: str | None
    review_id: str | None
    language: str | None
    group: str | None  # value of the group column
    bucket: str
    key: str
    version: str
    line: int


class Wanted(NamedTuple):
    """A rating of a source whose reviews are wanted."""

    source: str
    declared: bool
    rating: float


def newest_days(cursor: Cursor, days: Days, count: int | None) -> Days:
    """Return the last `count` days of a range that end with the newest day of a loaded file. None means all days."""
    if count is None:
        return days
    cursor.execute(
        "SELECT max(day) FROM sentiment.source_file JOIN sentiment.live_file USING (source_file_id)"
        " WHERE %(until)s::date IS NULL OR day <= %(until)s",
        {"until": days.until},
    )
    newest: date | None = cursor.fetchone()[0]  # type: ignore[index]
    if newest is None:
        return days
    first = newest - timedelta(days=count - 1)
    return Days(since=max(first, days.since or first), until=days.until)


def stored_ratings(cursor: Cursor, days: Days) -> list[SourceRatings]:
    """Return the ratings of each source on some days, ordered by source."""
    cursor.execute(
        f"SELECT f.source, c.source IS NOT NULL, r.rating, count(*) {_LIVE} WHERE {_SHOWN}"
        " AND (r.rating IS NOT NULL OR r.nulled ? 'rating') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        {"since": days.since, "until": days.until},
    )
    found: dict[tuple[str, bool], dict[float | None, int]] = {}
    for source, declared, rating, rows in cursor:
        found.setdefault((source, declared), {})[rating] = rows
    return [
        SourceRatings(*key, {value: rows for value, rows in counts.items() if value is not None}, counts.get(None, 0))
        for key, counts in found.items()
    ]


def starred_reviews(
    connection: Connection, days: Days, wanted: Iterable[Wanted], most: int, group_column: str
) -> Iterator[StarredReview]:
    """Yield the reviews with a wanted rating and a place below `most`, ordered by place.

    Equal texts have equal places, so the order is that of a sample in which each text is equally likely to come first.
    """
    columns = [list(column) for column in zip(*wanted, strict=True)] or [[], [], []]
    group = _COLUMNS.get(group_column, "r.extra ->> %(group)s")
    # A server-side cursor, so that this process never holds all reviews in memory.
    with connection.cursor("starred_reviews") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(
            f"""
            SELECT place.number, f.source, c.source IS NOT NULL, r.rating, r.text, r.product_id, r.author_id,
                   r.review_id, r.language, {group}, f.bucket, f.key, f.version_token, r.line
            {_LIVE}
            CROSS JOIN LATERAL (SELECT sha256(convert_to(r.text, 'UTF8')) AS hash) text
            CROSS JOIN LATERAL (SELECT ('x' || encode(substring(text.hash FOR 4), 'hex'))::bit(32)::bigint AS number)
                AS place
            JOIN unnest(%(sources)s::text[], %(declared)s::boolean[], %(ratings)s::double precision[])
                AS wanted (source, declared, rating)
                ON wanted.source = f.source AND wanted.declared = (c.source IS NOT NULL) AND wanted.rating = r.rating
            WHERE {_SHOWN} AND place.number < %(most)s
            ORDER BY text.hash, f.source, f.bucket, f.key, f.version_token, r.line
            """,
            dict(zip(("sources", "declared", "ratings"), columns, strict=True))
            | {"since": days.since, "until": days.until, "most": most, "group": group_column},
        )
        for fields in cursor:
            yield StarredReview(*fields)
