"""Connections to PostgreSQL, without what only migrations need: it would take the service 20 MB."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class, spelt small by psycopg2

from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable

__all__ = ["Connection", "connect", "database_errors", "libpq_url"]

# SQLSTATE classes after which the same transaction can succeed later: 08 connection, 40 rollback (deadlock,
# serialization), 53 insufficient resources (disk full, too many connections), 55P03 lock timeout, 57 operator
# intervention, 58 system error. https://www.postgresql.org/docs/current/errcodes-appendix.html
TRANSIENT_STATES = ("08", "40", "53", "55P03", "57", "58")


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn psycopg2's errors into `DatabaseUnavailable` (try again) or `DatabaseRefused` (never will)."""
    try:
        yield
    except psycopg2.Error as error:
        # A lost connection cannot be rolled back either, and the failure before that one tells how it was lost.
        before = error.__context__ if isinstance(error, psycopg2.InterfaceError) else None
        told = before if isinstance(before, psycopg2.Error) else error
        why = " ".join(str(told).split()) or type(told).__name__
        state = error.pgcode or ""
        lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and not state
        if lost or state.startswith(TRANSIENT_STATES):
            raise DatabaseUnavailable(why=why) from error
        raise DatabaseRefused(why=why) from error


@contextmanager
def connect(url: str, application: str = "sentiment", *, unanswered_s: float | None = None) -> Iterator[Connection]:
    """Open a connection for the length of the block; its errors become the project's own.

    The caller commits. Keepalives let either side notice within a minute that the other has vanished while nothing is
    sent; what was sent and is not acknowledged counts as lost after `unanswered_s`, else after the system's own quarter
    of an hour. Raises `DatabaseUnavailable` and `DatabaseRefused`.
    """
    with database_errors():
        connection = psycopg2.connect(
            libpq_url(url),
            application_name=application,
            connect_timeout=10,
            keepalives=1,
            keepalives_idle=20,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=round(1000 * (unanswered_s or 0)),
        )
        try:
            yield connection
        finally:
            connection.close()


def libpq_url(url: str) -> str:
    """Return the URL without a SQLAlchemy driver name or Airflow's spelling of the scheme."""
    scheme, _, rest = url.partition("://")
    return f"postgresql://{rest}" if scheme.startswith("postgres") else url
