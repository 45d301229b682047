"""Which revision the database's schema has, and which one this release needs; asked without what migrations need."""

import time
from pathlib import Path
from typing import NamedTuple

import psycopg2

from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated

# The table is not there, or the schema of it.
_NOT_THERE = ("42P01", "3F000")


class SchemaStatus(NamedTuple):
    """The schema's revision in the database (None: not there) and the one that this release needs."""

    found: str | None
    needed: str

    @property
    def current(self) -> bool:
        """Whether this release can work on the database.

        It can on a newer schema too: a migration leaves what the release before it needs, so that this one goes on
        while the next is rolled out, and after a rollback, which undoes no migration.
        """
        return self.found is not None and self.found >= self.needed

    @property
    def ahead(self) -> bool:
        """Whether a newer release has migrated the database."""
        return self.found is not None and self.found > self.needed


def migrations_folder() -> Path:
    """Return the folder of the migrations; it lies in the wheel's package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    return next(folder for folder in (package / "sql", package.parent / "sql") if (folder / "env.py").exists())


def required_revision() -> str:
    """Return the newest revision that this release knows: revisions are numbers of four digits, their files' names."""
    return max(path.name.partition("_")[0] for path in (migrations_folder() / "versions").glob("[0-9]*.py"))


def schema_status(url: str) -> SchemaStatus:
    """Compare the database's revision with this release's."""
    found: str | None = None
    try:
        with connect(url, "sentiment schema") as connection, connection, connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM sentiment.schema_version")
            row = cursor.fetchone()
            found = row[0] if row else None
    except DatabaseRefused as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg2.Error) or cause.pgcode not in _NOT_THERE:
            raise
    return SchemaStatus(found, required_revision())


def wait_for_schema(url: str, seconds: float, *, if_reachable: bool = False) -> SchemaStatus:
    """Wait until the database answers and its schema is current.

    Raises `SchemaOutdated`, or `DatabaseUnavailable`, when that has not come after `seconds`; `if_reachable` raises the
    latter at once, for who can go on without a database and only not with an old one.
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
