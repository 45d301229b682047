"""Connections to PostgreSQL, without the imports that only migrations need. They would cost the service 20 MB."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable

__all__ = ["Connection", "connect", "database_errors", "libpq_url"]

# SQLSTATE classes after which a retry of the same transaction can succeed: 08 connection, 40 rollback (deadlock,
# serialization), 53 insufficient resources (disk full, too many connections), 55P03 lock timeout, 57 operator
# intervention, 58 system error. https://www.postgresql.org/docs/current/errcodes-appendix.html
TRANSIENT_STATES = ("08", "40", "53", "55P03", "57", "58")


@contextmanager
def database_errors() -> Iterator[None]:
    """Convert psycopg2 errors to `DatabaseUnavailable` (retry) or `DatabaseRefused` (a retry cannot succeed)."""
    try:
        yield
    except psycopg2.Error as error:
        # The rollback on a lost connection fails too. The error before that one says how the connection was lost.
        before = error.__context__ if isinstance(error, psycopg2.InterfaceError) else None
        reported = before if isinstance(before, psycopg2.Error) else error
        why = " ".join(str(reported).split()) or type(reported).__name__
        state = error.pgcode or ""
        lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and not state
        if lost or state.startswith(TRANSIENT_STATES):
            raise DatabaseUnavailable(why=why) from error
        raise DatabaseRefused(why=why) from error


@contextmanager
def connect(url: str, application: str = "sentiment", *, unanswered_s: float | None = None) -> Iterator[Connection]:
    """Open a connection for the duration of the block, and convert its errors to the project's errors.

    The caller commits. While the connection is idle, keepalives let either side detect within a minute that the other
    is gone. Sent data that is not acknowledged counts as lost after `unanswered_s` seconds, or by default after the
    operating system's limit of about 15 minutes. Raises `DatabaseUnavailable` and `DatabaseRefused`.
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
    """Return the URL with the scheme `postgresql`, without a SQLAlchemy driver name or Airflow's scheme spelling."""
    scheme, _, rest = url.partition("://")
    return f"postgresql://{rest}" if scheme.startswith("postgres") else url
