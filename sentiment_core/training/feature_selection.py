"""Selection of a model's n-grams: those that separate the labels best, by naive-Bayes ratio and frequency."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.ngrams.class_counts import (
    BUCKET_BITS,
    ENTRY_BYTES,
    CountedNgrams,
    NgramRatios,
    Pairs,
    bucket_sizes,
    count_classes,
    scatter,
)
from sentiment_core.ngrams.distinct import distinct_ngrams
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.training.corpus import Chunk, Corpus, in_order

_BUCKETS: Final = 1 << BUCKET_BITS
_PAIRS_PER_BUCKET: Final = 1 << 15  # fits the processor's cache
_PAIRS_PER_TASK: Final = 1 << 20
_LEAST_PRIOR: Final = 1e-9  # of a class whose texts have no n-grams


class Sizes(NamedTuple):
    """The n-gram sizes of a model, in tokens."""

    shortest: int
    longest: int


class Survey(NamedTuple):
    """The number of distinct n-grams of each of n texts, and of each bucket in each lane of a corpus."""

    lengths: NDArray[np.int32]  # n
    buckets: NDArray[np.int64]  # (lanes, buckets)


class Selection(NamedTuple):
    """n selected n-grams."""

    ngrams: Hashes  # identities, ascending
    ratios: NDArray[np.float64]  # (n, contrasts): the absolute naive-Bayes log-count ratios
    texts: NDArray[np.int64]  # number of learned texts that contain each
    ambiguous: int  # number of frequent n-grams that are left out because another one has the same identity


class ClassShares(NamedTuple):
    """How much each of n texts adds to the sums of each class, and each class's fraction of the sums of all n-grams."""

    shares: NDArray[np.float64]  # (n, classes)
    priors: NDArray[np.float64]  # classes


def survey(corpus: Corpus, recipe: TokenPipeline, sizes: Sizes) -> Survey:
    """Count the distinct n-grams of each text and of each bucket."""
    lengths = np.empty(len(corpus.texts), np.int32)

    def read(lane: Iterator[Chunk]) -> NDArray[np.int64]:
        buckets = np.zeros(_BUCKETS, np.int64)
        for first, tokens in lane:
            grams = distinct_ngrams(tokens, *sizes)
            lengths[first : first + len(grams.offsets) - 1] = np.diff(grams.offsets)
            bucket_sizes(grams.hashes, buckets)
        return buckets

    return Survey(lengths, np.array(list(in_order(read, corpus.lanes(recipe), corpus.threads))))


def class_shares(lengths: NDArray[np.int32], probabilities: NDArray[np.float64], learned: int) -> ClassShares:
    """Return how much each text adds to the class sums: its weighted class probabilities, less for a longer text.

    A text counts in inverse proportion to the square root of its number of distinct n-grams, relative to the mean of
    the `learned` first texts. `probabilities` has the shape (n, classes), and is overwritten by the result, because
    counting needs the memory.
    """
    roots = np.sqrt(np.maximum(lengths, 1))
    shares = np.multiply(probabilities, (roots[:learned].mean() / roots)[:, np.newaxis], out=probabilities)
    sums = np.maximum(lengths @ shares, _LEAST_PRIOR)
    return ClassShares(shares, np.clip(sums / sums.sum(), _LEAST_PRIOR, 1 - _LEAST_PRIOR))


def select(
    corpus: Corpus,
    recipe: TokenPipeline,
    sizes: Sizes,
    surveyed: Survey,
    classes: ClassShares,
    learned: int,
    *,
    smoothing: float,
    min_texts: int,
    features: int,
    memory: int,
) -> Selection:
    """Return the `features` n-grams of the largest ratio times the square root of their count.

    N-grams are counted in as many passes over the texts as `memory` (bytes) requires. The result does not depend on the
    number of passes or threads.
    """
    pool = _Strongest(features)
    buckets = _coarse(surveyed.buckets)

    def count(part: Pairs) -> CountedNgrams:
        return count_classes(part, classes.shares, learned, classes.priors, smoothing, min_texts, pool.least_rank)

    def count_all(pairs: Pairs) -> None:
        for found in in_order(count, _tasks(pairs), corpus.threads):
            pool.add(found)

    for chosen in _passes(buckets.sum(axis=0), memory):
        # No name refers to the pairs here, so those of one pass are freed before the next pass allocates its own.
        count_all(_pairs(corpus, recipe, sizes, buckets, chosen))
    return pool.selection()


class _Strongest:
    """The n-grams of the largest ranks so far."""

    def __init__(self, features: int) -> None:
        self.least_rank = 0.0  # n-grams of smaller ranks cannot be selected
        self._features = features
        self._parts: list[NgramRatios] = []
        self._waiting = 0
        self._ambiguous = 0

    def add(self, found: CountedNgrams) -> None:
        self._parts.append(found.candidates)
        self._waiting += len(found.candidates.ngrams)
        self._ambiguous += found.ambiguous
        if self._waiting > 4 * self._features:
            self._reduce()

    def selection(self) -> Selection:
        found = self._reduce()
        found = found.take(np.argsort(found.ngrams))
        return Selection(found.ngrams, found.ratios, found.texts, self._ambiguous)

    def _reduce(self) -> NgramRatios:
        """Keep the n-grams of the largest ranks; of equal ranks, those of the smallest identities."""
        found = NgramRatios(*(np.concatenate(column) for column in zip(*self._parts, strict=True)))
        if (excess := len(found.ngrams) - self._features) > 0:
            self.least_rank = float(np.partition(found.ranks, excess)[excess])
            kept = found.ranks > self.least_rank
            equal = np.flatnonzero(found.ranks == self.least_rank)
            kept[equal[np.argsort(found.ngrams[equal])[: self._features - int(kept.sum())]]] = True
            found = found.take(kept)
        self._parts = [found]
        self._waiting = 0
        return found


def _coarse(buckets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge buckets to about `_PAIRS_PER_BUCKET` pairs: writing to many buckets is slower than to a few."""
    bits = min(max((int(buckets.sum()) // _PAIRS_PER_BUCKET).bit_length(), 1), BUCKET_BITS)
    merged: NDArray[np.int64] = buckets.reshape(len(buckets), 1 << bits, -1).sum(axis=2)
    return merged


def _passes(sizes: NDArray[np.int64], memory: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of buckets whose pairs fit the memory together; a single larger bucket is a range too."""
    ends = np.concatenate(([0], np.cumsum(sizes)))
    first = 0
    while first < len(sizes):
        last = int(np.searchsorted(ends, ends[first] + memory // ENTRY_BYTES, "right")) - 1
        last = min(max(last, first + 1), len(sizes))
        yield first, last
        first = last


def _pairs(
    corpus: Corpus, recipe: TokenPipeline, sizes: Sizes, buckets: NDArray[np.int64], chosen: tuple[int, int]
) -> Pairs:
    """Return the pairs of a range of buckets, given the sizes of all buckets by lane."""
    bits = buckets.shape[1].bit_length() - 1
    counts = buckets[:, slice(*chosen)]
    total = int(counts.sum())
    # A bucket's pairs of one lane follow those of the previous lane, so they are in the order of the rows.
    cursors = np.cumsum(counts.T.ravel()).reshape(counts.shape[::-1]).T - counts
    starts = np.append(cursors[0], total)
    pairs = Pairs(np.empty(total, np.uint64), np.empty(total, np.uint32), starts)

    def write(lane: tuple[Iterator[Chunk], NDArray[np.int64]]) -> None:
        chunks, mine = lane
        for first, tokens in chunks:
            scatter(distinct_ngrams(tokens, *sizes), first, bits, chosen[0], mine, pairs)

    lanes = zip(corpus.lanes(recipe), [row.copy() for row in cursors], strict=True)
    list(in_order(write, lanes, corpus.threads))
    return pairs


def _tasks(pairs: Pairs) -> Sequence[Pairs]:
    """Divide pairs into tasks of consecutive buckets."""
    starts = pairs.starts
    cuts = np.unique(np.searchsorted(starts, np.arange(0, starts[-1] + _PAIRS_PER_TASK, _PAIRS_PER_TASK)))
    cuts = np.unique(np.append(np.minimum(cuts, len(starts) - 1), (0, len(starts) - 1)))
    return [pairs._replace(starts=starts[first : last + 1]) for first, last in pairwise(cuts.tolist())]
