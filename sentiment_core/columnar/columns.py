"""Columns of a block of rows: text in Arrow's layout, nullable byte strings and nullable numbers."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import copy_bytes
from sentiment_core.errors import ColumnUnsupported

_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD_BYTES = 16
_CHUNK: Final = 256 * 1024  # keeps a chunk's token hashes in the processor's cache


def chunks(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts, given by offsets, that together have a length of at most 256 Ki, or one longer text."""
    first, texts = 0, len(offsets) - 1
    while first < texts:
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK, "right")) - 1
        last = min(max(last, first + 1), texts)
        yield first, last
        first = last


def chunks_of(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts that together have at most 256 Ki characters, or one longer text."""
    yield from chunks(np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1))


class TextColumn(NamedTuple):
    """The concatenated UTF-8 bytes of n texts, and the offset where each text starts; `offsets[n]` is the end."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # n + 1

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> Self:
        """Encode texts. A lone surrogate, which UTF-8 cannot represent, becomes U+FFFD."""
        encoded = [_encode(text) for text in texts]
        offsets = np.fromiter(accumulate(map(len, encoded), initial=0), np.int64, len(encoded) + 1)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    @classmethod
    def from_arrow(cls, array: Any) -> Self:
        """Wrap a pyarrow array of `string` or `large_string` without copying its text. A null becomes an empty text.

        Raises `ColumnUnsupported` for an array of any other type.
        """
        kind = str(array.type)
        if kind not in ("string", "large_string"):
            raise ColumnUnsupported(found=kind)
        _, offsets, data = array.buffers()
        width = np.dtype(np.int64 if kind == "large_string" else np.int32)
        if offsets is None or len(array) == 0:
            return cls(np.empty(0, np.uint8), np.zeros(len(array) + 1, np.int64))
        row_offsets = np.frombuffer(offsets, width, len(array) + 1, array.offset * width.itemsize).astype(np.int64)
        return cls(np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8), row_offsets)

    @property
    def size(self) -> int:
        """Return the number of texts."""
        return len(self.offsets) - 1

    def text(self, row: int) -> str:
        """Decode one text. Raises `UnicodeDecodeError` if the bytes are not UTF-8, as `texts` does."""
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes().decode()

    def texts(self) -> list[str]:
        """Decode all texts."""
        data, at = self.data.tobytes(), self.offsets.tolist()
        return [data[start:end].decode() for start, end in pairwise(at)]

    def rows(self, first: int, last: int) -> Self:
        """Return the texts from `first` up to, but not including, `last`, without copying."""
        return type(self)(self.data, self.offsets[first : last + 1])

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Copy the given rows, in the given order."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(np.diff(self.offsets)[rows], out=offsets[1:])
        data = np.empty(offsets[-1], np.uint8)
        _copy(self.data, self.offsets[rows], data, offsets)
        return type(self)(data, offsets)

    def trimmed(self) -> "BytesColumn":
        """Return the texts without leading and trailing whitespace, as `str.strip` does; null if nothing is left.

        The bytes must be valid UTF-8.
        """
        start, length = np.empty(self.size, np.int64), np.empty(self.size, np.int32)
        _trim(self.data, self.offsets, start, length)
        return BytesColumn(self.data, start, length)


class BytesColumn(NamedTuple):
    """n byte strings: value `i` is `data[start[i] : start[i] + length[i]]`, or null if its length is -1."""

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int32]

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> Self:
        """Build the column from Python bytes; None is null."""
        length = np.array([-1 if value is None else len(value) for value in values], np.int32)
        data = np.frombuffer(b"".join(value or b"" for value in values), np.uint8)
        return cls(data, np.cumsum(np.maximum(length, 0), dtype=np.int64) - np.maximum(length, 0), length)

    @classmethod
    def of_texts(cls, texts: Sequence[str | None]) -> Self:
        """Build the column from Python strings; None is null."""
        return cls.of([None if text is None else text.encode() for text in texts])

    @classmethod
    def nulls(cls, rows: int) -> Self:
        """Return a column of nulls."""
        return cls(np.empty(0, np.uint8), np.zeros(rows, np.int64), np.full(rows, -1, np.int32))

    @classmethod
    def same(cls, value: bytes, rows: int) -> Self:
        """Return a column with the same value in every row."""
        return cls(np.frombuffer(value, np.uint8), np.zeros(rows, np.int64), np.full(rows, len(value), np.int32))

    @property
    def size(self) -> int:
        """Return the number of values."""
        return len(self.start)

    @property
    def null(self) -> NDArray[np.bool_]:
        """Return a mask of the null values, of shape (n,)."""
        return self.length < 0

    def value(self, row: int) -> bytes | None:
        """Return one value."""
        start, length = int(self.start[row]), int(self.length[row])
        return None if length < 0 else self.data[start : start + length].tobytes()

    def text(self, row: int) -> str | None:
        """Return one value as text. Raises `UnicodeDecodeError` if it is not UTF-8."""
        value = self.value(row)
        return None if value is None else value.decode()

    def values(self) -> list[bytes | None]:
        """Return all values."""
        data = self.data.tobytes()
        places = zip(self.start.tolist(), self.length.tolist(), strict=True)
        return [None if length < 0 else data[start : start + length] for start, length in places]

    def without(self, words: NDArray[np.uint64]) -> Self:
        """Return the column with the values that equal one of these words set to null.

        ASCII case does not matter. `packed_words` makes `words`.
        """
        length = self.length.copy()
        _set_null(self.data, self.start, length, words)
        return type(self)(self.data, self.start, length)

    def filled(self, value: bytes) -> Self:
        """Return the column with this value in place of every null."""
        null, size = self.null, len(self.data)
        data = np.concatenate([self.data, np.frombuffer(value, np.uint8)])
        return type(self)(
            data, np.where(null, size, self.start), np.where(null, len(value), self.length).astype(np.int32)
        )

    def without_exponents(self) -> tuple[Self, int | None]:
        """Return the column with null for numbers with an exponent, and the first row that has one (None if absent).

        Such a number is what programs make of a long number: `1.23457E+17`, `1,23E+05`, `1e+17`, and `1.2E17` in Java.
        """
        length = self.length.copy()
        first = _set_exponents_null(self.data, self.start, length)
        return type(self)(self.data, self.start, length), None if first < 0 else int(first)

    def codes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Dictionary-encode the values: return each row's code, of shape (n,), and the first row of each code.

        Codes are numbered in order of first appearance.
        """
        codes, first = np.empty(self.size, np.int64), np.empty(self.size, np.int64)
        table = np.full(1 << max(4, (2 * self.size).bit_length()), -1, np.int64)
        return codes, first[: _number(*self, table, codes, first)]

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the given rows, in the given order, without copying any value."""
        return type(self)(self.data, self.start[rows], self.length[rows])


class NumberColumn(NamedTuple):
    """n nullable numbers."""

    values: NDArray[np.generic]
    null: NDArray[np.bool_]

    def value(self, row: int) -> float | int | None:
        """Return one number."""
        return None if self.null[row] else self.values[row].item()

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the given rows, in the given order."""
        return type(self)(self.values[rows], self.null[rows])


def joined_texts(columns: Sequence[BytesColumn], separator: bytes) -> TextColumn:
    """Return, for each row, the values of one or more columns that are not null, with a separator between them."""
    rows = columns[0].size
    lengths = np.zeros(rows, np.int64)
    values = np.zeros(rows, np.int64)
    for column in columns:
        lengths += np.maximum(column.length, 0)
        values += ~column.null
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(lengths + np.maximum(values - 1, 0) * len(separator), out=offsets[1:])
    data, place = np.empty(offsets[-1], np.uint8), offsets[:-1].copy()
    between = np.frombuffer(separator, np.uint8)
    for column in columns:
        _append(data, place, offsets, between, *column)
    return TextColumn(data, offsets)


def packed_words(words: Sequence[str]) -> NDArray[np.uint64]:
    """Return words of 1 to 16 ASCII characters as pairs of numbers, shape (n, 2), for `BytesColumn.without`.

    Raises `ValueError` for others.
    """
    for word in words:
        if not word.isascii() or not 1 <= len(word) <= _WORD_BYTES:
            raise ValueError(f"{word!r} does not have 1 to {_WORD_BYTES} ASCII characters")
    encoded = [word.lower().encode() for word in words]
    pairs = [[int.from_bytes(word[at : at + 8], "little") for at in (0, 8)] for word in encoded]
    return np.array(pairs, np.uint64).reshape(-1, 2)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


@compiled
def _copy(source, start, data, offsets):  # type: ignore[no-untyped-def]
    for row in range(len(start)):
        copy_bytes(data, offsets[row], source, start[row], offsets[row + 1] - offsets[row])


@compiled
def _append(out, place, first, separator, data, start, length):  # type: ignore[no-untyped-def]
    """Write each row's value at its place in `out`, behind a separator if the row has a value before it."""
    for row in range(len(place)):
        if length[row] < 0:
            continue
        at = place[row]
        if at > first[row]:
            for byte in separator:
                out[at] = byte
                at += 1
        for offset in range(length[row]):
            out[at + offset] = data[start[row] + offset]
        place[row] = at + length[row]


@compiled
def _trim(data, offsets, start, length):  # type: ignore[no-untyped-def]
    for row in range(len(start)):
        first, end = offsets[row], offsets[row + 1]
        while first < end:
            width = _space(data, first, end)
            if width == 0:
                break
            first += width
        while end > first:
            lead = end - 1
            while lead > first and data[lead] & 0xC0 == 0x80:
                lead -= 1
            if _space(data, lead, end) == 0:
                break
            end = lead
        start[row] = first
        length[row] = end - first if end > first else -1


@compiled
def _set_null(data, start, length, words):  # type: ignore[no-untyped-def]
    first_bytes = np.zeros(256, np.bool_)
    for word in range(len(words)):
        lower = words[word, 0] & np.uint64(0xFF)
        first_bytes[lower] = True
        if 97 <= lower <= 122:
            first_bytes[lower - np.uint64(32)] = True
    for row in range(len(start)):
        if not 0 < length[row] <= _WORD_BYTES or not first_bytes[data[start[row]]]:
            continue
        low, high = np.uint64(0), np.uint64(0)
        for offset in range(length[row]):
            byte = np.uint64(data[start[row] + offset])
            if 65 <= byte <= 90:
                byte |= np.uint64(32)
            if offset < 8:
                low |= byte << np.uint64(8 * offset)
            else:
                high |= byte << np.uint64(8 * (offset - 8))
        for word in range(len(words)):
            if low == words[word, 0] and high == words[word, 1]:
                length[row] = -1


@compiled
def _set_exponents_null(data, start, length):  # type: ignore[no-untyped-def]
    r"""Set `[+-]?\d([.,]\d*)?[Ee]\+\d{1,3}` and `[+-]?\d[.,]\d*[Ee]\d{1,3}` to null.

    Return the first such row, or -1.
    """
    found = -1
    for row in range(len(start)):
        if length[row] < 4:
            continue
        first, end = start[row], start[row] + length[row]
        mark = end - 1
        while mark > end - 4 and mark > first and 48 <= data[mark] <= 57:
            mark -= 1
        if mark == end - 1:
            continue
        plus = data[mark] == 43
        mark -= plus
        if mark < first + 1 or data[mark] | 32 != 101:
            continue
        at = first + (data[first] == 43 or data[first] == 45)
        digit = at < mark and 48 <= data[at] <= 57
        at += 1
        if at < mark and (data[at] == 44 or data[at] == 46):
            plus = True
            at += 1
            while at < mark and 48 <= data[at] <= 57:
                at += 1
        if digit and plus and at == mark:
            length[row] = -1
            if found < 0:
                found = row
    return found


@compiled
def _space(data, at, end):  # type: ignore[no-untyped-def]
    """Return the width in bytes of the character at a position if `str.isspace` accepts it, else 0."""
    lead = data[at]
    if lead < 0x80:
        return 1 if lead == 0x20 or 0x09 <= lead <= 0x0D or 0x1C <= lead <= 0x1F else 0
    if lead == 0xC2 and at + 1 < end:  # U+0085, U+00A0
        return 2 if data[at + 1] == 0x85 or data[at + 1] == 0xA0 else 0
    if at + 2 >= end:
        return 0
    second, third = data[at + 1], data[at + 2]
    ogham = lead == 0xE1 and second == 0x9A and third == 0x80  # U+1680
    general = lead == 0xE2 and second == 0x80 and (0x80 <= third <= 0x8A or third in (0xA8, 0xA9, 0xAF))  # U+20xx
    mathematical = lead == 0xE2 and second == 0x81 and third == 0x9F  # U+205F
    ideographic = lead == 0xE3 and second == 0x80 and third == 0x80  # U+3000
    return 3 if ogham or general or mathematical or ideographic else 0


@compiled
def _number(data, start, length, table, codes, first):  # type: ignore[no-untyped-def]
    """Look up each value in a hash table of codes, by linear probing; return the number of distinct values."""
    count = 0
    mask = np.uint64(len(table) - 1)
    for row in range(len(start)):
        if row > 0 and _same(data, start, length, row, row - 1):
            codes[row] = codes[row - 1]
            continue
        hashed = np.uint64(14695981039346656037)  # FNV-1a (Fowler, Noll, Vo)
        for at in range(start[row], start[row] + length[row]):
            hashed = (hashed ^ np.uint64(data[at])) * np.uint64(1099511628211)
        place = (hashed ^ (hashed >> np.uint64(32))) & mask
        while table[place] >= 0 and not _same(data, start, length, row, first[table[place]]):
            place = (place + np.uint64(1)) & mask
        if table[place] < 0:
            table[place] = count
            first[count] = row
            count += 1
        codes[row] = table[place]
    return count


@compiled
def _same(data, start, length, one, other):  # type: ignore[no-untyped-def]
    same = length[one] == length[other]
    at = 0
    while same and at < length[one]:
        same = data[start[one] + at] == data[start[other] + at]
        at += 1
    return same
