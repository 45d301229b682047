"""Read a Parquet file as records. Each row is a JSON object for the quarantine; its line is its number, from 1.

Spellings: times are ISO 8601 in UTC if the column has a zone, booleans `true` and `false`, numbers as Arrow writes
them, structs are columns `user.name`, lists and maps JSON, and bytes that are not UTF-8 Base64, except in a column that
the contract reads, whose row is rejected.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drops.column_names import distinct, fold
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, RecordBlock
from sentiment_core.drops.json_records import MAX_CELLS, MAX_COLUMNS, table_block, with_nul
from sentiment_core.drops.record_kernel import INVALID_UTF8, JSON_OBJECTS
from sentiment_core.drops.typed_fields import json_objects
from sentiment_core.errors import FileRejected, LibraryMissing
from sentiment_core.settings import Settings

_DIALECT: Final = Dialect(quoting=JSON_OBJECTS, form="parquet")
_MAX_BATCH_ROWS: Final = 1 << 14
_MAX_DICTIONARY_BYTES: Final = 1 << 24
_READ_BYTES: Final = 1 << 20  # of a column at a time


def read_parquet(path: str, settings: Settings, named: Sequence[str], source: str) -> Iterator[RecordBlock]:
    """Yield the records of a Parquet file, its column names first. `source` names it in errors.

    `named` are the names of the columns that have a meaning. A row with an unreadable value in one of them is rejected.
    Memory is bounded by some pages of each column and a few blocks. Raises `FileRejected` when the file is damaged or
    encrypted, expands too far, has a row group above `max_row_group_bytes`, too many columns or a record that is too
    large, and `LibraryMissing` without pyarrow.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 -- only for this format
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise LibraryMissing(library="pyarrow", why=f"{source} is a Parquet file") from error
    with _damage(source):
        file = parquet.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False)
        encoded = _dictionary_columns(file)
        rows = _batch_rows(file.metadata, settings.block_bytes)
    with file:
        _require_limits(file.metadata, settings, source)
    with _damage(source):
        file = parquet.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False, read_dictionary=encoded)
        batches = file.iter_batches(batch_size=rows, use_threads=False)
    with file:
        yield from _Table(pa, settings, named, source).blocks(batches, file.schema_arrow)


@contextmanager
def _damage(source: str) -> Iterator[None]:
    """Make an error of the reader the rejection of the file. All that Arrow raises for damage is one of these."""
    try:
        yield
    except (ValueError, KeyError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        what = " ".join(str(error).split())[:200]
        raise FileRejected(
            reason=RejectCode.DAMAGED_COMPRESSION, why=f"{source} is a Parquet file that cannot be read ({what})"
        ) from error


def _require_limits(metadata: Any, settings: Settings, source: str) -> None:
    sizes = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    code, why = RejectCode.EXPANDS_TOO_FAR, ""
    if metadata.num_columns > MAX_COLUMNS:
        code, why = RejectCode.UNSUPPORTED_FORMAT, f"has more than {MAX_COLUMNS:,} columns"
    elif sum(sizes) > settings.max_expanded_bytes:
        why = f"expands to more than {settings.max_expanded_bytes:,} bytes"
    elif max(sizes, default=0) > settings.max_row_group_bytes:
        why = (
            f"has a row group of {max(sizes):,} bytes, more than {settings.max_row_group_bytes:,} "
            "(SENTIMENT_MAX_ROW_GROUP_BYTES). Write it with smaller row groups"
        )
    if why:
        raise FileRejected(reason=code, why=f"{source} {why}")


def _dictionary_columns(file: Any) -> list[str]:
    """Return the columns of text whose chunks are small dictionaries in the file.

    They are read so, because few bytes may stand for many. A large chunk has mostly plain values: a dictionary of it
    would need the memory of the whole chunk.
    """
    metadata = file.metadata
    found = []
    for number in range(metadata.num_columns):
        chunks = [metadata.row_group(group).column(number) for group in range(metadata.num_row_groups)]
        largest = max((chunk.total_uncompressed_size for chunk in chunks), default=0)
        is_text = bool(chunks) and chunks[0].physical_type == "BYTE_ARRAY"
        if is_text and largest <= _MAX_DICTIONARY_BYTES and any(chunk.has_dictionary_page for chunk in chunks):
            found.append(chunks[0].path_in_schema)
    return found


def _batch_rows(metadata: Any, block_bytes: int) -> int:
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    mean = max(1, size // max(1, metadata.num_rows))
    cells = MAX_CELLS // max(1, metadata.num_columns)
    return int(max(1, min(block_bytes // mean, cells, _MAX_BATCH_ROWS)))


class _Table:
    def __init__(self, arrow: Any, settings: Settings, named: Sequence[str], source: str) -> None:
        self._arrow = arrow
        self._settings = settings
        self._source = source
        self._read = {fold(name) for name in named}
        self._started = False

    def blocks(self, batches: Iterator[Any], schema: Any) -> Iterator[RecordBlock]:
        line = 1
        for table in self._tables(batches):
            for first, last in self._parts(table):
                yield self._block(table.slice(first, last - first), line + first)
            line += table.num_rows
        if not self._started:
            yield self._block(schema.empty_table(), line)

    def _tables(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches as tables in which structs are columns."""
        while True:
            with _damage(self._source):
                batch = next(batches, None)
                if batch is None:
                    return
                table = self._arrow.Table.from_batches([batch])
                while any(self._arrow.types.is_struct(field.type) for field in table.schema):
                    table = table.flatten()
                found = len(table.schema.names)
            if found > MAX_COLUMNS:
                why = f"{self._source} has more than {MAX_COLUMNS:,} columns"
                raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=why)
            yield table

    def _parts(self, table: Any) -> Iterator[tuple[int, int]]:
        """Yield ranges of rows that have about `block_bytes` bytes. Raises `FileRejected` for a record too large."""
        sizes = np.zeros(table.num_rows, np.int64)
        for column in table.columns:
            sizes += self._lengths(column)
        largest = self._settings.max_record_bytes
        if len(sizes) and sizes.max() > largest:
            why = f"{self._source} has a row of more than {largest:,} bytes (SENTIMENT_MAX_RECORD_BYTES)"
            raise FileRejected(reason=RejectCode.RECORD_TOO_LARGE, why=why)
        first, ends = 0, np.cumsum(sizes)
        while first < len(sizes):
            before = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + self._settings.block_bytes, "right")))
            yield first, last
            first = last

    def _lengths(self, column: Any) -> NDArray[np.int64] | int:
        from pyarrow import compute  # noqa: PLC0415

        types, array = self._arrow.types, column.combine_chunks()
        if types.is_dictionary(array.type):
            if not _is_text(types, array.type.value_type):
                return 8
            lengths = compute.binary_length(array.dictionary).take(array.indices)
        elif _is_text(types, array.type):
            lengths = compute.binary_length(array)
        elif types.is_nested(array.type):
            return 8 + int(array.nbytes) // max(1, len(array))
        else:
            return 8
        found: NDArray[np.int64] = compute.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    def _block(self, table: Any, line: int) -> RecordBlock:
        names = table.schema.names
        keys = distinct([name or f"column_{number}" for number, name in enumerate(names, 1)])
        flags = np.zeros(table.num_rows, np.uint8)
        columns = []
        for name, column in zip(names, table.columns, strict=True):
            texts, invalid = self._texts(column.combine_chunks(), strict=fold(name) in self._read)
            columns.append(texts)
            flags[list(invalid)] = INVALID_UTF8
        has_header, self._started = not self._started, True
        return table_block(
            _DIALECT,
            names if has_header else None,
            columns,
            json_objects(dict(zip(keys, columns, strict=True)), table.num_rows),
            np.arange(line, line + table.num_rows, dtype=np.int32),
            np.where(flags > 0, flags, with_nul(columns, table.num_rows)),
            keys,
        )

    def _texts(self, array: Any, *, strict: bool) -> tuple[TextColumn, Sequence[int]]:
        """Return the texts of a column, and the rows that are not UTF-8."""
        pa, types = self._arrow, self._arrow.types
        if types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if types.is_nested(array.type):
            values = array.to_pylist()
            return _encoded(values, lambda value: json.dumps(value, ensure_ascii=False, default=_word).encode()), ()
        if types.is_boolean(array.type) or types.is_null(array.type):
            return _encoded(array.to_pylist(), lambda value: _word(value).encode()), ()
        if types.is_timestamp(array.type):
            array = array.cast(pa.timestamp(array.type.unit, "UTC" if array.type.tz else None))
        try:
            text = array.cast(pa.large_string())
            text.validate(full=True)
            return TextColumn.from_arrow(_without_nulls(text)), ()
        except pa.ArrowNotImplementedError:
            return _encoded(array.to_pylist(), lambda value: str(value).encode()), ()
        except pa.ArrowInvalid:
            return _with_invalid(array.cast(pa.large_binary()).to_pylist(), strict)


def _is_text(types: Any, kind: Any) -> bool:
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    )


def _without_nulls(text: Any) -> Any:
    return text.fill_null("") if text.null_count else text


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _encoded(values: Sequence[Any], encode: Callable[[Any], bytes]) -> TextColumn:
    return _column([b"" if value is None else encode(value) for value in values])


def _column(values: Sequence[bytes]) -> TextColumn:
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
    return TextColumn(np.frombuffer(b"".join(values), np.uint8), offsets)


def _with_invalid(values: Sequence[bytes | None], strict: bool) -> tuple[TextColumn, Sequence[int]]:
    texts, invalid = [], []
    for row, value in enumerate(values):
        try:
            (value or b"").decode()
            texts.append(value or b"")
        except UnicodeDecodeError:
            texts.append(value or b"" if strict else base64.b64encode(value or b""))
            invalid.append(row)
    return _column(texts), invalid if strict else ()
