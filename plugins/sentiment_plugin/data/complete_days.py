"""Read which days a nightly run has completed, and which it should have. docs/arrivals.md says what complete means."""

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

LATEST_D: Final = 30  # days whose completion matters now; older ones are an import of history, or of no interest
NIGHTLY_RUN_H: Final = 26  # hours from the start of a day to the nightly run that completes it


class Backlog(NamedTuple):
    """The newest complete day, and the latest days with files that should be complete and are not, oldest first."""

    newest: date | None
    missing: list[date]


def completed(cursor: Cursor, since: date, until: date) -> dict[date, datetime]:
    """Return the complete days of a period, with the time at which a run last completed each."""
    cursor.execute(
        "SELECT day, completed_at FROM sentiment.complete_day WHERE day BETWEEN %s AND %s ORDER BY day", (since, until)
    )
    return dict(cursor.fetchall())


def backlog(cursor: Cursor) -> Backlog:
    """Return what the nightly runs of the last days have completed. Days whose nightly run is not due do not count."""
    due = (datetime.now(UTC) - timedelta(hours=NIGHTLY_RUN_H)).date()
    cursor.execute(
        """
        SELECT DISTINCT day FROM sentiment.source_file
        WHERE day BETWEEN %(due)s::date - %(days)s AND %(due)s
          AND NOT EXISTS (SELECT FROM sentiment.complete_day complete WHERE complete.day = source_file.day)
        ORDER BY day
        """,
        {"due": due, "days": LATEST_D - 1},
    )
    missing = [day for (day,) in cursor]
    cursor.execute("SELECT max(day) FROM sentiment.complete_day")
    ((newest,),) = cursor.fetchall()
    return Backlog(newest, missing)
