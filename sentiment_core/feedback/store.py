"""Stores corrections in PostgreSQL, each once however often it is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class, spelt small by psycopg2
from psycopg2.extras import execute_values

from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from sentiment_core.feedback.correction import Correction

REVISION = "0003"
# What is not acknowledged for so long was sent to a server that is gone, after a failover for example.
_UNANSWERED_S = 30.0
# A column, a table, or the schema is not there. https://www.postgresql.org/docs/current/errcodes-appendix.html
_OUTDATED_STATES = ("42703", "42P01", "3F000")
# A value cannot be stored, or breaks a rule of the table: it is the row that is wrong, not the service or the database.
_ROW_STATES = ("22", "23514")

_INSERT = """
    INSERT INTO sentiment.feedback (feedback_key, text, label, score, model_digest, received_at) VALUES %s
    ON CONFLICT (feedback_key) DO NOTHING
    """
_ROW = "(%s::uuid, %s, %s::sentiment.label, %s::double precision, %s, %s::timestamptz)"


class FeedbackStore:
    """Writes into `sentiment.feedback`, over a connection of its own for each try: none is kept that could grow stale.

    A user of the database who may insert there and read `feedback_key` suffices. No message of its errors quotes a row.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self) -> None:
        """See that corrections can be stored. Raises `DatabaseUnavailable`, `DatabaseRefused`, `SchemaOutdated`."""
        with self._cursor() as cursor:
            cursor.execute("SELECT feedback_key FROM sentiment.feedback LIMIT 0")

    def write(self, corrections: Sequence[Correction]) -> set[UUID]:
        """Store corrections in one transaction, those left out that are there; return the keys that cannot be stored.

        The database refuses those for what they hold; all others are stored when this returns. Raises as `check` does:
        then none is known to be stored, and all can be written again.
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
        """Run a transaction, and raise what went wrong with it in words that quote no row."""
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
    """Return what the server says in short: its details may quote the row that failed."""
    for told in (error.__cause__, error.__cause__ and error.__cause__.__context__):
        if isinstance(told, psycopg2.Error) and told.pgcode:
            about_row = told.pgcode.startswith(_ROW_STATES)
            return f"SQLSTATE {told.pgcode}" + ("" if about_row else f", {told.diag.message_primary}")
    return str(error.details["why"])
