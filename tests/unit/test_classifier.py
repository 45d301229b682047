"""The classifier selects, weights and fits as defined, whatever the number of passes and threads."""

import weakref
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from sentiment_core.columnar import columns
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.labels import LABELS
from sentiment_core.ngrams.class_counts import Pairs
from sentiment_core.params import Params
from sentiment_core.text.specification import identity, ngrams
from sentiment_core.training import feature_selection, logistic_regression
from sentiment_core.training.classifier import NgramClassifier
from sentiment_core.training.corpus import Corpus
from sentiment_core.training.logistic_regression import PresenceRows, Stopping, contrasts, fit_logistic
from sentiment_core.training.train import build_classifier, cross_validate


def distinct(text: str) -> set[int]:
    """Return the hashes of a text's 1-2-grams, by the definition of the text recipe."""
    return {gram.hash for gram in ngrams(text, 1, 2, 3)}


def test_ngrams_are_selected_and_weighted_as_defined(three: LabelledReviews) -> None:
    weights = np.linspace(0.5, 1.5, len(three.texts))
    model = NgramClassifier(longest_ngram=2, features=150, smoothing=0.5, iterations=1)
    model.fit(three.texts, three.labels, weights)

    grams = [distinct(text) for text in three.texts]
    roots = [len(found) ** 0.5 for found in grams]
    texts: Counter[int] = Counter()
    sums: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(3))
    for found, root, label, weight in zip(grams, roots, three.labels.tolist(), weights.tolist(), strict=True):
        for gram in found:
            texts[identity(gram)] += 1
            sums[identity(gram)][label] += weight * np.mean(roots) / root
    priors = sum(sums.values()) / sum(map(np.sum, sums.values()))
    ratios, ranks = {}, {}
    for gram in (gram for gram, count in texts.items() if count >= 2):
        mine = sums[gram] + 3 * 0.5 * priors
        (negative, neutral, positive), polar = mine / priors, mine[0] + mine[2]
        neutrality = np.log(neutral) - np.log(polar / (priors[0] + priors[2]))
        ratios[gram] = np.abs([np.log(positive) - np.log(negative), neutrality])
        ranks[gram] = (-ratios[gram].max() * np.sqrt(mine.sum()), gram)
    selected = sorted(sorted(ranks, key=ranks.__getitem__)[:150])
    # The order of nearly equal ranks is not defined.
    assert len(set(selected) & set(model.ngrams_.tolist())) >= 149
    known = [gram for gram in model.ngrams_.tolist() if gram in selected]
    idf = [np.log((1 + len(grams)) / (1 + texts[gram])) + 1 for gram in known]
    expected = np.array(idf)[:, np.newaxis] * np.array([ratios[gram] for gram in known]) ** 0.7
    np.testing.assert_allclose(model.scales_[np.isin(model.ngrams_, known)], expected)


def test_an_ngram_is_no_evidence_for_a_rare_label_that_it_never_occurs_in() -> None:
    texts = [f"plain thing {row}" for row in range(96)] + [f"odd thing {row}" for row in range(4)]
    labels = np.array([0, 2] * 48 + [1] * 4, np.int8)
    model = NgramClassifier(longest_ngram=1).fit(texts, labels)
    assert model.predict(["odd", "plain"]).tolist()[0] == 1
    plain = identity(next(ngrams("plain", 1, 1)).hash)
    assert model.weights_[1, np.flatnonzero(model.ngrams_ == plain)] < 0


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_contrasts_of_classes_are_orthonormal_and_leave_nothing_out(count: int) -> None:
    found = contrasts(count)
    np.testing.assert_allclose(found.T @ found, np.eye(count - 1), atol=1e-15)
    if count > 2:
        np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-15)


def test_of_three_classes_the_first_contrast_is_polarity_and_the_second_neutrality() -> None:
    polarity, neutrality = contrasts(3).T
    np.testing.assert_allclose(polarity, np.array([-1, 0, 1]) / 2**0.5)
    np.testing.assert_allclose(neutrality, np.array([-1, 2, -1]) / 6**0.5)


def test_each_contrast_has_its_own_scale() -> None:
    """A feature whose scale of polarity is 0 distinguishes neutral from the others only."""
    classes = np.array([0, 1, 1, 1, 2, 2, 0, 1, 2], np.int8)
    rows = PresenceRows(np.zeros(6, np.int32), np.array([0, 1, 2, 3, 4, 5, 6, 6, 6, 6]))  # the last three lack it
    found = fit_logistic(rows, classes, np.ones(9), np.array([[0.0, 1.0]]), 5.0, Stopping(1e-12, 500), 1)
    negative, neutral, positive = found.weights[:, 0].tolist()
    assert negative == pytest.approx(positive)
    assert neutral > 0 > negative


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_solver_agrees_with_scikit_learn(count: int) -> None:
    dice = np.random.default_rng(1)
    rows = [np.flatnonzero(dice.random(40) < 0.2).astype(np.int32) for _ in range(300)]
    rows[7] = rows[7][:0]  # a row without features
    offsets = np.cumsum([0, *map(len, rows)])
    classes = np.array([(row.sum() + dice.integers(0, 2)) % count for row in rows], np.int8)
    weights, scales = dice.random(300) + 0.1, dice.random(40) + 0.5
    found = fit_logistic(
        PresenceRows(np.concatenate(rows), offsets),
        classes,
        weights,
        np.repeat(scales[:, np.newaxis], count - 1, axis=1),
        2.0,
        Stopping(1e-14, 1000),
        2,
    )
    values = np.concatenate([scales[row] / np.sqrt(max(len(row), 1)) for row in rows])
    matrix = csr_array((values, np.concatenate(rows), offsets), shape=(300, 40))
    twin = LogisticRegression(C=2.0, tol=1e-8, max_iter=10_000).fit(matrix, classes, weights)
    np.testing.assert_allclose(found.weights, twin.coef_ * scales, atol=3e-4)
    np.testing.assert_allclose(found.intercepts, twin.intercept_, atol=2e-4)


def test_passes_threads_and_chunks_do_not_change_the_model(
    three: LabelledReviews, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = params.model.model_copy(update={"features": 300, "iterations": 10})
    monkeypatch.setattr(logistic_regression, "_FEATURES_PER_PART", 1000)
    one = build_classifier(options).fit(three.texts, three.labels, None, three.texts[:90])
    monkeypatch.setattr(columns, "_CHUNK", 3000)
    monkeypatch.setattr(feature_selection, "_PAIRS_PER_BUCKET", 100)
    monkeypatch.setattr(feature_selection, "_PAIRS_PER_TASK", 500)
    many = build_classifier(options, threads=3).set_params(memory=12 * 2000)
    many.fit(three.texts, three.labels, None, three.texts[:90])
    assert len(Corpus(three.texts, 3).lanes(one._recipe())) == 3
    for name in ("ngrams_", "weights_", "intercept_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))
    assert one.ambiguous_ == many.ambiguous_


def test_the_pairs_of_a_pass_are_freed_before_the_next_pass_allocates(
    three: LabelledReviews, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocate, passes = feature_selection._pairs, []

    def pairs(*arguments: Any) -> Pairs:
        assert all(earlier() is None for earlier in passes), "two passes take the memory of counting twice"
        found = allocate(*arguments)
        passes.append(weakref.ref(found.hashes))
        return found

    monkeypatch.setattr(feature_selection, "_PAIRS_PER_BUCKET", 100)
    monkeypatch.setattr(feature_selection, "_pairs", pairs)
    options = params.model.model_copy(update={"features": 300, "iterations": 1})
    build_classifier(options, threads=2).set_params(memory=12 * 2000).fit(three.texts, three.labels)
    assert len(passes) > 2


def test_of_equal_ranks_the_smallest_identities_are_selected() -> None:
    texts = [f"{word} x{number}" for number in range(20) for word in ("up", "down")]
    names = [f"x{number}" for number in range(20)]
    model = NgramClassifier(longest_ngram=1, features=7).fit(texts, np.tile([2, 0], 20))
    words = {identity(next(ngrams(word, 1, 1)).hash) for word in ("up", "down")}
    rest = sorted(identity(next(ngrams(name, 1, 1)).hash) for name in names)[:5]
    assert set(model.ngrams_.tolist()) == words | set(rest)


def test_a_small_class_is_learned(three: LabelledReviews, params: Params) -> None:
    neutral = np.flatnonzero(three.labels == LABELS.index("neutral"))
    few = three.take(np.sort(np.concatenate((np.flatnonzero(three.labels != 1), neutral[:30]))))
    held_out = cross_validate(few, params)
    assert f1_score(few.labels, held_out.probabilities.argmax(axis=1), average="macro") > 0.85
