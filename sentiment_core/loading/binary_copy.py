"""Encode columns in PostgreSQL's binary COPY format, without a Python object per row.

Source of the format: https://www.postgresql.org/docs/current/sql-copy.html, section "Binary Format".
"""

import struct
from collections.abc import Sequence
from datetime import date
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, NumberColumn, TextColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import copy_bytes
from sentiment_core.database.connection import Connection
from sentiment_core.drops.typed_fields import POSTGRES_EPOCH

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
JSONB_VERSION = 1
COPY_CHUNK_BYTES = 1 << 18


def smallint(value: int, rows: int) -> BytesColumn:
    """Return the same 16-bit integer for every row."""
    return BytesColumn.same(struct.pack(">h", value), rows)


def bigint(value: int, rows: int) -> BytesColumn:
    """Return the same 64-bit integer for every row."""
    return BytesColumn.same(struct.pack(">q", value), rows)


def day(value: date, rows: int) -> BytesColumn:
    """Return the same date for every row."""
    return BytesColumn.same(struct.pack(">i", value.toordinal() - POSTGRES_EPOCH.toordinal()), rows)


def numbers(values: NDArray[np.generic]) -> BytesColumn:
    """Return fixed-width numbers or booleans, in their own type."""
    width = values.dtype.itemsize
    data = np.frombuffer(values.astype(values.dtype.newbyteorder(">")).tobytes(), np.uint8)
    return BytesColumn(data, np.arange(len(values)) * width, np.full(len(values), width, np.int32))


def nullable(column: NumberColumn) -> BytesColumn:
    """Return nullable fixed-width numbers, in their own type."""
    values = numbers(column.values)
    values.length[column.null] = -1
    return values


def ratios(values: NDArray[np.float32]) -> BytesColumn:
    """Return single-precision numbers, null where they are NaN."""
    return nullable(NumberColumn(values, np.isnan(values)))


def texts(column: TextColumn) -> BytesColumn:
    """Return texts, none of which is null, without a copy of the data."""
    return BytesColumn(column.data, column.offsets[:-1], np.diff(column.offsets).astype(np.int32))


def documents(column: BytesColumn) -> BytesColumn:
    """Return JSON documents as jsonb: the version byte of its binary format, then the JSON text."""
    length = np.where(column.null, -1, column.length + 1).astype(np.int32)
    sizes = np.maximum(length, 0)
    start = np.cumsum(sizes, dtype=np.int64) - sizes
    data = np.empty(int(sizes.sum()), np.uint8)
    _put_documents(*column, data, start)
    return BytesColumn(data, start, length)


def copy_rows(connection: Connection, table: str, columns: dict[str, BytesColumn]) -> None:
    """COPY rows into a table of the schema. All columns must have the same length."""
    statement = f"COPY sentiment.{table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor:
        cursor.copy_expert(statement, BytesIO(encode_rows(list(columns.values()))), COPY_CHUNK_BYTES)


def encode_rows(columns: Sequence[BytesColumn]) -> bytes:
    """Return a complete binary COPY stream of the rows."""
    rows = len(columns[0].start)
    sizes = np.full(rows, 2 + 4 * len(columns), np.int64)
    for column in columns:
        sizes += np.maximum(column.length, 0)
    place = len(SIGNATURE) + np.cumsum(sizes) - sizes
    out = np.empty(len(SIGNATURE) + int(sizes.sum()) + len(TRAILER), np.uint8)
    out[: len(SIGNATURE)] = np.frombuffer(SIGNATURE, np.uint8)
    out[len(out) - len(TRAILER) :] = np.frombuffer(TRAILER, np.uint8)
    out[place] = 0
    out[place + 1] = len(columns)
    place += 2
    for column in columns:
        put_column(out, place, *column)
    return out.tobytes()


@compiled
def put_column(out, place, data, start, length):  # type: ignore[no-untyped-def]
    """Write the column's length word and value at each row's position in `out`, and advance `place` past them."""
    for row in range(len(place)):
        at = place[row]
        size = length[row]
        out[at] = (size >> 24) & 0xFF
        out[at + 1] = (size >> 16) & 0xFF
        out[at + 2] = (size >> 8) & 0xFF
        out[at + 3] = size & 0xFF
        at += 4
        if size > 0:
            copy_bytes(out, at, data, start[row], size)
            at += size
        place[row] = at


@compiled
def _put_documents(data, start, length, out, place):  # type: ignore[no-untyped-def]
    for row in range(len(start)):
        if length[row] < 0:
            continue
        out[place[row]] = JSONB_VERSION
        copy_bytes(out, place[row] + 1, data, start[row], length[row])
