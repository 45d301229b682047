"""Causes of alerts in the data: sources that sent no file, and sources of which many rows were rejected."""

from datetime import date
from typing import NamedTuple

from sentiment_core.database.connection import Connection
from sentiment_core.drops.contract import NO_DROPS

USUAL_DAYS = 6  # of the seven days before: a source with files on so many of them is expected daily


class RejectShare(NamedTuple):
    """What a run rejected of a source's day: rows, and files as a whole."""

    source: str
    day: date
    rows_in: int
    rows_rejected: int
    files_rejected: int

    @property
    def ratio(self) -> float:
        """Ratio of rejected rows."""
        return self.rows_rejected / self.rows_in if self.rows_in else 0.0


def late_sources(connection: Connection, day: date) -> list[str]:
    """Return the sources with files on at least six of the seven days before, and none on the day."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT source FROM sentiment.source_file
            WHERE day BETWEEN %(day)s::date - 7 AND %(day)s AND (reject_code IS NULL OR reject_code <> ALL (%(none)s))
            GROUP BY source
            HAVING count(DISTINCT day) FILTER (WHERE day < %(day)s) >= %(usual)s
                AND count(*) FILTER (WHERE day = %(day)s) = 0
            ORDER BY source
            """,
            {"day": day, "none": list(NO_DROPS), "usual": USUAL_DAYS},
        )
        return [source for (source,) in cursor]


def reject_shares(connection: Connection, run_id: str) -> list[RejectShare]:
    """Return what a run rejected of each of its sources and days, if anything."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT source, day, coalesce(sum(rows_in), 0), coalesce(sum(rows_rejected), 0),
                   count(*) FILTER (WHERE status = 'rejected' AND reject_code <> ALL (%(none)s))
            FROM sentiment.planned_file
            JOIN sentiment.source_file USING (source_file_id)
            LEFT JOIN sentiment.scoring_batch batch USING (source_file_id, run_id)
            WHERE run_id = %(run)s GROUP BY source, day
            HAVING coalesce(sum(rows_rejected), 0) > 0
                OR count(*) FILTER (WHERE status = 'rejected' AND reject_code <> ALL (%(none)s)) > 0
            ORDER BY day, source
            """,
            {"run": run_id, "none": list(NO_DROPS)},
        )
        return [RejectShare(source, day, *map(int, counts)) for source, day, *counts in cursor]
