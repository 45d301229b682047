"""Store corrections in PostgreSQL. Writes are idempotent: each correction is stored exactly once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from sentiment_core.feedback.correction import Correction

REVISION = "0003"
# Data that is not acknowledged for this long was sent to a server that is gone, for example after a failover.
_UNANSWERED_S = 30.0
# A column, a table or the schema is missing. https://www.postgresql.org/docs/current/errcodes-appendix.html
_OUTDATED_STATES = ("42703", "42P01", "3F000")
# A value cannot be stored or violates a constraint of the table. The row is at fault, not the service or the database.
_ROW_STATES = ("22", "23514")

_INSERT = """
    INSERT INTO sentiment.feedback (feedback_key, text, label, score, model_digest, received_at) VALUES %s
    ON CONFLICT (feedback_key) DO NOTHING
    """
_ROW = "(%s::uuid, %s, %s::sentiment.label, %s::double precision, %s, %s::timestamptz)"


class FeedbackStore:
    """Writes to `sentiment.feedback`. Each attempt opens a new connection, so that no connection can become stale.

    The database user needs only INSERT on the table and SELECT on `feedback_key`. Error messages never quote a row.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self) -> None:
        """Check that corrections can be stored.

        Raises `DatabaseUnavailable`, `DatabaseRefused` and `SchemaOutdated`.
        """
        with self._cursor() as cursor:
            cursor.execute("SELECT feedback_key FROM sentiment.feedback LIMIT 0")

    def write(self, corrections: Sequence[Correction]) -> set[UUID]:
        """Store the corrections that are not stored yet, and return the keys of those that cannot be stored.

        All are stored in one transaction, unless the database rejects a row for its values. Then the corrections are
        split in halves, with a transaction each, until the rejected rows are found. When this returns, all other
        corrections are stored. Raises the same errors as `check`. After an error, none is known to be stored, and all
        can be written again.
        """
        try:
            self._insert(corrections)
        except DatabaseRefused as error:
            if not _sqlstate(error).startswith(_ROW_STATES):
                raise
        else:
            return set()
        if len(corrections) == 1:
            return {corrections[0].key}
        middle = len(corrections) // 2
        return self.write(corrections[:middle]) | self.write(corrections[middle:])

    def _insert(self, corrections: Sequence[Correction]) -> None:
        rows = [
            (str(one.key), one.text, one.label, one.score, one.model_digest, one.received_at) for one in corrections
        ]
        with self._cursor() as cursor:
            execute_values(cursor, _INSERT, rows, template=_ROW, page_size=len(rows))

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        """Run a transaction, and raise its errors with messages that quote no row."""
        try:
            with connect(self._url, "sentiment feedback", unanswered_s=_UNANSWERED_S) as connection:
                connection.set_client_encoding("UTF8")
                with connection, connection.cursor() as cursor:
                    yield cursor
        except (DatabaseUnavailable, DatabaseRefused) as error:
            if _sqlstate(error) in _OUTDATED_STATES:
                raise SchemaOutdated(found=f"a revision before {REVISION}", needed=REVISION) from error.__cause__
            raise type(error)(why=_without_rows(error)) from error.__cause__


def _sqlstate(error: Exception) -> str:
    return getattr(error.__cause__, "pgcode", None) or ""


def _without_rows(error: DatabaseUnavailable | DatabaseRefused) -> str:
    """Return the server's error without its details, because the details may quote the failed row."""
    for cause in (error.__cause__, error.__cause__ and error.__cause__.__context__):
        if isinstance(cause, psycopg2.Error) and cause.pgcode:
            about_row = cause.pgcode.startswith(_ROW_STATES)
            return f"SQLSTATE {cause.pgcode}" + ("" if about_row else f", {cause.diag.message_primary}")
    return str(error.details["why"])
