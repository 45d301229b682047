"""Scales of the margins by language: what they are, and how they get into the weights."""

from dataclasses import replace

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.params import Params
from sentiment_core.text.specification import identity, token_hash
from sentiment_core.training.language_scales import language_scales
from sentiment_core.training.train import cross_validate, fit, train

RANDOM = np.random.default_rng(5)


def drawn(strengths: dict[str, float], rows: int) -> tuple[np.ndarray, LabelledReviews]:
    """Return margins and reviews whose log-odds of positive are the margins times the strength of the language."""
    margins = RANDOM.normal(0, 2, (rows * len(strengths), 1))
    languages = [language for language in strengths for _ in range(rows)]
    log_odds = margins[:, 0] * [strengths[language] for language in languages]
    positive = RANDOM.random(len(margins)) < 1 / (1 + np.exp(-log_odds))
    texts = [str(row) for row in range(len(margins))]
    return margins, LabelledReviews(texts, np.where(positive, 2, 0).astype(np.int8), texts, languages=languages)


def test_a_language_is_scaled_by_how_well_its_margins_separate() -> None:
    margins, reviews = drawn({"en": 1.5, "sv": 1.2, "nl": 1.0}, 6000)
    english, swedish, dutch = language_scales(margins, reviews)[::6000]
    assert english / dutch == pytest.approx(1.5, rel=0.1)
    assert swedish / dutch == pytest.approx(1.2, rel=0.1)


def test_scales_are_bounded_and_a_few_rows_do_not_decide() -> None:
    margins, reviews = drawn({"en": 1.5, "nl": 0.1}, 3000)
    assert language_scales(margins, reviews)[-1] == pytest.approx(0.8, abs=1e-3)
    few = np.r_[0:3000, 5990:6000]
    assert language_scales(margins[few], reviews.take(few))[-1] == pytest.approx(1, abs=0.15)


def test_rows_count_by_their_weights_in_calibration() -> None:
    margins, reviews = drawn({"en": 1.5, "nl": 1.0}, 3000)
    heavy = np.r_[np.full(3000, 9.0), np.ones(3000)]
    weighted = language_scales(margins, replace(reviews, weights=np.ones(6000), natural_weights=heavy))
    assert weighted[0] == pytest.approx(1, abs=0.1)  # nearly all of the weight is English
    assert weighted[0] < language_scales(margins, reviews)[0]


def test_an_ngram_is_scaled_by_the_languages_of_its_texts(params: Params) -> None:
    texts = ["lovely lamp", "lovely lamp", "awful lamp", "awful lamp"]
    small = LabelledReviews(texts, np.array([2, 2, 0, 0], np.int8), texts)
    plain, scaled = fit(small, params.model), fit(small, params.model)
    scaled.scale_weights([*texts[:1], *texts[2:]], np.array([1.5, 0.9, 0.9]))
    ratio = dict(zip(scaled.ngrams_.tolist(), (scaled.weights_ / plain.weights_)[0].tolist(), strict=True))
    assert ratio[identity(token_hash(b"lovely"))] == pytest.approx(1.5)
    assert ratio[identity(token_hash(b"awful"))] == pytest.approx(0.9)
    assert plain.intercept_.tolist() == scaled.intercept_.tolist()
    scaled.scale_weights(["nothing of it"], np.array([7.0]))
    again = dict(zip(scaled.ngrams_.tolist(), (scaled.weights_ / plain.weights_)[0].tolist(), strict=True))
    assert again == ratio


def test_the_bundle_of_several_languages_has_scaled_weights(reviews: LabelledReviews, params: Params) -> None:
    # The second language has the same words in another spelling, and wrong labels in a quarter of its rows.
    foreign = [" ".join(f"q{word}" for word in text.split()) for text in reviews.texts]
    wrong = np.arange(len(foreign)) % 4 == 0
    both = LabelledReviews(
        [*reviews.texts, *foreign],
        np.concatenate((reviews.labels, np.where(wrong, 2 - reviews.labels, reviews.labels))).astype(np.int8),
        [*reviews.groups, *reviews.groups],
        languages=["en"] * len(foreign) + ["nl"] * len(foreign),
    )
    held_out = cross_validate(both, params)
    assert held_out.scales is not None
    english, dutch = held_out.scales[0], held_out.scales[-1]
    assert dutch < 0.95
    assert english > 1.05
    model, bundle = fit(both, params.model), train(both, params, {})
    unscaled = model.weights_.copy()
    model.scale_weights(both.texts, held_out.scales)
    np.testing.assert_allclose(bundle.weights, model.weights_, rtol=1e-6)
    assert not np.allclose(bundle.weights, unscaled)
    assert cross_validate(replace(both, languages=["en"] * len(both.texts)), params).scales is None
