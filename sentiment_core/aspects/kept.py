"""The kept aspects: their totals by day, source and product, for the newest days with reviews (`aspect_sentiment`).

They depend on the live reviews, the champion and the file of aspects only. A day's totals name the model, the aspects
and the sums of the day's reviews (`ledger/rollups.py`) of which they were computed. A run replaces the totals of each
day for which one of these differs.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.aspects.catalogue import read_aspects
from sentiment_core.aspects.opinions import AspectTotals, OpinionFinder
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import Connection
from sentiment_core.database.planner import without_nested_loops
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.settings import Settings

_FETCH_ROWS: Final = 2000
_INSERT_ROWS: Final = 5000


class _Key(NamedTuple):
    source: str
    product_id: str | None
    aspect: int


class _Version(NamedTuple):
    """What the totals of a day were computed of."""

    model_id: int
    aspects: str  # digest
    reviews: Decimal  # hash of the day's sums


def keep_aspects(connection: Connection, model: ScoringModel, settings: Settings) -> list[date]:
    """Bring the kept totals of the newest `aspects_days` days up to date; return the days that were computed.

    Totals of other days are deleted. Raises `AspectsInvalid`.
    """
    aspects = read_aspects(settings.aspects)
    with connection, connection.cursor() as cursor:
        hashes = _hashes(cursor, _newest_days(cursor, settings.aspects_days))
        cursor.execute("DELETE FROM sentiment.aspect_day WHERE day <> ALL (%s)", (list(hashes),))
        cursor.execute("SELECT day, model_id, aspects, reviews FROM sentiment.aspect_day")
        kept = {row[0]: _Version(*row[1:]) for row in cursor}
    finder = OpinionFinder(model.scorer, aspects)
    wanted = {day: _Version(model.model_id, aspects.digest, found) for day, found in hashes.items()}
    stale = sorted(day for day, version in wanted.items() if kept.get(day) != version)
    return [day for day in stale if _keep(connection, finder, day, wanted[day])]


def _newest_days(cursor: Cursor, count: int) -> list[date]:
    """Return the newest days with reviews. A file of a wrong, future day costs one of them."""
    cursor.execute("SELECT DISTINCT day FROM sentiment.daily_sentiment ORDER BY day DESC LIMIT %s", (count,))
    return [day for (day,) in cursor]


def _hashes(cursor: Cursor, days: list[date]) -> dict[date, Decimal]:
    """Return a hash of the sums of each day's live reviews. It changes if the day's reviews or scores change."""
    cursor.execute(
        """
        SELECT day, sum(hashtextextended(sums, 0)) FROM (
            SELECT day, by_written, daily::text AS sums FROM sentiment.daily_rollup daily
            UNION ALL
            SELECT day, by_written, product::text FROM sentiment.product_rollup product
        ) all_sums
        WHERE NOT by_written AND day = ANY (%(days)s)
        GROUP BY day
        """,
        {"days": days},
    )
    return {day: Decimal(found) for day, found in cursor}


def _keep(connection: Connection, finder: OpinionFinder, day: date, version: _Version) -> bool:
    """Replace the totals of a day. Return False if its reviews have changed since: a later run computes them."""
    with connection:
        totals = _totals(connection, finder, day)
    with connection, connection.cursor() as cursor:
        lock(cursor, AdvisoryLock.ASPECTS, day)
        if _hashes(cursor, [day]) != {day: version.reviews}:
            return False
        cursor.execute("DELETE FROM sentiment.aspect_day WHERE day = %s", (day,))
        cursor.execute(
            "INSERT INTO sentiment.aspect_day (day, model_id, aspects, reviews) VALUES (%s, %s, %s, %s)",
            (day, *version),
        )
        execute_values(
            cursor,
            "INSERT INTO sentiment.aspect_total"
            " (day, source, product_id, aspect, reviews, positive, negative, log_odds) VALUES %s",
            _rows(day, finder, totals),
            page_size=_INSERT_ROWS,
        )
    return True


def _totals(connection: Connection, finder: OpinionFinder, day: date) -> dict[_Key, AspectTotals]:
    totals: defaultdict[_Key, AspectTotals] = defaultdict(AspectTotals)
    with connection.cursor("reviews_of_a_day") as cursor:
        # The nightly run reads a day that was just loaded.
        with connection.cursor() as planner, without_nested_loops(planner):
            cursor.execute("SELECT source, product_id, text FROM sentiment.scored_reviews WHERE day = %s", (day,))
        while rows := cursor.fetchmany(_FETCH_ROWS):
            found = finder.find(TextColumn.from_texts([row[2] for row in rows]))
            mentions = zip(found.text.tolist(), found.aspect.tolist(), found.log_odds.tolist(), strict=True)
            for row, aspect, log_odds in mentions:
                source, product_id, _ = rows[row]
                totals[_Key(source, product_id, aspect)].add(log_odds)
    return totals


def _rows(day: date, finder: OpinionFinder, totals: dict[_Key, AspectTotals]) -> Iterator[tuple[object, ...]]:
    for key, each in totals.items():
        yield (
            *(day, key.source, key.product_id, finder.aspects.names[key.aspect]),
            *(each.reviews, each.positive, each.negative, each.log_odds),
        )
