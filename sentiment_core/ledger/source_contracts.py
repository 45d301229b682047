"""The contracts of sources in the database: the current one of each source, and its history.

Functions take a cursor, and the caller owns the transaction.
"""

import contextlib
from datetime import datetime
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import Json

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.drops.drop import DayTemplate
from sentiment_core.drops.source_contract import NO_CONTRACT, SourceContract, contract_of


class StoredContract(NamedTuple):
    """A version of the contract of a source. Version 0 is the empty contract of a source that has none."""

    source: str
    version: int
    contract: SourceContract
    note: str = ""
    set_by: str = ""
    set_at: datetime | None = None


_COLUMNS = "source, version, contract, note, set_by, set_at"


def current_contract(cursor: Cursor, source: str) -> StoredContract:
    """Return the newest contract of a source. Raises `ContractInvalid` when this release cannot read it."""
    found = history(cursor, source, limit=1)
    return found[0] if found else StoredContract(source, 0, NO_CONTRACT)


def current_contracts(cursor: Cursor) -> dict[str, StoredContract]:
    """Return the newest contract of each source that has one. Raises `ContractInvalid`."""
    cursor.execute(
        f"SELECT DISTINCT ON (source) {_COLUMNS} FROM sentiment.source_contract"  # noqa: S608 - constants
        " ORDER BY source, version DESC"
    )
    return {row[0]: _stored(*row) for row in cursor}


def day_templates(cursor: Cursor) -> dict[str, DayTemplate]:
    """Return how the keys of sources name their day, for each source whose contract says so.

    A contract that this release cannot read is left out: it must not stop the files of other sources. The files of its
    own source fail when they are loaded.
    """
    cursor.execute(
        "SELECT source, contract ->> 'day' FROM (SELECT DISTINCT ON (source) source, contract"
        " FROM sentiment.source_contract ORDER BY source, version DESC) newest WHERE contract ? 'day'"
    )
    found = {}
    for source, text in cursor:
        with contextlib.suppress(ValueError):
            found[source] = DayTemplate.parse(text)
    return found


def history(cursor: Cursor, source: str, limit: int | None = None) -> list[StoredContract]:
    """Return the versions of a source's contract, newest first. Raises `ContractInvalid`."""
    cursor.execute(
        f"SELECT {_COLUMNS} FROM sentiment.source_contract WHERE source = %s"  # noqa: S608 - constants
        " ORDER BY version DESC LIMIT %s",
        (source, limit),
    )
    return [_stored(*row) for row in cursor]


def lock_contract(cursor: Cursor, source: str) -> None:
    """Make other changes of a source's contract wait until the end of the transaction."""
    lock(cursor, AdvisoryLock.CONTRACT, source)  # a lock of the table would need more rights than INSERT


def has_files(cursor: Cursor, source: str) -> bool:
    """Return whether the ledger knows a file of a source."""
    cursor.execute("SELECT EXISTS (SELECT FROM sentiment.source_file WHERE source = %s)", (source,))
    return bool(cursor.fetchone()[0])  # type: ignore[index]


def store_contract(cursor: Cursor, source: str, contract: SourceContract, note: str, set_by: str) -> int:
    """Make a contract the current one of its source, and return its version."""
    lock_contract(cursor, source)
    cursor.execute(
        "INSERT INTO sentiment.source_contract (source, version, contract, note, set_by)"
        " SELECT %(source)s, 1 + coalesce(max(version), 0), %(contract)s, %(note)s, %(set_by)s"
        " FROM sentiment.source_contract WHERE source = %(source)s RETURNING version",
        {"source": source, "contract": Json(contract.document()), "note": note, "set_by": set_by},
    )
    return int(cursor.fetchone()[0])  # type: ignore[index]


def _stored(
    source: str, version: int, document: dict[str, Any], note: str, set_by: str, set_at: datetime
) -> StoredContract:
    # The document is complete: a preset that it names was read when it was set, so a later release cannot change it.
    contract = contract_of(document, f"source {source!r}, version {version}", resolved=True)
    return StoredContract(source, version, contract, note, set_by, set_at)
