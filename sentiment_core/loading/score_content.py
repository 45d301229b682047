"""Score a file that is in memory, such as one sent to the service. It is read as a load reads it; nothing is stored."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.header import Header
from sentiment_core.drops.recognition import read_body, records_of
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import RejectedRow, require_good_rows, validators
from sentiment_core.errors import FileRejected, TooManyColumns, TooManyRows
from sentiment_core.languages.detected_languages import DetectedLanguage, DetectedLanguages
from sentiment_core.model.scorer import Scorer, TextScore
from sentiment_core.settings import Settings

MAX_COLUMNS: Final = 1_000  # each costs time in every block, whatever the size of the file


class UsedColumn(NamedTuple):
    """A column of the file. `meaning` is `text`, the name of a known column, or None for any other column."""

    name: str
    meaning: str | None


class ScoredRow(NamedTuple):
    """A good row: its physical line, all its values, the text that was scored, its score, and its languages."""

    line: int
    cells: list[str]
    text: str
    scored: TextScore
    detected: DetectedLanguage
    language: str | None  # in the column `language`


class ScoredContent(NamedTuple):
    """The columns as they were understood, what to know about them, and all rows, in the order of the file."""

    columns: list[UsedColumn]
    warnings: list[str]
    rows: list[ScoredRow]
    rejected: list[RejectedRow]


def score_content(
    content: bytes,
    name: str,
    scorer: Scorer,
    settings: Settings,
    max_rows: int,
    stopped: Callable[[], bool] = lambda: False,
) -> ScoredContent:
    """Score the rows of a file. Its name decides only what its content does not say.

    `stopped` ends the work after a block. Raises `TooManyRows`, `TooManyColumns`, and `FileRejected` as a load does; if
    no text column is found, its details also have `columns`, the names that the file has.
    """
    drop = Drop("", name, "", None, datetime.now(UTC), len(content))
    rules = Rules(settings)
    columns: dict[str, UsedColumn] = {}
    warnings: dict[str, None] = {}
    rows: list[ScoredRow] = []
    rejected: list[RejectedRow] = []
    try:
        blocks = _bounded(read_body(_body(content, drop, settings), rules), name, max_rows)
        for _, validator, block in validators(blocks, Header, rules, drop.uri):
            header = validator.header
            # The JSON of `extra` is not needed, and repeats the names of the columns in every row.
            header.extra, header.unnamed = {}, []
            batch, faults = validator.validate(block)
            rejected += faults
            columns = columns | {each.name: each for each in _columns(header) if each.name not in columns}
            warnings |= dict.fromkeys(header.warnings)
            scores = scorer.score(batch.text)
            cells_of = {field: batch.block.column(batch.record, at).texts() for at, field in enumerate(header.names)}
            fields = [cells_of.get(field) or [""] * batch.size for field in columns]
            rows += (
                ScoredRow(line, list(cells), text, *found)
                for line, text, *found, cells in zip(
                    batch.line.tolist(),
                    batch.text.texts(),
                    scores.texts(),
                    DetectedLanguages.of(batch.text).texts(),
                    (None if value is None else value.decode() for value in batch.language.values()),
                    zip(*fields, strict=True),
                    strict=True,
                )
            )
            if stopped():
                break
    except FileRejected as fault:
        if fault.details["reason"] != RejectCode.NO_TEXT_COLUMN:
            raise
        raise FileRejected(**fault.details, columns=_names(content, drop, settings)) from fault
    codes = Counter(row.code for row in rejected)
    require_good_rows(len(rows) + len(rejected), codes, settings.max_rejected_ratio, name)
    # Rows before a column of a later JSON line have no value in it.
    for row in rows:
        row.cells.extend([""] * (len(columns) - len(row.cells)))
    return ScoredContent(list(columns.values()), list(warnings), rows, rejected)


def _bounded(blocks: Iterator[RecordBlock], name: str, max_rows: int) -> Iterator[RecordBlock]:
    """Yield the blocks of a file up to a number of rows and columns, which count before any row is checked."""
    left = max_rows
    for block in blocks:
        if block.has_header and (found := int(block.field_counts[0])) > MAX_COLUMNS:
            raise TooManyColumns(name=name, found=found, limit=MAX_COLUMNS)
        left -= block.size - block.has_header
        if left < 0:
            raise TooManyRows(name=name, limit=max_rows)
        yield block


def _body(content: bytes, drop: Drop, settings: Settings) -> Body:
    return Body(io.BytesIO(content), drop, settings.max_expanded_bytes)


def _columns(header: Header) -> list[UsedColumn]:
    meanings = {field: name for name, field in header.known.items()} | dict.fromkeys(header.parts, "text")
    return [UsedColumn(name, meanings.get(field)) for field, name in enumerate(header.names)]


def _names(content: bytes, drop: Drop, settings: Settings) -> list[str]:
    """Return the names of the columns, read with the first delimiter that gives more than one."""
    body = _body(content, drop, settings)
    sizes = settings.block_bytes, settings.max_record_bytes
    first = next(records_of(body, body.delimiter, lambda names: len(names) > 1, *sizes, drop.uri), None)
    return [] if first is None else [name.decode("utf-8", "replace").strip() for name in first.fields(0)]
