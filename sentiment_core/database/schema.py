"""The schema revision of the database, and the revision that this release needs. Does not import Alembic."""

import time
from pathlib import Path
from typing import NamedTuple

import psycopg2

from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated

# SQLSTATE: the table is missing, or its schema is.
_MISSING_STATES = ("42P01", "3F000")


class SchemaStatus(NamedTuple):
    """The schema revision in the database (None if there is none), and the revision that this release needs."""

    found: str | None
    needed: str

    @property
    def current(self) -> bool:
        """Return whether this release can work with the database.

        It can work with a newer schema too: a migration keeps everything that the previous release needs. So this
        release continues to work during the rolling restart of the next one, and after a rollback, which does not
        revert migrations.
        """
        return self.found is not None and self.found >= self.needed

    @property
    def ahead(self) -> bool:
        """Return whether a newer release has migrated the database."""
        return self.found is not None and self.found > self.needed


def migrations_folder() -> Path:
    """Return the folder of the migrations. It is inside the package in a wheel, and next to it in a checkout."""
    package = Path(__file__).parent.parent
    return next(folder for folder in (package / "sql", package.parent / "sql") if (folder / "env.py").exists())


def required_revision() -> str:
    """Return the newest revision that this release knows. A revision is the four-digit number in the file name."""
    return max(path.name.partition("_")[0] for path in (migrations_folder() / "versions").glob("[0-9]*.py"))


def schema_status(url: str) -> SchemaStatus:
    """Compare the revision of the database with that of this release.

    Raises `DatabaseUnavailable` and `DatabaseRefused`.
    """
    found: str | None = None
    try:
        with connect(url, "sentiment schema") as connection, connection, connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM sentiment.schema_version")
            row = cursor.fetchone()
            found = row[0] if row else None
    except DatabaseRefused as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg2.Error) or cause.pgcode not in _MISSING_STATES:
            raise
    return SchemaStatus(found, required_revision())


def wait_for_schema(url: str, seconds: float, *, if_reachable: bool = False) -> SchemaStatus:
    """Wait until the database answers and its schema is current.

    Raises `SchemaOutdated` or `DatabaseUnavailable` when this has not happened after `seconds`. With `if_reachable`,
    `DatabaseUnavailable` is raised immediately, for callers that can run without a database but not with an old schema.
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
            if last_try or if_reachable:
                raise
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))
