"""Connections to PostgreSQL, and the schema's version."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg2
import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class, spelt small by psycopg2

from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated

__all__ = ["Connection", "SchemaStatus", "connect", "database_errors", "schema_status", "upgrade", "wait_for_schema"]

# SQLSTATE classes after which the same transaction can succeed later: 08 connection, 40 rollback (deadlock,
# serialization), 53 insufficient resources (disk full, too many connections), 55P03 lock timeout, 57 operator
# intervention, 58 system error. https://www.postgresql.org/docs/current/errcodes-appendix.html
TRANSIENT_STATES = ("08", "40", "53", "55P03", "57", "58")


class SchemaStatus(NamedTuple):
    """The schema's revision in the database (None: not there) and the one that this release needs."""

    found: str | None
    needed: str

    @property
    def current(self) -> bool:
        """Whether this release can work on the database."""
        return self.found == self.needed


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
def connect(url: str, application: str = "sentiment") -> Iterator[Connection]:
    """Open a connection for the length of the block; its errors become the project's own.

    The caller commits. Keepalives let either side notice within a minute that the other has vanished.
    Raises `DatabaseUnavailable` and `DatabaseRefused`.
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
        )
        try:
            yield connection
        finally:
            connection.close()


def libpq_url(url: str) -> str:
    """Return the URL without a SQLAlchemy driver name or Airflow's spelling of the scheme."""
    scheme, _, rest = url.partition("://")
    return f"postgresql://{rest}" if scheme.startswith("postgres") else url


def schema_status(url: str) -> SchemaStatus:
    """Compare the database's revision with this release's."""
    needed = ScriptDirectory.from_config(migrations()).get_current_head()
    with schema_connection(url) as connection:
        context = MigrationContext.configure(connection, opts=VERSION_TABLE)
        return SchemaStatus(context.get_current_revision(), str(needed))


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to a revision. Several processes may do so at once: one works, the others wait."""
    config = migrations()
    with schema_connection(url) as guard, schema_connection(url) as connection:
        # The lock of a transaction that stays open: one of a session would outlive it behind a pooler.
        guard.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('sentiment.upgrade', 0))")
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS sentiment")
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def wait_for_schema(url: str, seconds: float) -> SchemaStatus:
    """Wait until the database answers and its schema is current.

    Raises `SchemaOutdated`, or `DatabaseUnavailable`, when that has not come after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        last_try = time.monotonic() >= deadline
        try:
            status = schema_status(url)
            if status.current:
                return status
            if last_try:
                raise SchemaOutdated(found=status.found or "none", needed=status.needed)
        except DatabaseUnavailable:
            if last_try:
                raise
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))


VERSION_TABLE = {"version_table": "schema_version", "version_table_schema": "sentiment"}


def migrations() -> Config:
    """Return Alembic's configuration; the folder `sql` lies in the wheel's package, or beside it in a checkout."""
    package = Path(__file__).parent
    folder = next(folder for folder in (package / "sql", package.parent / "sql") if (folder / "env.py").exists())
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


def run_statements_beside(migration: str) -> None:
    """Run the .sql file that lies beside a migration's Python file, in its transaction."""
    statements = Path(migration).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own cursor: SQLAlchemy would read every % of the statements as a parameter.
    with closing(op.get_bind().connection.cursor()) as cursor:
        cursor.execute(statements)


@contextmanager
def schema_connection(url: str) -> Iterator[sqlalchemy.Connection]:
    """Open a SQLAlchemy connection, as Alembic wants it."""
    engine = sqlalchemy.create_engine(
        libpq_url(url).replace("postgresql://", "postgresql+psycopg2://", 1),
        poolclass=sqlalchemy.NullPool,
        connect_args={"connect_timeout": 10},
    )
    try:
        with database_errors(), engine.connect() as connection:
            yield connection
    except sqlalchemy.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg2.Error):
            raise
        with database_errors():
            raise error.orig from error
