"""What reviews say about aspects such as the price, from the view `aspect_sentiment` if the database has it."""

from datetime import date
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- a class with a lowercase name in psycopg2

from insights.selection import Period, Wanted

_SUMS: Final = """
SELECT aspect, day >= %(since)s, sum(reviews)::bigint, sum(mean_log_odds * reviews) / sum(reviews),
       sum(positive)::bigint, sum(negative)::bigint
FROM sentiment.aspect_sentiment
WHERE day BETWEEN %(first)s AND %(until)s
    AND (%(source)s::text IS NULL OR source = %(source)s) AND (%(product)s::text IS NULL OR product_id = %(product)s)
GROUP BY 1, 2"""


class Mentions(NamedTuple):
    """The reviews of a period that mention an aspect."""

    reviews: int
    mean_log_odds: float  # what the clauses that mention it add to the log-odds of positive
    positive: int  # reviews whose clauses raise the log-odds, by at least 0.1
    negative: int  # reviews whose clauses lower it

    @property
    def positive_ratio(self) -> float:
        """Return the ratio of positive mentions."""
        return self.positive / self.reviews

    @property
    def negative_ratio(self) -> float:
        """Return the ratio of negative mentions."""
        return self.negative / self.reviews


class Aspect(NamedTuple):
    """An aspect in a period and in the one before."""

    aspect: str
    now: Mentions
    before: Mentions | None


class Aspects(NamedTuple):
    """The aspects that reviews of a period mention, those in most reviews first. Days are those of the files."""

    days: Period  # of the wanted period, the part of which aspects are kept
    aspects: list[Aspect]


def read_aspects(cursor: Cursor, wanted: Wanted, period: Period) -> Aspects | None:
    """Return the kept aspects of a selection; None if none are kept for the period.

    They are compared with the period before only if the aspects of all its days are kept.
    """
    first = _first_kept(cursor)
    if first is None or first > period.until:
        return None
    cursor.execute(
        "SELECT max(day) FROM sentiment.daily_sentiment WHERE day >= %s AND day < %s", (period.before.since, first)
    )
    ((missing,),) = cursor.fetchall()  # the last day before the kept ones that has reviews
    parameters = wanted._asdict() | period._asdict() | {"first": period.since if missing else period.before.since}
    cursor.execute(_SUMS, parameters)
    found = {(aspect, now): Mentions(*sums) for aspect, now, *sums in cursor}
    aspects = [Aspect(name, sums, found.get((name, False))) for (name, now), sums in found.items() if now]
    aspects.sort(key=lambda each: (-each.now.reviews, each.aspect))
    since = first if missing and missing >= period.since else period.since
    return Aspects(Period(since, period.until), aspects) if aspects else None


def _first_kept(cursor: Cursor) -> date | None:
    cursor.execute("SELECT to_regclass('sentiment.aspect_sentiment') IS NOT NULL")
    if cursor.fetchall() != [(True,)]:
        return None
    cursor.execute("SELECT min(day) FROM sentiment.aspect_day")
    first: date | None = cursor.fetchall()[0][0]
    return first
