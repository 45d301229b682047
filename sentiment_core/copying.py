"""Writes columns as PostgreSQL's binary COPY format, without a Python object for each row.

Source of the format: https://www.postgresql.org/docs/current/sql-copy.html, section "Binary Format".
"""

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columns import TextColumn
from sentiment_core.compiling import compiled
from sentiment_core.database import Connection

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
JSONB_VERSION = b"\x01"
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class WireColumn(NamedTuple):
    """One column as PostgreSQL's binary values: row `i` is `data[start[i]:start[i] + length[i]]`, null at length -1."""

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int32]


def constant(value: bytes, rows: int) -> WireColumn:
    """Return the same value for every row."""
    return WireColumn(np.frombuffer(value, np.uint8), np.zeros(rows, np.int64), np.full(rows, len(value), np.int32))


def smallint(value: int, rows: int) -> WireColumn:
    """Return the same 16-bit integer for every row."""
    return constant(struct.pack(">h", value), rows)


def bigint(value: int, rows: int) -> WireColumn:
    """Return the same 64-bit integer for every row."""
    return constant(struct.pack(">q", value), rows)


def day(value: date, rows: int) -> WireColumn:
    """Return the same date for every row."""
    return constant(struct.pack(">i", value.toordinal() - POSTGRES_EPOCH.toordinal()), rows)


def numbers(values: NDArray[np.generic]) -> WireColumn:
    """Return numbers (or booleans) of a fixed width, in their own type."""
    width = values.dtype.itemsize
    data = np.frombuffer(values.astype(values.dtype.newbyteorder(">")).tobytes(), np.uint8)
    return WireColumn(data, np.arange(len(values)) * width, np.full(len(values), width, np.int32))


def texts(column: TextColumn) -> WireColumn:
    """Return texts, none of them null; nothing is copied."""
    return WireColumn(column.data, column.offsets[:-1], np.diff(column.offsets).astype(np.int32))


def values(encoded: Sequence[bytes | None]) -> WireColumn:
    """Return binary values that the caller has encoded."""
    length = np.array([-1 if value is None else len(value) for value in encoded], np.int32)
    start = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.maximum(length, 0), out=start[1:])
    return WireColumn(np.frombuffer(b"".join(value or b"" for value in encoded), np.uint8), start[:-1], length)


def strings(column: Sequence[str | None]) -> WireColumn:
    """Return strings as text."""
    return values([None if value is None else value.encode() for value in column])


def documents(column: Sequence[str | None]) -> WireColumn:
    """Return JSON documents as jsonb."""
    return values([None if value is None else JSONB_VERSION + value.encode() for value in column])


def doubles(column: Sequence[float | None]) -> WireColumn:
    """Return numbers as double precision."""
    return values([None if value is None else struct.pack(">d", value) for value in column])


def times(column: Sequence[datetime | None]) -> WireColumn:
    """Return times as timestamptz: microseconds since 2000."""
    return values([None if value is None else struct.pack(">q", microseconds(value)) for value in column])


def microseconds(time: datetime) -> int:
    """Count exactly; a float of seconds would lose the last digit."""
    since = time - POSTGRES_EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def copy_rows(connection: Connection, table: str, columns: dict[str, WireColumn]) -> None:
    """COPY rows into a table of the schema; all columns have the same length."""
    statement = f"COPY sentiment.{table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor:
        cursor.copy_expert(statement, BytesIO(encode_rows(list(columns.values()))))


def encode_rows(columns: Sequence[WireColumn]) -> bytes:
    """Return a whole COPY stream of the rows."""
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
    """Write a column's length words and values at each row's place, and move the places behind them."""
    for row in range(len(place)):
        at = place[row]
        size = length[row]
        out[at] = (size >> 24) & 0xFF
        out[at + 1] = (size >> 16) & 0xFF
        out[at + 2] = (size >> 8) & 0xFF
        out[at + 3] = size & 0xFF
        at += 4
        first = start[row]
        for byte in range(size):
            out[at + byte] = data[first + byte]
        place[row] = at + max(size, 0)
