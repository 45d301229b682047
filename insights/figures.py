"""The figures of a selection, read from the views for analysts."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- a class with a lowercase name in psycopg2

from insights.selection import DayOf, Period, Wanted
from sentiment_core.model.wilson import wilson_interval

# The column of the day, by which day counts, and the suffix of the views that have it.
_DAY: Final = {DayOf.FILE: "day", DayOf.WRITTEN: "written_day"}
_SUFFIX: Final = {DayOf.FILE: "", DayOf.WRITTEN: "_by_written_day"}

_SUMS: Final = """sum(reviews)::bigint, sum(positive)::bigint, sum(neutral)::bigint, sum(negative)::bigint,
(sum(mean_score * reviews) / sum(reviews))::float8"""
# No view has sums by product and source: these reviews are counted.
_COUNTS: Final = """count(*), count(*) FILTER (WHERE label = 'positive'), count(*) FILTER (WHERE label = 'neutral'),
count(*) FILTER (WHERE label = 'negative'), avg(score)::float8"""

# The table of the view `scored_days`: the view would count the files of all days.
_COMPLETE: Final = "SELECT day FROM sentiment.complete_day WHERE day BETWEEN %(since)s AND %(until)s"


class Counts(NamedTuple):
    """Reviews of a day or a period, by label, and their mean score from 0 to 1."""

    reviews: int
    positive: int
    neutral: int
    negative: int
    mean_score: float

    def of(self, label: str) -> int:
        """Return the number of reviews with a label."""
        return int(getattr(self, label))

    def ratio(self, label: str) -> float:
        """Return the ratio of reviews with a label."""
        return self.of(label) / self.reviews

    def interval(self, label: str) -> tuple[float, float]:
        """Return the 95 % confidence interval of that ratio."""
        return wilson_interval(self.ratio(label), self.reviews)


class Day(NamedTuple):
    """The reviews of a day, and whether the nightly run has completed it. None: the day is one of writing."""

    day: date
    counts: Counts
    complete: bool | None = None


def total(days: Sequence[Day]) -> Counts | None:
    """Return the counts of some days together, or None without any."""
    if not days:
        return None
    reviews, positive, neutral, negative = (sum(each.counts[place] for each in days) for place in range(4))
    score = sum(each.counts.mean_score * each.counts.reviews for each in days) / reviews
    return Counts(int(reviews), int(positive), int(neutral), int(negative), score)


def read_days(cursor: Cursor, wanted: Wanted, period: Period) -> list[Day]:
    """Return the days of a period that have reviews of a selection, in order."""
    view, sums = _view(wanted)
    day = sql.Identifier(_DAY[wanted.day_of])
    statement = sql.SQL(
        "SELECT {day}, {sums} FROM sentiment.{view} WHERE {filters} AND {day} BETWEEN %(since)s AND %(until)s"
        " GROUP BY {day} ORDER BY {day}"
    ).format(day=day, sums=sql.SQL(sums), view=sql.Identifier(view), filters=_filters(wanted))
    cursor.execute(statement, wanted._asdict() | period._asdict())
    counted = [(row[0], Counts(*row[1:])) for row in cursor.fetchall()]
    if wanted.day_of is not DayOf.FILE:
        return [Day(*each) for each in counted]
    cursor.execute(_COMPLETE, period._asdict())
    complete = {row[0] for row in cursor.fetchall()}
    return [Day(found, counts, found in complete) for found, counts in counted]


def read_extent(cursor: Cursor, wanted: Wanted) -> Period | None:
    """Return the first and the last day that have reviews of a selection, or None without any."""
    view, _ = _view(wanted)
    statement = sql.SQL("SELECT min({day}), max({day}) FROM sentiment.{view} WHERE {filters}").format(
        day=sql.Identifier(_DAY[wanted.day_of]), view=sql.Identifier(view), filters=_filters(wanted)
    )
    cursor.execute(statement, wanted._asdict())
    first, last = cursor.fetchall()[0]
    return None if first is None else Period(first, last)


def read_sources(cursor: Cursor) -> list[str]:
    """Return the sources that have scored reviews, by name."""
    cursor.execute("SELECT DISTINCT source FROM sentiment.daily_sentiment ORDER BY source")
    return [row[0] for row in cursor.fetchall()]


def search_products(cursor: Cursor, part: str, wanted: Wanted, period: Period, limit: int) -> list[str]:
    """Return products of a period whose id holds a text, those with most reviews first, at most `limit`."""
    statement = sql.SQL(
        "SELECT product_id FROM sentiment.{view} WHERE {day} BETWEEN %(since)s AND %(until)s"
        " AND position(lower(%(part)s) IN lower(product_id)) > 0"
        " GROUP BY product_id ORDER BY sum(reviews) DESC, product_id LIMIT %(limit)s"
    ).format(view=sql.Identifier(f"product_sentiment{_SUFFIX[wanted.day_of]}"), day=sql.Identifier(_DAY[wanted.day_of]))
    cursor.execute(statement, period._asdict() | {"part": part, "limit": limit})
    return [row[0] for row in cursor.fetchall()]


def _view(wanted: Wanted) -> tuple[str, str]:
    """Return the view that has a selection's reviews, and the expressions of its counts."""
    suffix = _SUFFIX[wanted.day_of]
    if wanted.product is None:
        return f"daily_sentiment{suffix}", _SUMS
    if wanted.source is None:
        return f"product_sentiment{suffix}", _SUMS
    return "scored_reviews", _COUNTS


def _filters(wanted: Wanted) -> sql.Composable:
    conditions = ["true"]
    if wanted.source is not None:
        conditions.append("source = %(source)s")
    if wanted.product is not None:
        conditions.append("product_id = %(product)s")
    return sql.SQL(" AND ".join(conditions))
