"""Queries on the quarantine: which files and rows were rejected, and why."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from sentiment_core.database.connection import Connection


class QuarantineEntry(NamedTuple):
    """A rejected row, or a file that was rejected as a whole (`line` is None)."""

    source_file_id: int
    key: str
    day: date
    line: int | None
    code: str
    reason: str
    raw: bytes | None
    resolved_by: int | None


class QuarantineGroup(NamedTuple):
    """The entries of a day, source and reason code."""

    day: date
    source: str
    code: str


class QuarantineFilter(NamedTuple):
    """Selection of quarantine entries. None means no restriction."""

    since: date | None = None
    until: date | None = None
    source: str | None = None
    code: str | None = None
    files: Sequence[int] = ()
    resolved: bool = False  # also entries that a replay has resolved
    groups: Sequence[QuarantineGroup] = ()  # entries of any of these groups

    def values(self) -> dict[str, object]:
        """Return the parameters of `_FROM`."""
        return self._asdict() | {"files": list(self.files)} | group_values(self.groups)


# Condition on the columns day, source and code: those of any group. Without groups it is true.
IN_GROUPS: Final = """(%(days)s::date[] = '{}' OR (day, source, code) IN (
    SELECT * FROM unnest(%(days)s::date[], %(sources)s::text[], %(codes)s::text[])))"""


def group_values(groups: Sequence[QuarantineGroup]) -> dict[str, object]:
    """Return the parameters of `IN_GROUPS`."""
    return {
        "days": [group.day for group in groups],
        "sources": [group.source for group in groups],
        "codes": [group.code for group in groups],
    }


_FROM = f"""
    FROM sentiment.quarantine
    WHERE (%(since)s::date IS NULL OR day >= %(since)s) AND (%(until)s::date IS NULL OR day <= %(until)s)
        AND (%(source)s::text IS NULL OR source = %(source)s) AND (%(code)s::text IS NULL OR code = %(code)s)
        AND (%(files)s::bigint[] = '{{}}' OR source_file_id = ANY (%(files)s)) AND (%(resolved)s OR NOT resolved)
        AND {IN_GROUPS}
"""


def entries(
    connection: Connection, choice: QuarantineFilter, limit: int | None = None
) -> tuple[list[QuarantineEntry], int]:
    """Return at most `limit` of the selected entries, ordered by file and line, and the number of all of them."""
    parameters = choice.values() | {"limit": limit}
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_FROM}", parameters)
        total = int(cursor.fetchone()[0])  # type: ignore[index]
        cursor.execute(
            f"SELECT source_file_id, key, day, line, code, reason, raw, resolved_by {_FROM}"
            " ORDER BY source_file_id, line NULLS FIRST LIMIT %(limit)s",
            parameters,
        )
        found = [QuarantineEntry(*row) for row in cursor]
        return [entry._replace(raw=None if entry.raw is None else bytes(entry.raw)) for entry in found], total


class FileToReplay(NamedTuple):
    """A file with unresolved entries in the quarantine."""

    source_file_id: int
    whole: bool  # the file was rejected as a whole, so the quarantine keeps none of its rows


def files_to_replay(connection: Connection, choice: QuarantineFilter) -> list[FileToReplay]:
    """Return the files of the selected unresolved entries, oldest first. Erased rows are never replayed."""
    parameters = choice._replace(resolved=False).values()
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT source_file_id, bool_or(line IS NULL) {_FROM} AND code <> 'erased'"
            " GROUP BY source_file_id ORDER BY source_file_id",
            parameters,
        )
        return [FileToReplay(*found) for found in cursor]
