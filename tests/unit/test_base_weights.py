"""A training that starts from the starter's weights keeps what the starter knows, and learns what its rows add."""

from dataclasses import replace

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.params import ModelParams, Params
from sentiment_core.text.fingerprints import hash_texts
from sentiment_core.text.specification import identity, ngrams
from sentiment_core.training import train as training
from sentiment_core.training.base_weights import BaseWeights
from sentiment_core.training.train import fit, train

TWO = ("negative", "positive")
PARTS = ("screen", "hinge", "cable", "remote", "stand", "menu")
OPINIONS = {"negative": "flickers badly", "neutral": "measures twelve inches", "positive": "looks crisp"}


def televisions(names: tuple[str, ...]) -> LabelledReviews:
    """Return 300 reviews whose words of opinion no generated review of the conftest has."""
    labels = [names[row % len(names)] for row in range(300)]
    texts = [f"{PARTS[row % 5]} {OPINIONS[label]} #{row}" for row, label in enumerate(labels)]
    return LabelledReviews(texts, np.array([LABELS.index(label) for label in labels], np.int8), texts)


@pytest.fixture
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A small model of two or three labels in the place of the starter."""
    bundle: Bundle = request.getfixturevalue(request.param)
    monkeypatch.setattr(training, "starter", lambda: bundle)
    return bundle


@pytest.fixture(scope="module")
def from_starter(params: Params) -> ModelParams:
    return params.model.model_copy(update={"base": "starter"})


def log_odds(weights: np.ndarray) -> np.ndarray:
    """Return the weights of the log-odds of positive against negative, given those of one or three margins."""
    found: np.ndarray = weights[0] if len(weights) == 1 else weights[-1] - weights[0]
    return found


def calibrated(bundle: Bundle) -> np.ndarray:
    weights: np.ndarray = np.array(bundle.manifest.calibration.slopes) @ bundle.weights.astype(np.float64)
    return weights


@pytest.mark.parametrize("names", [TWO, LABELS], ids=["to two", "to three"])
@pytest.mark.parametrize("base", ["trained", "trained_of_three"], indirect=True)
def test_ngrams_that_the_rows_lack_keep_their_weights_and_new_ones_are_learned(
    base: Bundle, names: tuple[str, ...], from_starter: ModelParams
) -> None:
    reviews = televisions(names)
    model = fit(reviews, from_starter)
    seen = {identity(each.hash) for text in reviews.texts for each in ngrams(text, 1, 3, from_starter.negation_reach)}
    unseen = [place for place, gram in enumerate(base.ngrams.tolist()) if gram not in seen]
    assert len(unseen) > len(base.ngrams) / 2
    places = np.searchsorted(model.ngrams_, base.ngrams[unseen])
    np.testing.assert_array_equal(model.ngrams_[places], base.ngrams[unseen])
    kept, before = model.weights_[:, places], calibrated(base)[:, unseen]
    np.testing.assert_allclose(log_odds(kept), log_odds(before), atol=1e-5)
    if len(kept) == len(before):
        np.testing.assert_allclose(kept, before, atol=1e-5)
    for word, sign in (("crisp", 1), ("flickers", -1)):
        gram = identity(next(ngrams(word, 1, 1)).hash)
        assert gram not in base.ngrams
        assert sign * log_odds(model.weights_[:, np.searchsorted(model.ngrams_, gram)]) > 0.5
    # The rows are short and all of one kind, so the model must be right on them, too.
    labels = [names[each] for each in model.predict_proba(reviews.texts).argmax(axis=1)]
    assert labels == [LABELS[label] for label in reviews.labels]


@pytest.mark.parametrize("base", ["trained", "trained_of_three"], indirect=True)
def test_another_number_of_labels_keeps_the_log_odds(base: Bundle, params: Params, reviews: LabelledReviews) -> None:
    scorer = Scorer(base)
    explained = [scorer.explain(text) for text in reviews.texts[:20]]
    assert any(each.contributions for each in explained)
    for names in (TWO, LABELS):
        found = BaseWeights.of(base, names, params.model)
        assert found.weights.shape == (1 if names == TWO else 3, len(base.ngrams))
        assert log_odds(found.intercepts[:, np.newaxis]) == pytest.approx(explained[0].bias)
        weight_of = dict(zip(found.ngrams.tolist(), log_odds(found.weights).tolist(), strict=True))
        for text, explanation in zip(reviews.texts[:20], explained, strict=True):
            grams = {identity(each.hash) for each in ngrams(text, 1, 3, params.model.negation_reach)} & set(weight_of)
            added = sum(weight_of[gram] for gram in grams) / max(len(grams), 1) ** 0.5
            assert added == pytest.approx(sum(part.weight for part in explanation.contributions), rel=1e-3, abs=2e-3)


def test_weights_are_spread_over_more_ngrams_which_get_zero(trained_of_three: Bundle, params: Params) -> None:
    base = BaseWeights.of(trained_of_three, LABELS, params.model)
    others = np.setdiff1d(np.array([1, 1 << 63], np.uint64), base.ngrams)
    more = np.union1d(base.ngrams, others)
    found = base.spread(more)
    known = np.isin(more, base.ngrams)
    np.testing.assert_array_equal(found.weights[:, known], base.weights)
    assert not found.weights[:, ~known].any()
    np.testing.assert_array_equal(found.intercepts, base.intercepts)


@pytest.mark.parametrize("base", ["trained_of_three"], indirect=True)
def test_the_bundle_names_its_base_and_knows_its_texts(base: Bundle, params: Params, from_starter: ModelParams) -> None:
    reviews = televisions(LABELS)
    bundle = train(reviews, params.model_copy(update={"model": from_starter}), {})
    assert bundle.manifest.base == base.digest
    assert base.known_texts is not None
    np.testing.assert_array_equal(bundle.known_texts, np.union1d(base.known_texts, hash_texts(reviews.texts)))
    found = Scorer(bundle).score_texts(["The screen looks crisp", "love it", "flickers badly", "awful"]).score
    assert min(found[:2]) > 0.5 > max(found[2:])
    plain = train(reviews, params, {})
    assert plain.manifest.base is None
    # Without the base, the model knows no more of the two texts than of an empty one.
    assert len(set(Scorer(plain).score_texts(["love it", "awful", ""]).score.tolist())) == 1


def test_a_base_of_another_text_recipe_is_refused(trained: Bundle, params: Params) -> None:
    changed = (
        {"shortest_ngram": 2},
        {"longest_ngram": 2},
        {"negation_reach": 0},
        {"stop_words": True},
        {"lemmatize": True},
    )
    for fields in changed:
        with pytest.raises(TrainingDataInvalid, match="another text recipe than the configuration"):
            BaseWeights.of(trained, TWO, params.model.model_copy(update=fields))
    older = trained.manifest.model_copy(update={"recipe": trained.manifest.recipe.model_copy(update={"version": 2})})
    one = np.array([1], np.uint64)
    for bundle in (replace(trained, manifest=older), replace(trained, tokens=one, canonical=one)):
        with pytest.raises(TrainingDataInvalid, match=f"base model {bundle.digest[:12]} has another text recipe"):
            BaseWeights.of(bundle, TWO, params.model)
