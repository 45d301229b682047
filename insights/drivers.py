"""The phrases that moved sentiment, from the view `sentiment_drivers` if the database has it."""

from datetime import date
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- a class with a lowercase name in psycopg2

from insights.selection import Period, Wanted

SHOWN: Final = 20
# A comparison is of a source, or of a product of a source. If no source is chosen, the one with most reviews is shown.
_STRONGEST: Final = """
SELECT source, first_then, last_then, first_now, last_now, change, change_low, change_high,
       phrase, movement, explained, reviews_then, reviews_now, coalesce(examples, '{}')
FROM sentiment.sentiment_drivers
WHERE (%(source)s::text IS NULL OR source = %(source)s) AND product_id IS NOT DISTINCT FROM %(product)s
    AND last_now BETWEEN %(since)s AND %(until)s
ORDER BY all_reviews_now DESC, source, rank LIMIT %(limit)s"""


class Phrase(NamedTuple):
    """A phrase, what it added to the change of the mean log-odds, and reviews that say it."""

    phrase: str
    movement: float
    explained: float | None  # the movement as a ratio of the change
    reviews_then: int
    reviews_now: int
    examples: list[str]


class Comparison(NamedTuple):
    """Two periods of a source, or of a product of a source. Days are those of the files."""

    source: str
    first_then: date
    last_then: date
    first_now: date
    last_now: date
    change: float  # of the mean log-odds of positive
    low: float  # 95 % confidence interval of the change
    high: float
    phrases: list[Phrase]


def read_drivers(cursor: Cursor, wanted: Wanted, period: Period) -> Comparison | None:
    """Return the stored comparison of a selection whose later period ends within a period; None without one."""
    cursor.execute("SELECT to_regclass('sentiment.sentiment_drivers') IS NOT NULL")
    if cursor.fetchall() != [(True,)]:
        return None
    cursor.execute(_STRONGEST, wanted._asdict() | period._asdict() | {"limit": SHOWN})
    rows = cursor.fetchall()
    if not rows:
        return None
    of_comparison = len(Comparison._fields) - 1
    phrases = [Phrase(*row[of_comparison:]) for row in rows if row[0] == rows[0][0]]
    return Comparison._make((*rows[0][:of_comparison], phrases))
