"""Weighted class counts of n-grams, by a partition of the hashes. Compiled functions (`columnar/compiled.py`).

The n-grams of all texts are written into buckets by their highest bits, as pairs of a hash and a row. The pairs of a
bucket are in the order of the rows, so its sums are the same to the last bit, whatever the number of threads and
passes. A bucket fits the processor's cache, which a table of all n-grams would not.
"""

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.ngrams.distinct import DistinctNgrams
from sentiment_core.text.hashing import Hashes, identity
from sentiment_core.text.specification import IDENTITY_SHIFT

BUCKET_BITS: Final = 14  # at most
ENTRY_BYTES: Final = 12  # a hash and a row
_SHIFT: Final = np.uint64(64 - BUCKET_BITS)
_IDENTITY_BITS: Final = np.uint64(IDENTITY_SHIFT + 1)  # hashes of one identity differ below these bits only


class NgramRatios(NamedTuple):
    """n n-grams that may be selected, in no particular order."""

    ngrams: Hashes  # identities
    ranks: NDArray[np.float64]  # the n-grams of the largest ranks are selected
    ratios: NDArray[np.float64]  # (n, contrasts): the absolute naive-Bayes log-count ratios
    texts: NDArray[np.int64]  # number of learned texts that contain each

    def take(self, rows: NDArray[Any]) -> Self:
        """Return the n-grams of an index array or a mask."""
        return type(self)(self.ngrams[rows], self.ranks[rows], self.ratios[rows], self.texts[rows])


class CountedNgrams(NamedTuple):
    """What `count_classes` found."""

    candidates: NgramRatios
    ambiguous: int  # number of frequent n-grams that are left out because another one has the same identity


class Pairs(NamedTuple):
    """Hashes and rows of the n-grams of consecutive buckets. `starts` says where each bucket's pairs begin."""

    hashes: Hashes
    rows: NDArray[np.uint32]
    starts: NDArray[np.int64]  # buckets + 1


def class_order(classes: int) -> NDArray[np.int64]:
    """Return the classes in the order in which they are compared: the first, the last, then the others.

    The first contrast compares the last class with the first, such as positive with negative. Each further one compares
    the next class with all before it, such as neutral with both.
    """
    return np.insert(np.arange(classes - 1), 1, classes - 1)


def bucket_sizes(grams: Hashes, sizes: NDArray[np.int64]) -> None:
    """Add the number of n-grams of each bucket of `BUCKET_BITS` bits to `sizes`."""
    _bucket_sizes(grams, sizes)


def scatter(
    grams: DistinctNgrams, first_row: int, bits: int, first_bucket: int, cursors: NDArray[np.int64], out: Pairs
) -> None:
    """Write the n-grams of consecutive rows into their buckets, at `cursors`, and move the cursors.

    A bucket is the highest `bits` bits, at least one. N-grams are ignored if no cursor, the first of which is that of
    `first_bucket`, belongs to their bucket.
    """
    _scatter(*grams, first_row, np.uint64(64 - bits), first_bucket, cursors, out.hashes, out.rows)


def count_classes(
    pairs: Pairs,
    shares: NDArray[np.float64],
    learned: int,
    priors: NDArray[np.float64],
    smoothing: float,
    min_texts: int,
    least_rank: float,
) -> CountedNgrams:
    """Return the n-grams that at least `min_texts` learned texts contain, and whose rank is at least `least_rank`.

    `shares`, of shape (rows, classes), says how much a row adds to the sums of each class. The rows from `learned` on
    only add to the sums of n-grams that learned texts contain. `priors` is each class's fraction of the sums over all
    n-grams. A ratio compares one class with those before it in `class_order` (S. Wang and C. Manning, ACL 2012, for
    two classes), and the largest one counts in the rank. Smoothing adds to each class in proportion to its prior, so
    that an n-gram is not evidence for a rare class that it never occurs in.
    """
    room = int(pairs.starts[-1] - pairs.starts[0]) // min_texts + 1
    order = class_order(len(priors))
    ratios = np.empty((room, len(order) - 1))
    out = NgramRatios(np.empty(room, np.uint64), np.empty(room), ratios, np.empty(room, np.int64))
    found, ambiguous = _count(*pairs, shares, learned, priors, order, smoothing, min_texts, least_rank, *out)
    return CountedNgrams(out.take(np.arange(found)), ambiguous)


@compiled
def _bucket_sizes(grams: Any, sizes: Any) -> None:
    for index in range(len(grams)):
        sizes[grams[index] >> _SHIFT] += 1


@compiled
def _scatter(
    grams: Any,
    offsets: Any,
    first_row: int,
    shift: Any,
    first_bucket: int,
    cursors: Any,
    out_hashes: Any,
    out_rows: Any,
) -> None:
    for row in range(len(offsets) - 1):
        for index in range(offsets[row], offsets[row + 1]):
            bucket = np.int64(grams[index] >> shift) - first_bucket
            if 0 <= bucket < len(cursors):
                place = cursors[bucket]
                out_hashes[place] = grams[index]
                out_rows[place] = first_row + row
                cursors[bucket] = place + 1


@compiled
def _count(
    hashes: Any,
    rows: Any,
    starts: Any,
    shares: Any,
    learned: int,
    priors: Any,
    order: Any,
    smoothing: float,
    min_texts: int,
    least_rank: float,
    out_ngrams: Any,
    out_ranks: Any,
    out_ratios: Any,
    out_texts: Any,
) -> tuple[int, int]:
    """Write the candidates of all buckets; return their number, and the number of ambiguous n-grams."""
    largest = 0
    for bucket in range(len(starts) - 1):
        largest = max(largest, starts[bucket + 1] - starts[bucket])
    slots = np.empty(_capacity(largest), np.int32)
    grams = np.empty(largest, np.uint64)
    texts = np.empty(largest, np.int64)
    several = np.empty(largest, np.bool_)
    sums = np.empty((largest, len(priors)))
    found, ambiguous = 0, 0
    for bucket in range(len(starts) - 1):
        first, last = starts[bucket], starts[bucket + 1]
        used = slots[: _capacity(last - first)]
        count = _add(hashes[first:last], rows[first:last], shares, learned, used, grams, texts, several, sums)
        for place in range(count):
            if texts[place] < min_texts:
                continue
            if several[place]:
                ambiguous += 1
                continue
            # The next candidate overwrites the ratios of one with a smaller rank.
            total = _write_ratios(sums[place], priors, order, smoothing, out_ratios[found])
            rank = out_ratios[found].max() * np.sqrt(total)
            if rank >= least_rank:
                out_ngrams[found] = identity(grams[place])
                out_ranks[found] = rank
                out_texts[found] = texts[place]
                found += 1
    return found, ambiguous


@compiled
def _capacity(pairs: int) -> int:
    capacity = 2
    while capacity < 2 * pairs:
        capacity *= 2
    return capacity


@compiled
def _add(
    hashes: Any, rows: Any, shares: Any, learned: int, slots: Any, grams: Any, texts: Any, several: Any, sums: Any
) -> int:
    """Count the n-grams of a bucket by identity; return their number.

    `slots` is a hash table of their places in the arrays that follow it; -1 is an empty slot. `several` says whether
    different hashes have one identity.
    """
    slots[:] = -1
    mask = np.uint64(len(slots) - 1)
    count = 0
    for index in range(len(hashes)):
        gram, row = hashes[index], rows[index]
        slot = np.int64((gram >> _IDENTITY_BITS) & mask)
        while slots[slot] >= 0 and (grams[slots[slot]] ^ gram) >> _IDENTITY_BITS != 0:
            slot = (slot + 1) & (len(slots) - 1)
        place = slots[slot]
        if place < 0:
            if row >= learned:
                continue
            place = count
            count += 1
            slots[slot] = place
            grams[place] = gram
            texts[place] = 0
            several[place] = False
            sums[place] = 0
        if row < learned:
            texts[place] += 1
            several[place] |= grams[place] != gram
        for each in range(sums.shape[1]):
            sums[place, each] += shares[row, each]
    return count


@compiled
def _write_ratios(sums: Any, priors: Any, order: Any, smoothing: float, ratios: Any) -> Any:
    """Write the absolute log-count ratio of each contrast; return the smoothed sum over the classes."""
    added = smoothing * len(priors)
    prior = priors[order[0]]
    total = sums[order[0]] + added * prior
    for place in range(1, len(order)):
        mine = sums[order[place]] + added * priors[order[place]]
        ratios[place - 1] = abs(np.log(mine / priors[order[place]]) - np.log(total / prior))
        total += mine
        prior += priors[order[place]]
    return total
