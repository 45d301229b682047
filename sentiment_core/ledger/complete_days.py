"""Days that a nightly run has completed. Runs that score arrivals load files but complete no day."""

from datetime import date

from psycopg2.extras import execute_values

from sentiment_core.database.connection import Connection


def complete(connection: Connection, days: list[date]) -> None:
    """Record that these days are complete: a run listed the bucket after each of them and processed its files."""
    with connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "INSERT INTO sentiment.complete_day (day) VALUES %s"
            " ON CONFLICT (day) DO UPDATE SET completed_at = clock_timestamp()",
            [(day,) for day in sorted(set(days))],
        )


def changed_by_arrivals(connection: Connection, until: date) -> list[date]:
    """Return the days up to `until` with files that arrivals runs have read since the day was last completed."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT file.day
            FROM sentiment.scoring_run run
            JOIN sentiment.planned_file USING (run_id)
            JOIN sentiment.source_file file USING (source_file_id)
            LEFT JOIN sentiment.complete_day complete ON complete.day = file.day
            WHERE run.arrivals AND file.status <> 'seen' AND file.day <= %s
                AND file.finished_at > coalesce(complete.completed_at, '-infinity')
            ORDER BY file.day
            """,
            (until,),
        )
        return [day for (day,) in cursor]
