"""Read-only, time-limited access of the pages to the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2.errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.connection import connect
from sentiment_core.database.schema import schema_status
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from sentiment_plugin.problems import Problem

# A long query must not block a thread of Airflow's API server.
LONGEST_QUERY_S = 10

MISSING = (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn, psycopg2.errors.UndefinedFunction)


@contextmanager
def reading(url: str) -> Iterator[Cursor]:
    """Open a read-only transaction in which a statement may take `LONGEST_QUERY_S` seconds.

    All statements see the same state of the database. Raises `DatabaseUnavailable`, `DatabaseRefused`, `Problem` for a
    statement that took too long, and `SchemaOutdated` when the database lacks something that the pages read.
    """
    try:
        with connect(url, application="airflow plugin") as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", (f"{LONGEST_QUERY_S}s",))
                yield cursor
    except DatabaseUnavailable as error:
        if not isinstance(error.__cause__, psycopg2.errors.QueryCanceled):
            raise
        sentence = f"Reading took longer than {LONGEST_QUERY_S} s and was stopped. Choose fewer days, or one source."
        raise Problem(503, sentence) from error
    except DatabaseRefused as error:
        if not isinstance(error.__cause__, MISSING):
            raise
        status = schema_status(url)
        raise SchemaOutdated(found=status.found or "none", needed=status.needed) from error
