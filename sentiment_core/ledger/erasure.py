"""Erase one review, or all reviews of an author, on request, and prevent later loads from storing them again.

The erased ids are kept as HMAC-SHA256 (RFC 2104) with a secret key of the installation. A reader of the table learns no
id, but a load recognizes an erased id in a file.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Literal, NamedTuple, Self

import numpy as np
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.database.connection import Connection
from sentiment_core.drops.body import file_format
from sentiment_core.drops.column_names import fold, position
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, scan
from sentiment_core.drops.deduplication import review_key
from sentiment_core.drops.json_records import fields_of, words_of
from sentiment_core.drops.raw_rows import raw_header
from sentiment_core.drops.recognition import text_column_test
from sentiment_core.drops.record_kernel import JSON_OBJECTS, NO_QUOTING
from sentiment_core.drops.source_contract import NO_CONTRACT, Rules, SourceContract
from sentiment_core.drops.validation import RejectedRow, ReviewBatch
from sentiment_core.errors import ErasureKeyWrong
from sentiment_core.ledger import source_files
from sentiment_core.ledger.source_contracts import current_contract
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.settings import Settings
from sentiment_core.text.fingerprints import hash_text

ErasureKind = Literal["review", "author"]

# Takes kind, source, id and the hashes of the erased texts. Returns the number of snapshots that lost rows.
InSnapshots = Callable[[ErasureKind, str, str, Set[int]], int]

REASON = "the review, or its author, was erased on request"
KEY_CHECK_BYTES = 8


class Erased(NamedTuple):
    """The number of rows that one erasure removed, and the other sources in which the same id occurs."""

    reviews: int
    rejected_rows: int
    feedback: int
    other_sources: list[str]
    snapshots: int = 0  # number of snapshots that lost rows


def keyed_hash(key: bytes, kind: ErasureKind, source: str, identifier: bytes) -> bytes:
    """Return the keyed hash of an id, HMAC-SHA256. Ids are specific to a source."""
    return hmac.digest(key, b"\0".join((kind.encode(), source.encode(), identifier)), "sha256")


def key_check(key: bytes) -> bytes:
    """Return a check value that identifies a secret key without revealing it."""
    return hmac.digest(key, b"key check", "sha256")[:KEY_CHECK_BYTES]


class IdFields(NamedTuple):
    """Positions and names of the id fields in the rows of a file."""

    columns: int
    fields: dict[ErasureKind, int]
    names: Mapping[ErasureKind, str]  # folded

    @classmethod
    def of(cls, names: Sequence[str], contract: SourceContract = NO_CONTRACT) -> Self:
        """Find the id fields from the names in the file's header and the contract of its source."""
        folded = [fold(name) for name in names]
        kinds: tuple[ErasureKind, ErasureKind] = ("review", "author")
        found = {kind: position(folded, contract.accepted_names(f"{kind}_id")) for kind in kinds}
        fields = {kind: field for kind, field in found.items() if field is not None}
        return cls(len(names), fields, {kind: folded[field] for kind, field in fields.items()})


class Erasures:
    """The erased ids, for the load of a file of one source."""

    def __init__(self, hashes: frozenset[bytes], key: bytes, source: str) -> None:
        self._hashes = hashes
        self._key = key
        self._source = source

    @classmethod
    def read(cls, cursor: Cursor, settings: Settings, source: str) -> Self:
        """Read the keyed hashes of all erasures.

        If any exist, raises `SettingMissing` when no erasure key is set, and `ErasureKeyWrong` when the key is another.
        """
        cursor.execute("SELECT keyed_hash, key_check FROM sentiment.erasure")
        rows = [(bytes(found), bytes(check)) for found, check in cursor]
        key = settings.require_erasure_key() if rows else b""
        if any(check != key_check(key) for _, check in rows):
            raise ErasureKeyWrong
        return cls(frozenset(found for found, _ in rows), key, source)

    def reject_erased(
        self, batch: ReviewBatch, rejected: list[RejectedRow], ids: IdFields
    ) -> tuple[ReviewBatch, list[RejectedRow]]:
        """Reject the rows with erased ids, and drop their bytes. Rows that are already rejected are checked too."""
        if not self._hashes:
            return batch, rejected
        erased_rows = self._erased_rows("review", batch.review_id) | self._erased_rows("author", batch.author_id)
        erased_rows |= self._erased_as_written(batch, ids)
        erased = [RejectedRow(int(batch.line[row]), RejectCode.ERASED, REASON, None) for row in sorted(erased_rows)]
        kept = np.delete(np.arange(batch.size), sorted(erased_rows))
        return batch.take(kept), erased + [self._without_bytes(row, ids, batch.block.dialect) for row in rejected]

    def _erased_rows(self, kind: ErasureKind, ids: BytesColumn) -> set[int]:
        codes, first = ids.codes()
        known = [self._is_erased(kind, ids.value(row)) for row in first.tolist()]
        return set(np.flatnonzero(np.array(known, np.bool_)[codes]).tolist()) if len(codes) else set()

    def _erased_as_written(self, batch: ReviewBatch, ids: IdFields) -> set[int]:
        """Return the rows with an erased id that means a missing id now, such as `NULL`. Earlier releases stored it."""
        columns = {"review": batch.review_id, "author": batch.author_id}
        found: set[int] = set()
        for kind, field in ids.fields.items():
            rows = np.flatnonzero(columns[kind].null)
            written = batch.block.column(batch.record[rows], field).trimmed()
            found.update(rows[sorted(self._erased_rows(kind, written))].tolist())
        return found

    def _is_erased(self, kind: ErasureKind, identifier: bytes | None) -> bool:
        return identifier is not None and keyed_hash(self._key, kind, self._source, identifier) in self._hashes

    def _without_bytes(self, row: RejectedRow, ids: IdFields, dialect: Dialect) -> RejectedRow:
        for kind, identifier in ids_of(row.raw or b"", ids, dialect):
            if self._is_erased(kind, identifier):
                return RejectedRow(row.line, RejectCode.ERASED, REASON, None)
        return row


def ids_of(raw: bytes, ids: IdFields | None, dialect: Dialect) -> Iterator[tuple[ErasureKind, bytes]]:
    """Yield every possible id in the bytes of a row.

    In a row that does not fit the header, or without a header, every field may be an id. So may each field of a row
    with quotes, read as characters, because a stray quote may have swallowed other rows.
    """
    if dialect.quoting == JSON_OBJECTS:
        yield from _ids_of_object(raw, ids)
        return
    fields = _fields(raw, dialect)
    if ids is not None and ids.columns == len(fields):
        yield from ((kind, fields[at]) for kind, at in ids.fields.items())
        fields = []
    if b'"' in raw:
        fields += _fields(raw, dialect._replace(quoting=NO_QUOTING))
    yield from (("review", field) for field in fields)
    yield from (("author", field) for field in fields)


def _fields(raw: bytes, dialect: Dialect) -> list[bytes]:
    block, _, _ = scan(raw, dialect, 1, final=True)
    return [_trimmed(field) for record in range(block.size) for field in block.fields(record)]


def _ids_of_object(raw: bytes, ids: IdFields | None) -> Iterator[tuple[ErasureKind, bytes]]:
    """Yield the ids in a row that is a JSON object. If it is none, each of its words may be an id."""
    kinds: tuple[ErasureKind, ErasureKind] = ("review", "author")
    try:
        found = {fold(name): value for name, value in fields_of(raw).items()}
        known = {**IdFields.of(list(found)).names, **(ids.names if ids is not None else {})}
        values = [(kind, found[name]) for kind, name in known.items() if name in found]
    except ValueError:
        values = [(kind, word) for word in words_of(raw) for kind in kinds]
    yield from ((kind, _trimmed(value.encode("utf-8", "surrogatepass"))) for kind, value in values)


def _trimmed(field: bytes) -> bytes:
    """Return a field without surrounding whitespace, as a load reads it. The bytes may be invalid UTF-8."""
    return field.decode("utf-8", "surrogateescape").strip().encode("utf-8", "surrogateescape")


def erase(
    connection: Connection,
    settings: Settings,
    kind: ErasureKind,
    source: str,
    identifier: str,
    in_snapshots: InSnapshots = lambda *_: 0,
) -> Erased:
    """Erase one review, or all reviews of an author, in one transaction, and remember the id.

    `in_snapshots` erases the rows from the snapshots before the transaction ends. If it fails, nothing in the database
    is erased, and the whole erasure can be retried. The call waits for running loads and for snapshots that are being
    written. It is idempotent. Raises `LoadsUnderWay`, `SettingMissing` and `ErasureKeyWrong`.
    """
    key = settings.require_erasure_key()
    with connection, connection.cursor() as cursor:
        source_files.block_loads(cursor, settings.lock_timeout_s)
        Erasures.read(cursor, settings, source)
        cursor.execute(
            "INSERT INTO sentiment.erasure (kind, keyed_hash, key_check) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (kind, keyed_hash(key, kind, source, identifier.encode()), key_check(key)),
        )
        texts = _find(cursor, kind, source, identifier)
        cursor.execute("DELETE FROM sentiment.feedback USING erased WHERE feedback.text = erased.text")
        feedback = cursor.rowcount
        reviews = _delete(cursor)
        rejected = _blank(cursor, settings, kind, source, identifier)
        others = _other_sources(cursor, kind, source, identifier)
        return Erased(reviews, rejected, feedback, others, in_snapshots(kind, source, identifier, texts))


def _find(cursor: Cursor, kind: ErasureKind, source: str, identifier: str) -> set[int]:
    """Collect the rows to erase in the temporary table `erased`, and return the hashes of their texts."""
    by_id = {"review": "review_key = %(key)s::uuid", "author": "author_id = %(id)s AND file.source = %(source)s"}
    statement = f"""
        CREATE TEMPORARY TABLE erased ON COMMIT DROP AS
        SELECT day, source_file_id, line, review_key, text, source, product_id FROM sentiment.review
        JOIN sentiment.source_file file USING (source_file_id, day) WHERE {by_id[kind]}
        """  # noqa: S608 - constants
    cursor.execute(statement, {"source": source, "id": identifier, "key": review_key(source, identifier).hex()})
    cursor.execute("SELECT text FROM erased")
    return {hash_text(text) for (text,) in cursor}


def _delete(cursor: Cursor) -> int:
    source_files.create_stale_heads(cursor)
    cursor.execute("INSERT INTO stale_head SELECT review_key, source_file_id FROM erased WHERE review_key IS NOT NULL")
    # This subtracts the rows from the rollups, if the views show them.
    cursor.execute(
        "UPDATE sentiment.score SET superseded = true FROM erased WHERE NOT superseded"
        " AND (score.day, score.source_file_id, score.line) = (erased.day, erased.source_file_id, erased.line)"
    )
    _delete_aspects(cursor)
    for table in ("driver_example", "score", "review"):
        cursor.execute(
            f"DELETE FROM sentiment.{table} row USING erased"  # noqa: S608 - constants
            " WHERE (row.day, row.source_file_id, row.line) = (erased.day, erased.source_file_id, erased.line)"
        )
    reviews = cursor.rowcount
    cursor.execute(
        "UPDATE sentiment.source_file file SET rows_removed = rows_removed + erased.rows"
        " FROM (SELECT source_file_id, count(*) AS rows FROM erased GROUP BY source_file_id) erased"
        " WHERE file.source_file_id = erased.source_file_id"
    )
    source_files.recompute_stale_heads(cursor)
    return reviews


def _delete_aspects(cursor: Cursor) -> None:
    """Delete the kept aspects of the products and days of the erased reviews. The next nightly run computes them."""
    cursor.execute(
        "DELETE FROM sentiment.aspect_total total USING erased WHERE (total.day, total.source) = (erased.day, "
        "erased.source) AND total.product_id IS NOT DISTINCT FROM erased.product_id"
    )
    # No sums have this hash: a run computes the day again, even if the views did not show the erased reviews.
    cursor.execute("UPDATE sentiment.aspect_day SET reviews = 'NaN' WHERE day IN (SELECT day FROM erased)")


def _blank(cursor: Cursor, settings: Settings, kind: ErasureKind, source: str, identifier: str) -> int:
    """Delete the bytes of rejected rows that contain the id, and return the number of these rows."""
    cursor.execute(
        "SELECT source_file_id, line, raw FROM sentiment.rejected_row JOIN sentiment.source_file USING (source_file_id)"
        " WHERE source = %s AND EXISTS (SELECT FROM unnest(%s::bytea[]) AS form WHERE position(form IN raw) > 0)",
        # A quote inside a quoted field is doubled, or stands behind a backslash. JSON may escape any character.
        (source, [*(identifier.replace('"', quote).encode() for quote in ('"', '""', '\\"')), b"\\u", b"\\/"]),
    )
    files: dict[int, tuple[IdFields | None, Dialect]] = {}
    erased_rows = []
    found = cursor.fetchall()
    rules = Rules(settings, current_contract(cursor, source).contract)
    for source_file_id, line, raw in found:
        if source_file_id not in files:
            files[source_file_id] = _dialect(source_files.get(cursor, source_file_id), rules)
        if (kind, identifier.encode()) in ids_of(bytes(raw), *files[source_file_id]):
            erased_rows.append((source_file_id, line))
    execute_values(
        cursor,
        "UPDATE sentiment.rejected_row row SET raw = NULL, code = hit.code, reason = hit.reason FROM (VALUES %s)"
        " AS hit (source_file_id, line, code, reason)"
        " WHERE (row.source_file_id, row.line) = (hit.source_file_id, hit.line)",
        [(*hit, RejectCode.ERASED, REASON) for hit in erased_rows],
    )
    return len(erased_rows)


def _dialect(file: SourceFile, rules: Rules) -> tuple[IdFields | None, Dialect]:
    """Return the id fields of a file (None if its header was not kept) and its dialect."""
    delimiter, _ = file_format(file.drop)
    is_header = text_column_test(rules.text_names)
    found = raw_header(file.header or b"", (), delimiter, is_header, rules.contract.form)
    return None if file.header is None else IdFields.of(found.names, rules.contract), found.dialect


def _other_sources(cursor: Cursor, kind: ErasureKind, source: str, identifier: str) -> list[str]:
    """Return the other sources in which the same id occurs. It may mean something else there, or the same person."""
    column = "review_id" if kind == "review" else "author_id"
    cursor.execute(
        f"SELECT DISTINCT source FROM sentiment.review JOIN sentiment.source_file USING (source_file_id, day)"  # noqa: S608
        f" WHERE {column} = %s AND source <> %s ORDER BY source",
        (identifier, source),
    )
    return [found for (found,) in cursor]
