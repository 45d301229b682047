"""Collect labelled reviews: CSV files below the training prefix, user corrections, and rated reviews."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name

from sentiment_core.columnar.missing_texts import MissingTexts
from sentiment_core.database.connection import Connection
from sentiment_core.datasets.correction_votes import count_votes, read_votes
from sentiment_core.datasets.labelled_csv import Columns, LabelledFile, read_file
from sentiment_core.datasets.snapshot import Corrections, Days, Rejected, RejectedFile, Row, Source
from sentiment_core.datasets.star_labels import starred_rows
from sentiment_core.datasets.star_summary import Stars
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.deduplication import Deduplicator, review_keys
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.drops.validation import CheckedRows, RejectedRow, Review, ReviewBatch
from sentiment_core.errors import FileRejected, ObjectChanged, TrainingDataInvalid
from sentiment_core.ledger.erasure import Erasures, IdFields
from sentiment_core.ledger.source_files import block_maintenance
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from sentiment_core.text.fingerprints import hash_text

if TYPE_CHECKING:
    from sentiment_core.params import Params

SNAPSHOTS: Final = "snapshots/"  # folder below the training prefix; its objects are not labelled files
_MAX_SHOWN: Final = 5  # line numbers listed for each reason code


class Collected(NamedTuple):
    """Labelled rows without contradictions and duplicates, and the outcome counts of every row that was read."""

    rows: list[Row]
    group_column: str | None
    sources: tuple[Source, ...]
    rejected_files: tuple[RejectedFile, ...]
    corrections: Corrections
    stars: Stars | None = None  # None if they were not requested


@dataclass
class CollectedFile:
    """A labelled file below the training prefix, and the count of its rows that repeat a review id."""

    file: LabelledFile
    source: str
    duplicates: int

    def summary(self, ends: Counter[str]) -> Source:
        """Return the file's row counts by outcome. `ends` holds the outcome counts of its good rows."""
        file = self.file
        return Source(
            bucket=file.drop.bucket,
            key=file.drop.key,
            version=file.drop.version_token,
            sha256=file.sha256,
            source=self.source,
            rows=file.read,
            taken=ends["taken"],
            duplicates=self.duplicates + ends["duplicates"],
            contradicting=ends["contradicting"],
            rejected={
                code: Rejected(rows=len(lines), lines=tuple(sorted(lines)[:_MAX_SHOWN]))
                for code, lines in sorted(file.rejected.items())
            },
        )


def collect(
    connection: Connection,
    cursor: Cursor,
    storage: Storage,
    settings: Settings,
    params: "Params",
    days: Days,
    judge: Scorer | None = None,
) -> Collected:
    """Read all labelled files and corrections of the given days, in the caller's transaction.

    If the configuration enables stars, stored reviews with a rating follow (`star_labels.py`). `judge` is the model
    that marks suspicious ones.

    A row that violates the contract or has no known label is rejected alone. A file that cannot be read is rejected as
    a whole. Texts with two different labels are left out, and so are duplicates of a text within a group. The
    transaction blocks erasure and expiry until it ends.

    Raises `TrainingDataInvalid` when there is no labelled row or there are more than SENTIMENT_MAX_TRAINING_ROWS,
    `ObjectChanged` when a file is replaced during the read, `MaintenanceRuns` when an expiry or erasure runs
    longer than the lock timeout, and `StorageUnavailable` or `StorageRefused` when the object store fails.
    """
    block_maintenance(cursor, settings.lock_timeout_s)
    files: list[CollectedFile] = []
    rejected: list[RejectedFile] = []
    for drop in _listed(storage, settings, days):
        try:
            source = drop.source(settings.training_prefix)
            file = collect_file(cursor, storage, drop, source, Rules(settings), params)
        except FileRejected as fault:
            if fault.details["reason"] == RejectCode.OBJECT_GONE:
                raise ObjectChanged(uri=drop.uri) from fault
            rejected.append(_rejected_file(drop, fault))
            continue
        files.append(file)
        _require_room(settings, sum(len(each.file.rows) for each in files))
    labels = _labels([row for file in files for row in file.file.rows])
    rows, sources = _settled(files, labels)
    votes = read_votes(connection, days)
    missing = MissingTexts(settings.null_words)
    corrected, corrections = count_votes(votes, labels, params.data.labels, settings.max_text_bytes, missing)
    human = rows + corrected
    starred, stars = None, None
    if params.stars.enabled:
        hashes = {*labels, *(hash_text(row.text) for row in corrected)}
        starred, stars = starred_rows(connection, cursor, params, days, hashes, judge)
    _require_room(settings, len(human) + len(starred or ()))
    if not human and not starred:
        where = f"s3://{settings.bucket}/{settings.training_prefix}"
        raise TrainingDataInvalid(
            why=f"there are no labelled rows in the {len(sources)} files below {where} ({len(rejected)} more were "
            f"rejected) or in the {corrections.corrections} corrections{stars.outcome if stars else ''}. Add labelled "
            "files"
        )
    grouped = any(file.file.grouped for file in files) or any(row.group is not None for row in starred or ())
    column = params.snapshot.group_column if grouped else None
    return Collected([*human, *(starred or ())], column, tuple(sources), tuple(rejected), corrections, stars)


def _listed(storage: Storage, settings: Settings, days: Days) -> list[Drop]:
    """Return the files sorted by key, so that the same files always come in the same order."""
    prefix = settings.training_prefix
    return sorted(
        drop
        for drop in storage.list(settings.bucket, prefix)
        # Some tools represent a folder by an object with a key that ends in a slash.
        if not drop.key.startswith(prefix + SNAPSHOTS) and not drop.key.endswith("/") and days.include(drop.day())
    )


def collect_file(
    cursor: Cursor, storage: Storage, drop: Drop, source: str, rules: Rules, params: "Params"
) -> CollectedFile:
    """Read one labelled file as `collect` does. The review and author ids in it belong to `source`.

    Rows that were erased are rejected, and so are rows that repeat a review id with other fields.

    Raises the errors of `collect` and of `read_file`.
    """
    drop.require_day()
    columns = Columns(params.data.label_column, params.snapshot.group_column, params.data.spellings)
    settings = rules.settings
    erasures = Erasures.read(cursor, settings, source)
    # Batch and row of the first occurrence of each review key. A duplicate is compared with it.
    places: dict[bytes, tuple[ReviewBatch, int]] = {}
    duplicates = 0

    def earlier(keys: list[bytes]) -> dict[bytes, Review]:
        return {key: places[key][0].review(places[key][1]) for key in keys if key in places}

    deduplicator = Deduplicator(earlier)

    def admit(rows: CheckedRows) -> tuple[ReviewBatch, list[RejectedRow]]:
        nonlocal duplicates
        ids = IdFields.of(rows.header.names, rules.contract)
        batch, rejected = erasures.reject_erased(rows.batch, rows.rejected, ids)
        keys = review_keys(source, batch.review_id)
        deduplicated = deduplicator.deduplicate(batch, keys)
        for row, key in enumerate(keys.values()):
            if key is not None:
                places.setdefault(key, (batch, row))
        duplicates += deduplicated.duplicates
        return batch.take(deduplicated.rows), rejected + deduplicated.rejected

    file = read_file(
        storage, drop, columns, rules, settings.max_rejected_ratio, admit, partial(_require_room, settings)
    )
    return CollectedFile(file, source, duplicates)


def _labels(rows: list[Row]) -> dict[int, frozenset[str]]:
    """Return the set of labels of each text, keyed by the text's hash. Equal sets are one object."""
    sets: dict[frozenset[str], frozenset[str]] = {}
    labels: dict[int, frozenset[str]] = {}
    for row in rows:
        hashed = hash_text(row.text)
        found = labels.get(hashed, frozenset()) | {row.label}
        labels[hashed] = sets.setdefault(found, found)
    return labels


def _settled(files: list[CollectedFile], labels: dict[int, frozenset[str]]) -> tuple[list[Row], list[Source]]:
    """Drop texts with two labels and keep only the first of equal texts in a group; return kept rows and counts."""
    kept: dict[tuple[str, str | None], Row] = {}
    sources = []
    for file in files:
        ends: Counter[str] = Counter()
        for row in file.file.rows:
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


def _require_room(settings: Settings, rows: int) -> None:
    if rows > settings.max_training_rows:
        raise TrainingDataInvalid(
            why=f"it has more rows than SENTIMENT_MAX_TRAINING_ROWS ({settings.max_training_rows:,}). Choose fewer days"
        )
