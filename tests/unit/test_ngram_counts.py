"""The distinct n-grams of texts, their class counts by bucket, and the loss of a regression on them."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.ngrams.class_counts import BUCKET_BITS, Pairs, bucket_sizes, count_classes, scatter
from sentiment_core.ngrams.distinct import DistinctNgrams, distinct_ngrams
from sentiment_core.ngrams.logistic_loss import many_classes, two_classes
from sentiment_core.text.specification import identity, ngrams
from sentiment_core.text.token_pipeline import TokenPipeline

TEXTS = ["good good lamp", "", "not good, not good at all", "awful good lamp", "the lamp", "a good, good lamp"]
REACH = 3


@pytest.fixture(scope="module")
def found() -> DistinctNgrams:
    return distinct_ngrams(TokenPipeline(REACH, None).tokens(TextColumn.from_texts(TEXTS)), 1, 2)


def of_bucket(grams: np.ndarray, bits: int) -> np.ndarray:
    numbers: np.ndarray = (grams >> np.uint64(64 - bits)).astype(np.int64)
    return numbers


def all_pairs(found: DistinctNgrams, bits: int, first: int = 0, last: int | None = None) -> Pairs:
    """Return the pairs of some buckets, written as if the texts had been read in two chunks."""
    last = 1 << bits if last is None else last
    sizes = np.bincount(of_bucket(found.hashes, bits), minlength=1 << bits)[first:last]
    starts = np.concatenate(([0], np.cumsum(sizes)))
    pairs = Pairs(np.empty(starts[-1], np.uint64), np.empty(starts[-1], np.uint32), starts)
    cursors, half = starts[:-1].copy(), found.offsets[2]
    scatter(DistinctNgrams(found.hashes[:half], found.offsets[:3]), 0, bits, first, cursors, pairs)
    scatter(DistinctNgrams(found.hashes[half:], found.offsets[2:] - half), 2, bits, first, cursors, pairs)
    np.testing.assert_array_equal(cursors, starts[1:])
    return pairs


def test_each_ngram_of_a_text_is_counted_once(found: DistinctNgrams) -> None:
    assert len(found.offsets) == len(TEXTS) + 1
    for row, text in enumerate(TEXTS):
        mine = found.hashes[found.offsets[row] : found.offsets[row + 1]].tolist()
        assert Counter(mine) == Counter({each.hash for each in ngrams(text, 1, 2, REACH)})


def test_ngrams_are_written_into_buckets_in_the_order_of_the_rows(found: DistinctNgrams) -> None:
    sizes = np.zeros(1 << BUCKET_BITS, np.int64)
    bucket_sizes(found.hashes, sizes)
    np.testing.assert_array_equal(sizes, np.bincount(of_bucket(found.hashes, BUCKET_BITS), minlength=len(sizes)))
    rows = np.repeat(np.arange(len(TEXTS)), np.diff(found.offsets))
    expected = sorted(zip(of_bucket(found.hashes, 2).tolist(), rows.tolist(), found.hashes.tolist(), strict=True))
    pairs = all_pairs(found, 2)
    for bucket in range(4):
        part = slice(pairs.starts[bucket], pairs.starts[bucket + 1])
        assert (np.diff(pairs.rows[part].astype(np.int64)) >= 0).all()
        written = zip(pairs.rows[part].tolist(), pairs.hashes[part].tolist(), strict=True)
        assert sorted(written) == [each[1:] for each in expected if each[0] == bucket]
    middle = all_pairs(found, 2, 1, 3)
    np.testing.assert_array_equal(middle.hashes, pairs.hashes[pairs.starts[1] : pairs.starts[3]])


def test_the_ratio_compares_each_class_with_the_others(found: DistinctNgrams) -> None:
    shares = np.array([[0, 1], [0, 1], [1, 0], [1, 0], [1, 0], [0, 2]], np.float64)
    priors, learned = np.array([0.4, 0.6]), 5
    counted = count_classes(all_pairs(found, 3), shares, learned, priors, 0.5, 2, 0.0)
    texts: Counter[int] = Counter()
    sums: dict[int, np.ndarray] = {}
    for row, text in enumerate(TEXTS):
        for gram in {each.hash for each in ngrams(text, 1, 2, REACH)}:
            texts[gram] += row < learned
            sums[gram] = sums.get(gram, np.zeros(2)) + shares[row]
    frequent = [gram for gram in sums if texts[gram] >= 2]
    assert len(frequent) > 1
    order = np.argsort(counted.candidates.ngrams)
    assert counted.candidates.ngrams[order].tolist() == sorted(map(identity, frequent))
    for place, gram in zip(order, sorted(frequent, key=identity), strict=True):
        smoothed = sums[gram] + 2 * 0.5 * priors
        negative, positive = smoothed / priors
        assert counted.candidates.ratios[place] == pytest.approx([abs(np.log(positive / negative))])
        assert counted.candidates.ranks[place] == pytest.approx(
            abs(np.log(positive / negative)) * np.sqrt(smoothed.sum())
        )
        assert counted.candidates.texts[place] == texts[gram]
    ranks = counted.candidates.ranks
    best = count_classes(all_pairs(found, 3), shares, learned, priors, 0.5, 2, float(ranks.max())).candidates
    assert best.ngrams.tolist() == counted.candidates.ngrams[ranks == ranks.max()].tolist()
    assert len(best.ngrams) < len(frequent)


def test_different_ngrams_of_one_identity_are_left_out_and_counted() -> None:
    gram = 0x0123_4567_89AB_CDEF
    twin = gram ^ 1  # the lowest bits do not belong to an identity
    assert identity(gram) == identity(twin)
    pairs = Pairs(np.array([gram, twin], np.uint64), np.array([0, 1], np.uint32), np.array([0, 2]))
    counted = count_classes(pairs, np.eye(2), 2, np.array([0.5, 0.5]), 1.0, 2, 0.0)
    assert (counted.ambiguous, len(counted.candidates.ngrams)) == (1, 0)
    alone = Pairs(np.array([gram, gram], np.uint64), *pairs[1:])
    counted = count_classes(alone, np.eye(2), 2, np.array([0.5, 0.5]), 1.0, 2, 0.0)
    assert (counted.ambiguous, counted.candidates.ngrams.tolist()) == (0, [identity(gram)])


@pytest.mark.parametrize(("loss", "count"), [(two_classes, 1), (many_classes, 3)])
def test_the_gradient_is_the_slope_of_the_loss(loss, count: int) -> None:
    indices, offsets = np.array([0, 2, 1, 0, 1, 2], np.int32), np.array([0, 2, 2, 3, 6])
    classes = np.array([0, 1, 1, 0] if count == 1 else [0, 1, 2, 1], np.int8)
    weights, dice = np.array([1.0, 0.5, 2.0, 1.5]), np.random.default_rng(2)
    coefficients, intercepts = dice.normal(size=(3, count)), dice.normal(size=count)
    gradient, bias = np.zeros((3, count)), np.zeros(count)

    def value(coefficients: np.ndarray, intercepts: np.ndarray) -> float:
        data = indices, offsets, classes, weights
        return float(loss(*data, coefficients, intercepts, np.zeros((3, count)), np.zeros(count)))

    total = loss(indices, offsets, classes, weights, coefficients, intercepts, gradient, bias)
    margins = np.array(
        [
            coefficients[indices[first:last]].sum(axis=0) / np.sqrt(max(last - first, 1)) + intercepts
            for first, last in pairwise(offsets.tolist())
        ]
    )
    logits = np.concatenate((np.zeros((4, 1)), margins), axis=1) if count == 1 else margins
    chosen = logits[np.arange(4), classes] - np.log(np.exp(logits).sum(axis=1))
    assert total == pytest.approx(-(weights * chosen).sum())
    step = 1e-6
    for place in np.ndindex(3, count):
        moved = np.zeros((3, count))
        moved[place] = step
        slope = (value(coefficients + moved, intercepts) - value(coefficients - moved, intercepts)) / (2 * step)
        assert gradient[place] == pytest.approx(slope, abs=1e-6)
    for place in range(count):
        moved = np.eye(count)[place] * step
        slope = (value(coefficients, intercepts + moved) - value(coefficients, intercepts - moved)) / (2 * step)
        assert bias[place] == pytest.approx(slope, abs=1e-6)
