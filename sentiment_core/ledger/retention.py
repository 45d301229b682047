"""Drop the reviews of old months with their scores. The ledger remains, and prevents a reload of these months."""

from datetime import date
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.connection import Connection
from sentiment_core.drops.drop import parse_day
from sentiment_core.errors import MonthInvalid
from sentiment_core.ledger import rollups, source_files
from sentiment_core.settings import Settings


class ExpiredMonth(NamedTuple):
    """A month whose reviews were dropped, with the number of its loaded files and of its rows."""

    month: date
    files: int
    rows: int


def parse_month(text: str) -> date:
    """Parse `YYYY-MM`. Raises `MonthInvalid` when the text is no month or the month is in the future."""
    month = parse_day(f"{text}-01")
    if month is None:
        raise MonthInvalid(month=text, why="it is not a month of the form YYYY-MM")
    if month > date.today():  # noqa: DTZ011 - one day more or less does not matter
        raise MonthInvalid(month=text, why="it is in the future")
    return month


def months_before(connection: Connection, month: date) -> list[date]:
    """Return the months with partitions before the given month, oldest first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_date(right(relname, 6), 'YYYYMM') AS month FROM pg_inherits JOIN pg_class ON oid = inhrelid"
            " WHERE inhparent = 'sentiment.score'::regclass ORDER BY month"
        )
        return [found for (found,) in cursor if found < month]


def expire(connection: Connection, settings: Settings, month: date) -> ExpiredMonth:
    """Drop one month in one transaction. After that, it and every earlier month accept no file.

    The call waits for running loads. It needs the privileges of the schema owner. Raises `LoadsUnderWay`.
    """
    with connection, connection.cursor() as cursor:
        source_files.block_loads(cursor, settings.lock_timeout_s)
        _uncount(cursor, month)
        rows = _drop(cursor, month)
        files = _mark_expired(cursor, month)
        source_files.recompute_stale_heads(cursor)
        cursor.execute(
            "INSERT INTO sentiment.expired_month (month, files, rows) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (month, files, rows),
        )
        return ExpiredMonth(month, files, rows)


def _uncount(cursor: Cursor, month: date) -> None:
    cursor.execute(
        "SELECT DISTINCT day FROM sentiment.source_file JOIN sentiment.live_file USING (source_file_id)"
        " WHERE day >= %(month)s AND day < %(month)s + interval '1 month'",
        {"month": month},
    )
    rollups.uncount_days(cursor, [day for (day,) in cursor.fetchall()])


def _drop(cursor: Cursor, month: date) -> int:
    suffix = f"{month:%Y%m}"
    source_files.create_stale_heads(cursor)
    cursor.execute(
        """
        WITH deleted AS (
            DELETE FROM sentiment.review_head WHERE day >= %(month)s AND day < %(month)s + interval '1 month'
            RETURNING review_key, source_file_id)
        INSERT INTO stale_head SELECT review_key, source_file_id FROM deleted
        """,
        {"month": month},
    )
    for table in ("driver_example", "aspect_day"):
        cursor.execute(
            f"DELETE FROM sentiment.{table} WHERE day >= %(month)s AND day < %(month)s + interval '1 month'",  # noqa: S608
            {"month": month},
        )
    cursor.execute(f"SELECT count(*) FROM sentiment.review_{suffix}")  # noqa: S608 - a month
    rows = int(cursor.fetchone()[0])  # type: ignore[index]
    for parent in ("score", "review"):
        cursor.execute(f"ALTER TABLE sentiment.{parent} DETACH PARTITION sentiment.{parent}_{suffix}")
        cursor.execute(f"DROP TABLE sentiment.{parent}_{suffix}")
    return rows


def _mark_expired(cursor: Cursor, month: date) -> int:
    """Mark the month's loaded files as expired, delete their quarantined rows, and return the number of files."""
    cursor.execute(
        """
        WITH expired AS (
            UPDATE sentiment.source_file SET status = 'expired'
            WHERE status = 'loaded' AND day >= %(month)s AND day < %(month)s + interval '1 month'
            RETURNING source_file_id),
        hidden AS (DELETE FROM sentiment.live_file USING expired
            WHERE live_file.source_file_id = expired.source_file_id),
        emptied AS (DELETE FROM sentiment.rejected_row USING expired
            WHERE rejected_row.source_file_id = expired.source_file_id)
        SELECT count(*) FROM expired
        """,
        {"month": month},
    )
    return int(cursor.fetchone()[0])  # type: ignore[index]
