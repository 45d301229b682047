"""Collect labelled reviews: CSV files below the training prefix, read by the drop contract, and user corrections."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name

from sentiment_core.columnar.columns import Values
from sentiment_core.database.connection import Connection
from sentiment_core.datasets.correction_votes import count_votes, read_votes
from sentiment_core.datasets.snapshot import Corrections, Days, Rejected, RejectedFile, Row, Source
from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import Header, RejectCode
from sentiment_core.drops.csv_records import read_records
from sentiment_core.drops.deduplication import Deduplicator, review_keys
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.storage import Storage
from sentiment_core.drops.validation import CheckedRows, Review, ReviewBatch, checked, require_good_rows
from sentiment_core.errors import FileRejected, ObjectChanged, TrainingDataInvalid
from sentiment_core.ledger.erasure import Erasures, IdFields
from sentiment_core.ledger.source_files import block_maintenance
from sentiment_core.settings import Settings
from sentiment_core.text.fingerprints import hash_text

if TYPE_CHECKING:
    from sentiment_core.params import Params

SNAPSHOTS: Final = "snapshots/"  # folder below the training prefix; its objects are not labelled files
_SHOWN: Final = 5  # maximum number of line numbers listed for each reason code


class LabelCode(StrEnum):
    """Reason codes for rejected rows and files of labelled reviews, in addition to those of `RejectCode`."""

    MISSING_LABEL = "missing_label"
    UNKNOWN_LABEL = "unknown_label"
    NO_LABEL_COLUMN = "no_label_column"


class Collected(NamedTuple):
    """Labelled rows without contradictions and duplicates, and the outcome counts of every row that was read."""

    rows: list[Row]
    group_column: str | None
    sources: tuple[Source, ...]
    rejected_files: tuple[RejectedFile, ...]
    corrections: Corrections


class _Columns(NamedTuple):
    label: str
    group: str
    spellings: dict[str, str]


@dataclass
class LabelledFile:
    """The labelled rows of one file, and counts of its duplicate and rejected rows."""

    drop: Drop
    source: str
    rows: list[Row] = field(default_factory=list)
    read: int = 0
    duplicates: int = 0
    rejected: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    grouped: bool = False
    sha256: str = ""

    def summary(self, ends: Counter[str]) -> Source:
        """Return the file's row counts by outcome. `ends` holds the outcome counts of the rows in `rows`."""
        return Source(
            bucket=self.drop.bucket,
            key=self.drop.key,
            version=self.drop.version_token,
            sha256=self.sha256,
            source=self.source,
            rows=self.read,
            taken=ends["taken"],
            duplicates=self.duplicates + ends["duplicates"],
            contradicting=ends["contradicting"],
            rejected={
                code: Rejected(rows=len(lines), lines=tuple(sorted(lines)[:_SHOWN]))
                for code, lines in sorted(self.rejected.items())
            },
        )


def collect(
    connection: Connection, cursor: Cursor, storage: Storage, settings: Settings, params: "Params", days: Days
) -> Collected:
    """Read all labelled files and corrections of the given days, in the caller's transaction.

    A row that violates the contract or has no known label is rejected alone. A file that cannot be read is rejected as
    a whole. Texts with two different labels are left out, and so are duplicates of a text within a group. The
    transaction blocks erasure and expiry until it ends.

    Raises `TrainingDataInvalid` when there is no labelled row or there are more than SENTIMENT_MAX_TRAINING_ROWS,
    `ObjectChanged` when a file is replaced during the read, `MaintenanceRuns` when an expiry or erasure runs
    longer than the lock timeout, and `StorageUnavailable` or `StorageRefused` when the object store fails.
    """
    block_maintenance(cursor, settings.lock_timeout_s)
    files: list[LabelledFile] = []
    rejected: list[RejectedFile] = []
    for drop in _listed(storage, settings, days):
        try:
            file = read_file(cursor, storage, drop, drop.source(settings.training_prefix), settings, params)
        except FileRejected as fault:
            if fault.details["reason"] == RejectCode.OBJECT_GONE:
                raise ObjectChanged(uri=drop.uri) from fault
            rejected.append(_rejected_file(drop, fault))
            continue
        files.append(file)
        _require_room(sum(len(each.rows) for each in files), settings)
    labels = _labels([row for file in files for row in file.rows])
    rows, sources = _settled(files, labels)
    votes = read_votes(connection, days)
    corrected, corrections = count_votes(votes, labels, params.data.labels, settings.max_text_bytes)
    _require_room(len(rows) + len(corrected), settings)
    if not rows and not corrected:
        where = f"s3://{settings.bucket}/{settings.training_prefix}"
        raise TrainingDataInvalid(
            why=f"no labelled row was found below {where}, where {len(sources)} files were read and {len(rejected)} "
            f"rejected, and none in the {corrections.corrections} corrections"
        )
    grouped = params.snapshot.group_column if any(file.grouped for file in files) else None
    return Collected(rows + corrected, grouped, tuple(sources), tuple(rejected), corrections)


def _listed(storage: Storage, settings: Settings, days: Days) -> list[Drop]:
    """Return the files sorted by key, so that the same files always come in the same order."""
    prefix = settings.training_prefix
    return sorted(
        drop
        for drop in storage.list(settings.bucket, prefix)
        # Some tools represent a folder by an object with a key that ends in a slash.
        if not drop.key.startswith(prefix + SNAPSHOTS) and not drop.key.endswith("/") and days.include(drop.day)
    )


def read_file(
    cursor: Cursor, storage: Storage, drop: Drop, source: str, settings: Settings, params: "Params"
) -> LabelledFile:
    """Read one labelled file as `collect` does. The review and author ids in it belong to `source`.

    Raises the errors of `collect`, and `FileRejected` when the file cannot be read, has no rows, has no label
    column or has too many rejected rows.
    """
    drop.require_day()
    columns = _Columns(params.data.label_column, params.snapshot.group_column, params.data.spellings)
    file = LabelledFile(drop, source)
    erasures = Erasures.read(cursor, settings, source)
    # Batch and row of the first occurrence of each review key. A duplicate is compared with it.
    places: dict[bytes, tuple[ReviewBatch, int]] = {}

    def earlier(keys: list[bytes]) -> dict[bytes, Review]:
        return {key: places[key][0].review(places[key][1]) for key in keys if key in places}

    deduplicator = Deduplicator(earlier)
    with storage.open(drop) as stored:
        body = Body(stored, drop, settings.max_expanded_bytes)
        blocks = read_records(body, body.delimiter, settings.block_bytes, settings.max_record_bytes, drop.uri)
        for rows in checked(blocks, settings, drop.uri):
            batch, refused = erasures.reject_erased(
                rows.batch, rows.rejected, IdFields.of(rows.header.names), body.delimiter
            )
            keys = review_keys(file.source, batch.review_id)
            deduplicated = deduplicator.deduplicate(batch, keys)
            for row, key in enumerate(keys.values()):
                if key is not None:
                    places.setdefault(key, (batch, row))
            file.read += rows.batch.size + len(rows.rejected)
            file.duplicates += deduplicated.duplicates
            for each in refused + deduplicated.rejected:
                file.rejected[each.code].append(each.line)
            _take(file, rows, batch.take(deduplicated.rows), columns)
            _require_room(len(file.rows), settings)
        file.sha256 = body.finish().hex()
    counts = {code: len(lines) for code, lines in file.rejected.items()}
    require_good_rows(file.read, counts, settings.max_rejected_ratio, drop.uri)
    return file


def _take(file: LabelledFile, rows: CheckedRows, batch: ReviewBatch, columns: _Columns) -> None:
    """Add the rows of a batch that have a known label. Raises `FileRejected` when there is no label column."""
    header = rows.header
    labels = _column(batch, header, columns.label)
    if labels is None:
        raise FileRejected(
            reason=LabelCode.NO_LABEL_COLUMN,
            why=f"{file.drop.uri} has the columns {', '.join(header.names)}; its labels must be in {columns.label}",
        )
    groups = _column(batch, header, columns.group)
    file.grouped |= groups is not None
    fields = zip(
        batch.text.texts(),
        labels,
        groups or [None] * batch.size,
        [batch.rating.value(row) for row in range(batch.size)],
        _texts(batch.language),
        batch.line.tolist(),
        _texts(batch.review_id),
        _texts(batch.author_id),
        strict=True,
    )
    for text, spelled, group, rating, language, line, review_id, author_id in fields:
        label = columns.spellings.get((spelled or "").lower())
        if label is None:
            code = LabelCode.MISSING_LABEL if spelled is None else LabelCode.UNKNOWN_LABEL
            file.rejected[code].append(line)
        else:
            file.rows.append(Row(text, label, group, rating, language, file.drop.key, line, review_id, author_id))


def _column(batch: ReviewBatch, header: Header, name: str) -> list[str | None] | None:
    """Return the column with this name, its values stripped of surrounding spaces, or None if the file lacks it."""
    number = header.field(name)
    return None if number is None else _texts(batch.block.column(batch.record, number).trimmed())


def _texts(values: Values) -> list[str | None]:
    return [None if value is None else value.decode() for value in values.values()]


def _labels(rows: list[Row]) -> dict[int, set[str]]:
    """Return the set of labels of each text, keyed by the text's hash."""
    labels: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        labels[hash_text(row.text)].add(row.label)
    return labels


def _settled(files: list[LabelledFile], labels: dict[int, set[str]]) -> tuple[list[Row], list[Source]]:
    """Drop texts with two labels and keep only the first of equal texts in a group; return kept rows and counts."""
    kept: dict[tuple[str, str | None], Row] = {}
    sources = []
    for file in files:
        ends: Counter[str] = Counter()
        for row in file.rows:
            if len(labels[hash_text(row.text)]) > 1:
                ends["contradicting"] += 1
            elif kept.setdefault((row.text, row.group), row) is row:
                ends["taken"] += 1
            else:
                ends["duplicates"] += 1
        sources.append(file.summary(ends))
    return list(kept.values()), sources


def _rejected_file(drop: Drop, fault: FileRejected) -> RejectedFile:
    return RejectedFile(
        bucket=drop.bucket,
        key=drop.key,
        version=drop.version_token,
        code=str(fault.details["reason"]),
        why=str(fault.details["why"]),
    )


def _require_room(rows: int, settings: Settings) -> None:
    if rows > settings.max_training_rows:
        raise TrainingDataInvalid(
            why=f"it has more than the {settings.max_training_rows:,} rows that SENTIMENT_MAX_TRAINING_ROWS allows; "
            "take fewer days"
        )
