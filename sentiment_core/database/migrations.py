"""Migrations: upgrade the schema to a revision."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg2
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from sentiment_core.database.advisory_locks import EXCLUSIVE, AdvisoryLock
from sentiment_core.database.connection import database_errors, libpq_url
from sentiment_core.database.schema import SchemaStatus, migrations_folder, required_revision
from sentiment_core.errors import IdsTooLong

# A row of a B-tree index has at most 2,704 bytes, of which the other columns need some. Release 0.2.0 and earlier
# stored longer ids; now the drop contract limits them to 1,000 bytes.
LONGEST_ID: Final = 2_600  # bytes
_INDEXED: Final = "0014"  # the last revision that indexes ids
_LONG_IDS: Final = """
    WITH long AS MATERIALIZED (
        SELECT source_file_id, line FROM sentiment.review
        WHERE octet_length(product_id) > %(limit)s OR octet_length(author_id) > %(limit)s)
    SELECT (SELECT count(*) FROM long), file.key, long.line
    FROM long JOIN sentiment.source_file file USING (source_file_id) ORDER BY source_file_id, line LIMIT 1
"""

# Reviews and scores of a range of days are joined month by month, and other months are not read. A dump of the database
# does not contain this setting.
JOIN_BY_MONTH = """
    DO $$
    BEGIN
        EXECUTE 'ALTER DATABASE ' || quote_ident(current_database()) || ' SET enable_partitionwise_join = on';
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'only the owner of the database can set enable_partitionwise_join';
    END
    $$
"""


def upgrade(url: str, revision: str = "head") -> None:
    """Upgrade the database to a revision. Of several concurrent callers, one works and the others wait.

    A schema that a newer release has migrated stays unchanged, because after a rollback this release works with it.
    Raises `IdsTooLong` before anything is changed.
    """
    config = migrations()
    with schema_connection(url) as guard, schema_connection(url) as connection:
        # An advisory lock of a transaction that stays open. Behind a pooler, a session lock would outlive the session.
        guard.exec_driver_sql(EXCLUSIVE, (AdvisoryLock.UPGRADE.value,))
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS sentiment")
        found = SchemaStatus(_revision(connection), required_revision())
        connection.commit()
        if found.ahead:
            return
        if found.found is not None and found.found < _INDEXED:
            _require_indexable_ids(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.exec_driver_sql(JOIN_BY_MONTH)
        connection.commit()


def _require_indexable_ids(connection: sqlalchemy.Connection) -> None:
    """Raise `IdsTooLong` if a stored review has an id that no index can hold."""
    found = connection.exec_driver_sql(_LONG_IDS, {"limit": LONGEST_ID}).fetchone()
    connection.commit()
    if found is not None:
        rows, key, line = found
        raise IdsTooLong(rows=rows, key=key, line=line, limit=LONGEST_ID)


def _revision(connection: sqlalchemy.Connection) -> str | None:
    version_table = {"version_table": "schema_version", "version_table_schema": "sentiment"}
    return MigrationContext.configure(connection, opts=version_table).get_current_revision()


def migrations() -> Config:
    """Return Alembic's configuration."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def schema_connection(url: str) -> Iterator[sqlalchemy.Connection]:
    """Open a SQLAlchemy connection for Alembic.

    Raises `DatabaseUnavailable` and `DatabaseRefused`.
    """
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
