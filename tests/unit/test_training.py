"""Training: the compiled bundle is the fitted pipeline, and the same data gives the same bytes."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from sentiment_core.bundle import Bundle
from sentiment_core.columns import TextColumn
from sentiment_core.errors import ParamsInvalid, TrainingDataInvalid
from sentiment_core.frequencies import document_frequencies, has_collision
from sentiment_core.kernel import TokenColumn, hash_tokens
from sentiment_core.labelled import LabelledReviews, read_labelled
from sentiment_core.manifest import Calibration, Snapshot, Thresholds
from sentiment_core.ngrams import vocabulary
from sentiment_core.params import DEFAULTS, Params
from sentiment_core.scorer import Scorer
from sentiment_core.text import CHECK_SEED, ngrams
from sentiment_core.training import build_pipeline, compile_bundle, cross_validate, train
from sentiment_core.vectorizer import NaiveBayesWeighting, NgramVectorizer

ODD_TEXTS = [
    "",
    "<br />",
    "good " * 1000,
    "Not GOOD; not bad 👍 很好",
    "waste of money " * 3,
    "one two three four five",
]


def assert_compiled_is_fitted(reviews: LabelledReviews, texts: Sequence[str], params: Params) -> None:
    model = build_pipeline(params.model).fit(reviews.texts, reviews.positive)
    bundle = compile_bundle(
        model,
        {},
        name="test",
        languages=("en",),
        calibration=Calibration(slope=1, intercept=0),
        thresholds=Thresholds(neutral_low=0.5, neutral_high=0.5),
        snapshot=Snapshot(sha256=reviews.sha256, rows=reviews.rows),
        training={},
    )
    expected = model.predict_proba(texts)[:, 1]
    np.testing.assert_allclose(Scorer(bundle).score_texts(texts).score, expected, rtol=0, atol=1e-6)


def test_the_scorer_is_the_fitted_pipeline(reviews: LabelledReviews, params: Params) -> None:
    assert_compiled_is_fitted(reviews, [*reviews.texts, *ODD_TEXTS], params)


def test_the_scorer_is_the_fitted_pipeline_on_real_reviews(params: Params, checkout: Path) -> None:
    path = Path(os.environ.get("SENTIMENT_REAL_DATA", checkout / "../shared/data")) / "imdb_train.csv.xz"
    if not path.exists():
        pytest.skip("the IMDB training split is not here; SENTIMENT_REAL_DATA names its folder")
    everything = read_labelled([path], params.data, "movie_id")
    learned = slice(0, None, 10)
    reviews = LabelledReviews(everything.texts[learned], everything.positive[learned], everything.groups[learned])
    assert_compiled_is_fitted(reviews, everything.texts[:4000], params)


def test_the_same_data_gives_the_same_bytes(reviews: LabelledReviews, params: Params, trained: Bundle) -> None:
    again = train(reviews, params, {"data": "the same under another name"})
    assert again.digest == trained.digest
    other = LabelledReviews(reviews.texts[:-1], reviews.positive[:-1], reviews.groups[:-1])
    assert train(other, params, {}).digest != trained.digest


def test_a_bundle_tells_where_it_comes_from(reviews: LabelledReviews, params: Params, trained: Bundle) -> None:
    assert trained.manifest.snapshot.rows == reviews.rows
    assert trained.manifest.training == params.model_dump(mode="json")
    assert trained.provenance["data"] == "generated"
    assert trained.provenance["held_out"]["rows"] == len(reviews.texts)
    assert trained.provenance["held_out"]["accuracy"] > 0.8
    assert {"created", "code_version", "package_version"} <= set(trained.provenance)


def test_the_neutral_band_holds_at_most_a_tenth(trained: Bundle) -> None:
    thresholds = trained.manifest.thresholds
    assert 0 <= thresholds.neutral_low <= 0.5 <= thresholds.neutral_high <= 1
    assert trained.provenance["held_out"]["coverage"] >= 0.9 - 1e-9


def test_groups_are_never_split_between_folds(params: Params) -> None:
    # A word of its own tells each group's label; the word that all share is right three times of five.
    texts, labels = [], []
    for group in range(80):
        for repetition in range(5):
            labels.append(group % 2 == 0)
            texts.append(f"group{group} {'up' if (repetition < 3) == labels[-1] else 'down'}")
    positive = np.array(labels)
    split = LabelledReviews(texts, positive, np.random.default_rng(5).permutation(400))
    grouped = LabelledReviews(texts, positive, np.repeat(np.arange(80), 5))
    assert cross_validate(split, params).metrics.accuracy > 0.9
    assert cross_validate(grouped, params).metrics.accuracy < 0.7


def test_too_few_groups_are_refused(reviews: LabelledReviews, params: Params) -> None:
    few = LabelledReviews(reviews.texts, reviews.positive, np.arange(len(reviews.texts)) % 3)
    with pytest.raises(TrainingDataInvalid, match="3 groups, too few for 5 folds"):
        cross_validate(few, params)


def test_a_fold_with_all_of_a_label_is_refused(params: Params) -> None:
    texts = [f"text {number}" for number in range(20)]
    reviews = LabelledReviews(texts, np.arange(20) < 4, np.arange(20) // 4)
    with pytest.raises(TrainingDataInvalid, match="labels are the same"):
        cross_validate(reviews, params)


def test_labels_that_the_texts_do_not_tell_are_refused(params: Params) -> None:
    texts = [f"word{number // 2} same" for number in range(40)]
    reviews = LabelledReviews(texts, np.arange(40) % 2 == 0, np.arange(40) // 2)
    with pytest.raises(TrainingDataInvalid, match="does not tell the labels"):
        cross_validate(reviews, params)


def test_texts_without_a_repeated_ngram_are_refused() -> None:
    with pytest.raises(TrainingDataInvalid, match="no n-gram occurs in 2 of 2 texts"):
        NgramVectorizer().fit(["one", "two"])


def test_the_vectorizer_marks_the_ngrams_of_the_definition() -> None:
    texts = ["not good", "not good at all", "GOOD, not", ""]
    vectorizer = NgramVectorizer(shortest=1, longest=2, min_texts=1)
    matrix = vectorizer.fit_transform(texts)
    for row, text in enumerate(texts):
        expected = sorted({gram.hash for gram in ngrams(text, 1, 2)})
        assert vectorizer.hashes_[matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]].tolist() == expected
    np.testing.assert_array_equal(vectorizer.transform(texts).toarray(), matrix.toarray())
    assert matrix.data.tolist() == [1.0] * matrix.nnz


def test_document_frequencies_count_texts() -> None:
    tokens = hash_tokens(TextColumn.from_texts(["a b a b", "a", "b a"]))
    hashes, texts = document_frequencies(tokens, 2)
    expected = {gram.hash: 0 for text in ("a b a b", "b a") for gram in ngrams(text, 2, 2)}
    ab, ba = (next(ngrams(text, 2, 2)).hash for text in ("a b", "b a"))
    expected |= {ab: 1, ba: 2}
    assert dict(zip(hashes.tolist(), texts.tolist(), strict=True)) == expected
    assert (np.diff(hashes.astype(object)) > 0).all()


def test_two_ngrams_of_one_hash_are_found() -> None:
    column = TextColumn.from_texts(["good film", "bad film"])
    tokens, checks = hash_tokens(column), hash_tokens(column, CHECK_SEED)
    known = vocabulary(np.unique(tokens.hashes))
    assert not has_collision(tokens, checks, 1, 1, known)
    merged = tokens.hashes.copy()
    merged[2] = merged[0]  # as if "bad" had the hash of "good"
    assert has_collision(TokenColumn(merged, tokens.offsets), checks, 1, 1, known)


def test_estimators_keep_scikit_learns_contract() -> None:
    vectorizer = clone(NgramVectorizer(shortest=1, longest=4, min_texts=3))
    assert vectorizer.get_params() == {"shortest": 1, "longest": 4, "min_texts": 3}
    check_estimator(NaiveBayesWeighting())


def test_the_shipped_configuration_is_complete(tmp_path: Path) -> None:
    document = DEFAULTS.read_text()
    for change, why in [
        (("C: 30.0", "C: -1"), "model.C"),
        (("folds: 5", "fold: 5"), "calibration.folds"),
        (("negative:", "bad:"), "labels must be negative and positive"),
        (("data:", "data: ["), "not YAML"),
    ]:
        path = tmp_path / "params.yaml"
        path.write_text(document.replace(*change))
        with pytest.raises(ParamsInvalid, match=why):
            Params.load(path)
    with pytest.raises(ParamsInvalid, match="No such file"):
        Params.load(tmp_path / "nowhere.yaml")
