"""The only reader of labelled CSV files: for training, evaluation, experiments, the gate, snapshots and label imports.

A labelled file follows the drop contract (`drops/contract.py`) and has a label column. Its name ends in `.csv` or
`.tsv`, optionally followed by `.gz`, `.zst` or `.xz`. A blank line is not a row.

The rule for a bad row is the same for all callers. A bad row is never used, changed or skipped silently: it is
rejected with its line, a reason code and a reason. A row is bad if

- the text is empty, has only spaces or is a word of SENTIMENT_NULL_WORDS (`missing_text`), or is too long
  (`text_too_long`),
- the label is empty or such a word (`missing_label`) or no spelling in `params.yaml` matches it (`unknown_label`),
- the number of fields differs from the header (`column_count`),
- a byte is not UTF-8 (`invalid_utf8`) or is NUL (`nul_byte`),
- the rating or time cannot be parsed and SENTIMENT_BAD_VALUES is `reject` (`invalid_rating`, `invalid_reviewed_at`).

Callers differ in one parameter, the maximum ratio of rejected rows. Files that a user names for training, evaluation
or an experiment allow none. Snapshots and label imports allow SENTIMENT_MAX_REJECTED_RATIO, and report the counts and
first lines of the rows that they leave out. The error for a file above the maximum names the file and the first lines.
"""

import heapq
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from sentiment_core.columnar.columns import BytesColumn, packed_words
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.snapshot import Row
from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop, local_drop
from sentiment_core.drops.header import Header
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.source_contract import NO_CONTRACT, Rules, SourceContract
from sentiment_core.drops.storage import Storage
from sentiment_core.drops.validation import CheckedRows, RejectedRow, ReviewBatch, checked
from sentiment_core.errors import FileRejected, TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.params import DataParams
from sentiment_core.settings import settings

_MAX_SHOWN: Final = 5  # bad rows listed in an error
_MAX_SHARED: Final = 100_000
_MAX_SHOWN_CHARACTERS: Final = 60  # characters of a label or text in an error


class LabelCode(StrEnum):
    """Reason codes for rejected rows and files of labelled reviews, in addition to those of `RejectCode`."""

    MISSING_LABEL = "missing_label"
    UNKNOWN_LABEL = "unknown_label"
    NO_LABEL_COLUMN = "no_label_column"
    NO_GROUP_COLUMN = "no_group_column"


class Columns(NamedTuple):
    """The columns to read in addition to those of the drop contract."""

    label: str | None  # None for reviews without labels; the label of each row is then ""
    group: str | None
    spellings: Mapping[str, str]  # label of each accepted spelling, in lower case
    group_required: bool = False


class BadRow(NamedTuple):
    """A rejected row: its physical line, the reason code and the reason."""

    line: int
    code: str
    reason: str


@dataclass
class LabelledFile:
    """The rows of one file, and what was rejected."""

    drop: Drop
    rows: list[Row] = field(default_factory=list)
    read: int = 0  # all rows of the file
    rejected: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # lines by reason code
    first_bad: list[BadRow] = field(default_factory=list)  # the first by line, at most _MAX_SHOWN
    grouped: bool = False  # whether the file has the group column
    sha256: str = ""  # of the object as stored
    shared: dict[str, str] = field(default_factory=dict)  # the first distinct groups and languages

    def share(self, value: str | None) -> str | None:
        """Return the same object for equal values, so that a long group name of many rows takes its memory once."""
        if value is None or len(self.shared) >= _MAX_SHARED:
            return self.shared.get(value, value) if value else value
        return self.shared.setdefault(value, value)

    def reject(self, bad: Iterable[BadRow]) -> None:
        """Record rejected rows."""
        found = list(bad)
        for row in found:
            self.rejected[row.code].append(row.line)
        self.first_bad = heapq.nsmallest(_MAX_SHOWN, self.first_bad + found)

    def require_good_rows(self, max_rejected_ratio: float) -> None:
        """Raise `FileRejected` when the file has no rows, or when its ratio of rejected rows exceeds the maximum."""
        if self.read == 0:
            raise FileRejected(
                reason=RejectCode.NO_ROWS,
                why=f"{self.drop.uri} has a header and no rows. Add rows to it, or leave the file out",
            )
        bad = sum(map(len, self.rejected.values()))
        if bad > max_rejected_ratio * self.read:
            listed = "; ".join(f"line {row.line}: {row.reason} ({row.code})" for row in self.first_bad)
            more = f"; and {bad - len(self.first_bad):,} more" if bad > len(self.first_bad) else ""
            raise FileRejected(
                reason=RejectCode.TOO_MANY_REJECTED,
                why=f"{self.drop.uri} has {bad:,} bad rows of {self.read:,}, and the maximum ratio is "
                f"{max_rejected_ratio:g}. {listed}{more}. Correct or delete these rows",
            )


# Select rows of a block by rules other than those above, and return the selected and the rejected rows.
Admit = Callable[[CheckedRows], tuple[ReviewBatch, list[RejectedRow]]]


def admit_all(rows: CheckedRows) -> tuple[ReviewBatch, list[RejectedRow]]:
    """Admit every row that follows the contract."""
    return rows.batch, rows.rejected


def read_file(
    storage: Storage,
    drop: Drop,
    columns: Columns,
    rules: Rules,
    max_rejected_ratio: float,
    admit: Admit = admit_all,
    limit: Callable[[int], None] = lambda _: None,
    take: Callable[[list[Row]], None] | None = None,
) -> LabelledFile:
    """Read one labelled file. `limit` is called with the number of good rows after each block and may raise.

    `take` is called with the good rows of each block. Without it they are kept in the result.

    Raises `FileRejected` when the file cannot be read, has no rows, lacks a column or has too many rejected rows,
    `ObjectChanged` when it is replaced during the read, and the storage errors.
    """
    file = LabelledFile(drop)
    take = take or file.rows.extend
    good = 0
    with storage.open(drop) as stored:
        body = Body(stored, drop, rules.settings.max_expanded_bytes)
        for rows in checked(read_body(body, rules), rules, drop.uri):
            batch, rejected = admit(rows)
            file.read += rows.batch.size + len(rows.rejected)
            file.reject(BadRow(row.line, row.code, row.reason) for row in rejected)
            labelled = _labelled(file, rows.header, batch, columns, rules.null_words)
            good += len(labelled)
            take(labelled)
            limit(good)
        file.sha256 = body.finish().hex()
    file.require_good_rows(max_rejected_ratio)
    return file


def read_labelled(
    files: Sequence[Path | Drop],
    params: DataParams,
    group_column: str | None = None,
    storage: Storage | None = None,
    contract: SourceContract = NO_CONTRACT,
    *,
    every_label: bool = True,
) -> LabelledReviews:
    """Read labelled reviews from files in which no row is bad.

    A `Path` is a local file. `storage` opens the drops. `contract` says how all files are read. A row with an empty
    group forms a separate group. With `every_label`, each label of the configuration must occur.

    Raises `TrainingDataInvalid` when a file cannot be read or has a bad row, when a required label does not occur, or
    when a text has two labels. Raises `ObjectChanged` and the storage errors for drops.
    """
    columns = Columns(params.label_column, group_column, params.spellings, group_required=True)
    rows = _Rows()
    for file in files:
        _read_strictly(file, columns, storage, contract, rows.take)
    reviews = rows.reviews()
    counts = reviews.rows
    if every_label and (missing := [label for label in params.labels if label not in counts]):
        found = ", ".join(f"{count} {label}" for label, count in counts.items())
        raise TrainingDataInvalid(
            why=f"the label column {params.label_column!r} must contain {' and '.join(params.labels)}. It has no "
            f"{' and no '.join(missing)} rows, and {found} rows. Add rows of the missing labels"
        )
    _require_one_label_per_text(rows.with_several_labels())
    return reviews


def read_texts(
    files: Sequence[Path | Drop], storage: Storage | None = None, contract: SourceContract = NO_CONTRACT
) -> list[str]:
    """Read the texts of files without labels. The rule for bad rows and the errors are those of `read_labelled`."""
    texts: list[str] = []
    for file in files:
        _read_strictly(
            file, Columns(None, None, {}), storage, contract, lambda rows: texts.extend(row.text for row in rows)
        )
    return texts


class _Rows:
    """Rows of labelled files as columns, which take less memory than tuples."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._groups: list[str | None] = []
        self._labels = array("b")
        self._ratings = array("d")
        self._lines = array("q")
        self._keys: list[str | None] = []

    def take(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        self._texts += [row.text for row in rows]
        self._groups += [row.group for row in rows]
        self._keys += [row.key for row in rows]
        self._labels.extend(LABELS.index(row.label) for row in rows)
        self._ratings.extend(np.nan if row.rating is None else row.rating for row in rows)
        self._lines.extend(row.line for row in rows)

    def reviews(self) -> LabelledReviews:
        """Return the rows as reviews. Each row without a group forms a separate group."""
        ratings = np.array(self._ratings, np.float64)
        grouped = any(group is not None for group in self._groups)
        return LabelledReviews(
            self._texts,
            np.array(self._labels, np.int8),
            [text if group is None else group for text, group in zip(self._texts, self._groups, strict=True)]
            if grouped
            else self._texts,
            None if np.isnan(ratings).all() else ratings,
        )

    def with_several_labels(self) -> list[Row]:
        """Return all rows of the texts that have several labels, and perhaps others, in order."""
        if not self._texts:
            return []
        labels = np.array(self._labels, np.int8)
        _, numbers = np.unique(np.fromiter(map(hash, self._texts), np.int64, len(labels)), return_inverse=True)
        least, most = np.full(numbers.max() + 1, len(LABELS), np.int8), np.full(numbers.max() + 1, -1, np.int8)
        np.minimum.at(least, numbers, labels)
        np.maximum.at(most, numbers, labels)
        chosen = np.flatnonzero((least < most)[numbers]).tolist()
        return [self._row(row) for row in chosen]

    def _row(self, row: int) -> Row:
        label, key, line = LABELS[self._labels[row]], self._keys[row], self._lines[row]
        return Row(self._texts[row], label, None, None, None, key, line, None, None)


def _read_strictly(
    file: Path | Drop,
    columns: Columns,
    storage: Storage | None,
    contract: SourceContract,
    take: Callable[[list[Row]], None],
) -> None:
    try:
        drop = local_drop(file) if isinstance(file, Path) else file
        rules = Rules(settings(), contract)
        read_file(storage or Storage(None), drop, columns, rules, max_rejected_ratio=0, take=take)
    except FileRejected as fault:
        raise TrainingDataInvalid(why=fault.details["why"]) from fault
    except OSError as error:
        raise TrainingDataInvalid(
            why=f"{file} cannot be read: {error.strerror}. Check the path and its rights"
        ) from error


def _labelled(
    file: LabelledFile, header: Header, batch: ReviewBatch, columns: Columns, null_words: Sequence[str]
) -> list[Row]:
    """Return the rows of a batch that have a known label, and reject the others."""
    labels = None
    if columns.label is not None:
        spelled = [word for word in null_words if word.lower() not in columns.spellings]
        labels = _column(batch, header, columns.label, spelled)
        if labels is None:
            raise _column_missing(file.drop, header, LabelCode.NO_LABEL_COLUMN, "label", columns.label)
    groups = None if columns.group is None else _column(batch, header, columns.group, null_words)
    if columns.group is not None and groups is None and columns.group_required:
        raise _column_missing(file.drop, header, LabelCode.NO_GROUP_COLUMN, "group", columns.group)
    file.grouped |= groups is not None
    bad, good = [], []
    fields = zip(
        batch.text.texts(),
        [""] * batch.size if labels is None else labels,
        groups or [None] * batch.size,
        [batch.rating.value(row) for row in range(batch.size)],
        _texts(batch.language),
        batch.line.tolist(),
        _texts(batch.review_id),
        _texts(batch.author_id),
        strict=True,
    )
    for text, spelling, group, rating, language, line, review_id, author_id in fields:
        label = "" if labels is None else columns.spellings.get((spelling or "").lower())
        if label is None:
            bad.append(_bad_label(line, spelling, columns))
        else:
            names = file.share(group), rating, file.share(language)
            good.append(Row(text, label, *names, file.drop.key, line, review_id, author_id))
    file.reject(bad)
    return good


def _bad_label(line: int, spelling: str | None, columns: Columns) -> BadRow:
    if spelling is None:
        return BadRow(line, LabelCode.MISSING_LABEL, f"column {columns.label} is empty")
    known = ", ".join(sorted(columns.spellings))
    reason = f"column {columns.label} has the label {spelling[:_MAX_SHOWN_CHARACTERS]!r}, known labels are {known}"
    return BadRow(line, LabelCode.UNKNOWN_LABEL, reason)


def _column_missing(drop: Drop, header: Header, code: LabelCode, role: str, name: str) -> FileRejected:
    return FileRejected(
        reason=code,
        why=f"{drop.uri} has no {role} column {name!r}. Its columns are {', '.join(header.names)}. Rename one of "
        "them, or name another column",
    )


def _column(batch: ReviewBatch, header: Header, name: str, null_words: Sequence[str]) -> list[str | None] | None:
    """Return the column with this name, or None if the file lacks it. Blanks and null words are None."""
    number = header.field(name)
    if number is None:
        return None
    return _texts(batch.block.column(batch.record, number).trimmed().without(packed_words(null_words)))


def _texts(values: BytesColumn) -> list[str | None]:
    return [None if value is None else value.decode() for value in values.values()]


def _require_one_label_per_text(rows: Sequence[Row]) -> None:
    """Raise `TrainingDataInvalid` when equal texts have different labels. The error names two of the rows."""
    first: dict[str, Row] = {}
    contradicting: dict[str, Row] = {}
    for row in rows:
        if first.setdefault(row.text, row).label != row.label:
            contradicting.setdefault(row.text, row)
    if not contradicting:
        return
    count = sum(each for text, each in Counter(row.text for row in rows).items() if text in contradicting)
    text, other = min(contradicting.items(), key=lambda found: len(found[0]))
    one = first[text]
    raise TrainingDataInvalid(
        why=f"{len(contradicting)} texts, in {count} rows, have more than one label. The text that begins "
        f"{text[:_MAX_SHOWN_CHARACTERS]!r} is {one.label} on line {one.line} of {one.key}, and {other.label} on line "
        f"{other.line} of {other.key}. Keep one label for each text"
    )
