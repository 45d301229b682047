"""A model's vocabulary of n-grams: a hash table for lookups in which most n-grams are unknown.

Compiled functions (`columnar/compiled.py`).
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS, equal_keys, trailing_zeros
from sentiment_core.text.hashing import Hashes, identity
from sentiment_core.text.specification import IDENTITY_SHIFT

_FILTER_BITS_PER_FEATURE: Final = 16
_MAX_MEAN_KEYS_PER_BUCKET: Final = 5  # a bucket holds 8, so few overflow
_KEY_BITS: Final = 32
_PREFIX_BITS: Final = 64 - IDENTITY_SHIFT - _KEY_BITS  # bits of a hash that its key omits
_SIX: Final = np.uint64(6)
_LOW_SIX: Final = np.uint64(63)
_IDENTITY_SHIFT: Final = np.uint64(IDENTITY_SHIFT)
_ONE: Final = np.uint64(1)
_LAST: Final = KEYS - 1

ROW: Final = 2 * KEYS  # cells of a bucket: its keys and their values


class Vocabulary(NamedTuple):
    """The n-grams of a model: a hash table of buckets of eight keys, preceded by a filter.

    A bucket is one row of 64 bytes, one cache line: eight keys (0 for an empty slot), then one value for each key. An
    n-gram belongs to the bucket of its highest bits, or to one of the next buckets if that one is full. Its slot is the
    index of its key in the table, and its value is at `slot + KEYS`. Compiled functions take the arrays, not this
    class, because Numba's cache would tie the machine code to its name.
    """

    filter: NDArray[np.uint64]  # a bit for each prefix that occurs; it rejects most unknown n-grams
    cells: NDArray[np.uint32]  # the concatenated rows


def vocabulary(identities: Hashes, values: NDArray[np.uint32]) -> Vocabulary:
    """Index n n-grams by their identities (`specification.identity`), which must be ascending and distinct.

    `values` has the shape (n,).
    """
    bucket_bits = max((len(identities) // _MAX_MEAN_KEYS_PER_BUCKET).bit_length(), _PREFIX_BITS + 1)
    while True:
        table, farthest = _table(identities, values, bucket_bits)
        # A bucket's number and a key share some bits of the hash. If an n-gram is displaced by less than these bits can
        # count, no other n-gram can be mistaken for it.
        if farthest < 1 << (bucket_bits - _PREFIX_BITS):
            return table
        bucket_bits += 1


def _table(identities: Hashes, values: NDArray[np.uint32], bucket_bits: int) -> tuple[Vocabulary, int]:
    """Return the table of `2**bucket_bits` buckets, and the largest displacement of an n-gram, in buckets."""
    filter_bits = max((_FILTER_BITS_PER_FEATURE * len(identities)).bit_length(), 6)
    rows = (1 << bucket_bits) + len(identities) // KEYS + 2  # with room after the last bucket
    table = Vocabulary(np.zeros(1 << (filter_bits - 6), np.uint64), _rows(rows))
    return table, _fill(identities, values, *table, bucket_bits)


def _rows(count: int) -> NDArray[np.uint32]:
    """Return empty rows that each are one cache line. NumPy would let them begin in the middle of one."""
    cells = np.zeros((count + 1) * ROW, np.uint32)
    first = -(cells.ctypes.data // cells.itemsize) % ROW
    return cells[first : first + count * ROW]


def mapped(table: Vocabulary, path: Path) -> Vocabulary:
    """Return the same table, mapped from a file, so that the processes that use the file share its memory.

    Write the file if there is none. A file that differs from the table is not used: then, and if the file cannot be
    written or mapped, return the given table.
    """
    with suppress(OSError):
        if not path.exists():
            _write(table, path)
        if path.stat().st_size == table.cells.nbytes + table.filter.nbytes:
            # Nobody writes to the arrays. They are not read-only, because Numba compiles again for those.
            data = np.asarray(np.memmap(path, np.uint8, "c"))
            size = table.cells.nbytes
            found = Vocabulary(data[size:].view(np.uint64), data[:size].view(np.uint32))
            if np.array_equal(found.filter, table.filter) and np.array_equal(found.cells, table.cells):
                return found
    return table


def _write(table: Vocabulary, path: Path) -> None:
    """Write the cells, which begin a page so that no bucket is in two cache lines, and then the filter."""
    own = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with own.open("wb") as file:
            file.write(table.cells.data)
            file.write(table.filter.data)
        # Unlike a rename, a link does not replace the file of a process that was faster.
        with suppress(FileExistsError):
            path.hardlink_to(own)
    finally:
        own.unlink(missing_ok=True)


@compiled
def _fill(identities: Any, values: Any, filter_: Any, cells: Any, bucket_bits: int) -> Any:
    filter_shift = shift_for(64 * len(filter_))
    farthest: Any = 0
    for feature in range(len(identities)):
        gram = identities[feature] << _IDENTITY_SHIFT
        bit = gram >> filter_shift
        filter_[bit >> _SIX] |= _ONE << (bit & _LOW_SIX)
        bucket = np.int64(gram >> np.uint64(64 - bucket_bits))
        row = bucket
        while cells[row * ROW + _LAST] != 0:
            row += 1
        slot = row * ROW
        while cells[slot] != 0:
            slot += 1
        cells[slot] = np.uint32(identities[feature])
        cells[slot + KEYS] = values[feature]
        farthest = max(farthest, row - bucket)
    return farthest


@compiled
def shift_for(size: int) -> Any:
    """Return the right shift that turns a hash into an index below the largest power of two not above `size`."""
    bits = 0
    while 1 << (bits + 1) <= size:
        bits += 1
    return np.uint64(64 - bits)


@compiled
def may_hold(filter_: Any, shift: Any, gram: Any) -> Any:
    """Return 1 if the filter has the n-gram's prefix, else 0. `shift` is `shift_for` of the filter's bits."""
    bit = gram >> shift
    return np.int64((filter_[bit >> _SIX] >> (bit & _LOW_SIX)) & _ONE)


@compiled
def slot_of(cells: Any, shift: Any, gram: Any) -> Any:
    """Return the slot of an n-gram, or -1 if it is unknown. `shift` is `shift_for` of the number of rows."""
    key = np.uint32(identity(gram))
    first = np.int64(gram >> shift) * ROW
    equal = equal_keys(cells, first, key)
    while equal == 0 and cells[first + _LAST] != 0:
        first += ROW
        equal = equal_keys(cells, first, key)
    return first + trailing_zeros(equal) if equal else -1
