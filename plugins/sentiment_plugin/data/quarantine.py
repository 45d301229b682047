"""Read the quarantine: unresolved rejected rows and files by source, reason code and day, and the first of them."""

from datetime import date
from typing import NamedTuple

from sentiment_core.ledger.quarantine import IN_GROUPS, QuarantineGroup, group_values
from sentiment_plugin.data.raw_text import shown
from sentiment_plugin.database import reading

MOST_GROUPS = 200
FIRST_ROWS = 20
RAW_BYTES = 400


class Choice(NamedTuple):
    """The entries to show: of files of these days, of a source, with a code. None sets no condition."""

    since: date | None
    until: date | None
    source: str | None
    code: str | None
    groups: tuple[QuarantineGroup, ...] = ()  # entries of any of these groups


class Group(NamedTuple):
    """Entries of a day, source and code. `whole` are the files that were rejected as a whole."""

    day: date
    source: str
    code: str
    files: int
    rows: int
    whole: int


class Entry(NamedTuple):
    """A rejected row, or a whole file (`line` is None). `text` is safe to show; None for a file or an erased row."""

    source_file_id: int
    key: str
    line: int | None
    code: str
    reason: str
    text: str | None


class Content(NamedTuple):
    """Groups, newest days first, and the first entries. The totals are those of all groups, also of hidden ones.

    `erased` rows are part of the totals; they can never be replayed.
    """

    groups: list[Group]
    hidden_groups: int
    files: int
    rows: int
    whole: int
    erased: int
    entries: list[Entry]
    codes: list[str]


# The files come first, so that the index of their days bounds the work. The inner query is the view
# `sentiment.quarantine` without its resolved rows.
_CHOSEN = """
    WITH file AS MATERIALIZED (
        SELECT source_file_id, day, source, key, status, reject_code, reject_reason FROM sentiment.source_file
        WHERE (%(since)s::date IS NULL OR day >= %(since)s) AND (%(until)s::date IS NULL OR day <= %(until)s)
          AND (%(source)s::text IS NULL OR source = %(source)s)
    ), entry AS (
        SELECT day, source, key, source_file_id, line, code, reason, raw
        FROM file JOIN sentiment.rejected_row USING (source_file_id) WHERE resolved_by IS NULL
        UNION ALL
        SELECT day, source, key, source_file_id, NULL, reject_code, reject_reason, NULL FROM file
        WHERE status = 'rejected'
    )
"""
_MATCHING = f"FROM entry WHERE (%(code)s::text IS NULL OR code = %(code)s) AND {IN_GROUPS}"
GROUPS = f"""
    {_CHOSEN}
    SELECT day, source, code, count(DISTINCT source_file_id), count(line), count(*) FILTER (WHERE line IS NULL)
    {_MATCHING}
    GROUP BY day, source, code ORDER BY day DESC, source, code
"""
FILES = f"""
    {_CHOSEN}
    SELECT count(DISTINCT source_file_id) {_MATCHING}
"""
ENTRIES = f"""
    {_CHOSEN}
    SELECT source_file_id, key, line, code, reason, substr(raw, 1, %(bytes)s), octet_length(raw)
    {_MATCHING}
    ORDER BY day DESC, source_file_id DESC, line NULLS FIRST LIMIT %(limit)s
"""


def read(url: str, choice: Choice) -> Content:
    """Return the chosen part of the quarantine. Raises the errors of `reading`."""
    values = _values(choice) | {"limit": FIRST_ROWS, "bytes": RAW_BYTES}
    with reading(url) as cursor:
        cursor.execute(GROUPS, values)
        groups = [Group(*row) for row in cursor]
        cursor.execute(FILES, values)
        ((files,),) = cursor.fetchall()
        cursor.execute(ENTRIES, values)
        entries = [
            Entry(number, key, line, code, reason, None if raw is None else shown(bytes(raw), length))
            for number, key, line, code, reason, raw, length in cursor
        ]
    return Content(
        groups[:MOST_GROUPS],
        len(groups[MOST_GROUPS:]),
        files,
        sum(group.rows for group in groups),
        sum(group.whole for group in groups),
        sum(group.rows for group in groups if group.code == "erased"),
        entries,
        sorted({group.code for group in groups}),
    )


def _values(choice: Choice) -> dict[str, object]:
    """Return the parameters of a choice. The days of its groups also bound the files that are read."""
    if choice.groups:
        days = [group.day for group in choice.groups]
        choice = choice._replace(since=min(days), until=max(days))
    return choice._asdict() | group_values(choice.groups)
