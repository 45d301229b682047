"""PostgreSQL: connections (see `connecting`), and the schema's version."""

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

from sentiment_core.connecting import Connection, connect, database_errors, libpq_url
from sentiment_core.errors import DatabaseUnavailable, SchemaOutdated

__all__ = ["Connection", "SchemaStatus", "connect", "database_errors", "schema_status", "upgrade", "wait_for_schema"]


class SchemaStatus(NamedTuple):
    """The schema's revision in the database (None: not there) and the one that this release needs."""

    found: str | None
    needed: str

    @property
    def current(self) -> bool:
        """Whether this release can work on the database."""
        return self.found == self.needed


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
