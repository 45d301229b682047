"""The phrases that moved sentiment, from the view `sentiment_drivers` if the database has it."""

from datetime import date
from typing import Any, Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- a class with a lowercase name in psycopg2

from insights.selection import Period, Wanted

_VIEW: Final = "sentiment.sentiment_drivers"
# Of the stored comparisons of the group, the one whose later period ends last within the chosen period.
_NEWEST: Final = """WITH of_group AS (
    SELECT * FROM sentiment.sentiment_drivers
    WHERE product_id IS NOT DISTINCT FROM %(product)s AND source IS NOT DISTINCT FROM %(source)s
        AND until BETWEEN %(first)s AND %(last)s
)
SELECT phrase, movement, explained, reviews_then, reviews_now, against, since, until, examples FROM of_group
WHERE (until, since, against) = (SELECT until, since, against FROM of_group ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1)
ORDER BY abs(movement) DESC, phrase LIMIT %(limit)s"""
SHOWN: Final = 20


class Driver(NamedTuple):
    """A phrase, what it added to the change of the mean log-odds, and reviews that say it."""

    phrase: str
    movement: float
    explained: float | None  # the movement as a ratio of the change
    reviews_then: int
    reviews_now: int
    against: date  # first day of the earlier period
    since: date
    until: date
    examples: list[str]


def read_drivers(cursor: Cursor, wanted: Wanted, period: Period) -> list[Driver]:
    """Return the drivers of the newest comparison of a selection that ends within a period; none without the view."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (_VIEW,))
    if cursor.fetchall() != [(True,)]:
        return []
    values = {"product": wanted.product, "source": wanted.source, "limit": SHOWN}
    cursor.execute(_NEWEST, values | {"first": period.since, "last": period.until})
    return [Driver._make((*figures, _texts(examples))) for *figures, examples in cursor.fetchall()]


def _texts(examples: Any) -> list[str]:
    """Return the texts of examples, which are texts or objects with one."""
    return [each["text"] if isinstance(each, dict) else str(each) for each in examples or ()]
