"""The kept drivers: for each large group of reviews, the comparison of its last two periods (`sentiment_drivers`).

They depend on the live texts and the champion only. So a comparison is stale if a day of its periods was scored again,
if there is a later day, or if the champion changed. A run then replaces the comparisons of all groups.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import Connection
from sentiment_core.drivers.drivers import Driver, Drivers
from sentiment_core.drivers.stored import Group, Periods, stored_drivers
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.settings import Settings

PERIOD_DAYS: Final = 7
TOP: Final = 50  # phrases in each direction


def keep_drivers(connection: Connection, model: ScoringModel, settings: Settings, days: Sequence[date]) -> list[Group]:
    """Bring the kept comparisons up to date after `days` were scored; return the groups that were compared.

    The later period ends on the last of these days, or on the last day of the kept comparisons. Groups have at least
    `drivers_least_reviews` live reviews in each period. Comparisons of other groups are deleted.
    """
    with connection, connection.cursor() as cursor:
        if not settings.drivers_least_reviews:
            cursor.execute("DELETE FROM sentiment.driver_comparison")
            return []
        cursor.execute("SELECT max(last_now), array_agg(DISTINCT model_id) FROM sentiment.driver_comparison")
        ((last_day, models),) = cursor.fetchall()
    periods = periods_until(max([*days, last_day] if last_day else days))
    if models == [model.model_id] and not any(periods.against <= day for day in days):
        return []
    with connection, connection.cursor() as cursor:
        groups = _groups(cursor, periods, settings.drivers_least_reviews)
    kept = []
    for group in groups:
        found = stored_drivers(connection, model.scorer, group, periods, TOP)
        with connection, connection.cursor() as cursor:
            kept.append(_replace(cursor, group, periods, model.model_id, found))
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sentiment.driver_comparison WHERE last_now <= %s AND comparison_id <> ALL (%s)",
            (periods.until, kept),
        )
    return groups


def periods_until(day: date) -> Periods:
    """Return the two periods of `PERIOD_DAYS` days, of which the later one ends on a day."""
    since = day - timedelta(days=PERIOD_DAYS - 1)
    return Periods(since - timedelta(days=PERIOD_DAYS), since, day)


def _groups(cursor: Cursor, periods: Periods, least: int) -> list[Group]:
    cursor.execute(
        """
        SELECT source, product_id FROM sentiment.scored_reviews
        WHERE day BETWEEN %(against)s AND %(until)s
        GROUP BY GROUPING SETS ((source), (source, product_id))
        HAVING (GROUPING(product_id) = 1 OR product_id IS NOT NULL)
            AND least(count(*) FILTER (WHERE day < %(since)s), count(*) FILTER (WHERE day >= %(since)s)) >= %(least)s
        ORDER BY source, product_id
        """,
        {**periods._asdict(), "least": least},
    )
    return [Group(*row) for row in cursor]


def _replace(cursor: Cursor, group: Group, periods: Periods, model_id: int, found: Drivers) -> int:
    """Replace the comparison of a group, unless another run has stored a later one. Return the stored one's id."""
    lock(cursor, AdvisoryLock.DRIVERS)
    values = {
        **group._asdict(),
        **found._asdict(),
        "model": model_id,
        "first_then": periods.then[0],
        "last_then": periods.then[1],
        "first_now": periods.now[0],
        "last_now": periods.now[1],
    }
    cursor.execute(SELECT_LATER, values)
    later = cursor.fetchone()
    if later:
        return int(later[0])
    cursor.execute(DELETE_COMPARISON, values)
    cursor.execute(INSERT_COMPARISON, values)
    comparison = int(cursor.fetchone()[0])  # type: ignore[index]
    ranked = list(enumerate(sorted((*found.up, *found.down), key=lambda driver: -abs(driver.movement)), start=1))
    execute_values(
        cursor,
        "INSERT INTO sentiment.driver (comparison_id, rank, phrase, movement, explained, reviews_then, reviews_now,"
        " ratio_change, ratio_low, ratio_high) VALUES %s",
        [(comparison, rank, *driver[: Driver._fields.index("examples")]) for rank, driver in ranked],
    )
    execute_values(
        cursor,
        "INSERT INTO sentiment.driver_example (comparison_id, rank, day, source_file_id, line) VALUES %s",
        [(comparison, rank, *example.review) for rank, driver in ranked for example in driver.examples],
    )
    return comparison


SELECT_LATER = """
    SELECT comparison_id FROM sentiment.driver_comparison
    WHERE source = %(source)s AND product_id IS NOT DISTINCT FROM %(product)s AND last_now > %(last_now)s
"""

DELETE_COMPARISON = """
    DELETE FROM sentiment.driver_comparison
    WHERE source = %(source)s AND product_id IS NOT DISTINCT FROM %(product)s
"""

INSERT_COMPARISON = """
    INSERT INTO sentiment.driver_comparison
        (source, product_id, first_then, last_then, first_now, last_now, model_id, reviews_then, reviews_now,
         mean_then, mean_now, change, change_low, change_high, rest)
    VALUES (%(source)s, %(product)s, %(first_then)s, %(last_then)s, %(first_now)s, %(last_now)s, %(model)s,
            %(reviews_then)s, %(reviews_now)s, %(mean_then)s, %(mean_now)s, %(change)s, %(low)s, %(high)s, %(rest)s)
    RETURNING comparison_id
"""
