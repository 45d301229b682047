"""Training: the compiled bundle is equivalent to the fitted classifier, and the same data gives the same bytes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import check_estimator

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_csv import read_labelled
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import ParamsInvalid, TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Thresholds, TrainingData
from sentiment_core.model.scorer import Scorer, how_positive
from sentiment_core.ngrams.document_frequencies import document_frequencies
from sentiment_core.params import DEFAULTS, Params
from sentiment_core.text.specification import identity, ngrams, token_hash
from sentiment_core.text.tokenizer import hash_tokens
from sentiment_core.training.calibration import uncalibrated
from sentiment_core.training.classifier import NgramClassifier
from sentiment_core.training.train import compile_bundle, cross_validate, fit, train
from sentiment_core.training.vectorizer import NgramVectorizer

ODD_TEXTS = [
    "",
    "<br />",
    "good " * 1000,
    "Not GOOD; not bad 👍 很好",
    "waste of money " * 3,
    "one two three four five",
]


def compiled(model: NgramClassifier, names: tuple[str, ...]) -> Scorer:
    """Return the scorer of a fitted classifier, with its margins used as logits."""
    two = len(names) == 2
    bundle = compile_bundle(
        model,
        {},
        name="test",
        labels=names,
        languages=("en",),
        calibration=uncalibrated(1 if two else 3),
        thresholds=Thresholds(neutral_low=0.5, neutral_high=0.5) if two else None,
        snapshot=TrainingData(sha256="", rows={}, unlabelled_sha256=None, unlabelled_rows=0),
        training={},
    )
    return Scorer(bundle)


def assert_scorer_is_classifier(model: NgramClassifier, texts: Sequence[str], names: tuple[str, ...]) -> None:
    found = compiled(model, names).probabilities(TextColumn.from_texts(texts))
    # Weights of three labels have 16 bits.
    np.testing.assert_allclose(found, model.predict_proba(texts), rtol=0, atol=1e-6 if len(names) == 2 else 1e-4)


def test_the_scorer_is_the_fitted_classifier(reviews: LabelledReviews, params: Params) -> None:
    model = fit(reviews, params.model)
    assert_scorer_is_classifier(model, [*reviews.texts, *ODD_TEXTS], reviews.names)


def test_the_scorer_of_three_labels_is_the_fitted_classifier(three: LabelledReviews, params: Params) -> None:
    model = fit(three, params.model)
    assert_scorer_is_classifier(model, [*three.texts, *ODD_TEXTS], LABELS)


def test_the_scorer_is_the_fitted_classifier_on_real_reviews(params: Params, real_data: Path) -> None:
    everything = read_labelled([real_data / "imdb_train.csv.xz"], params.data, "movie_id")
    model = fit(everything.take(np.arange(0, 25_000, 10)), params.model)
    assert_scorer_is_classifier(model, everything.texts[:4000], everything.names)


def test_unlabelled_texts_help_to_count(reviews: LabelledReviews, params: Params) -> None:
    few = reviews.take(np.arange(60))
    alone, helped = fit(few, params.model), fit(few, params.model, reviews.texts[60:])
    assert not np.array_equal(alone.scales_, helped.scales_)
    np.testing.assert_array_equal(alone.ngrams_, helped.ngrams_)
    assert_scorer_is_classifier(helped, [*reviews.texts, *ODD_TEXTS], reviews.names)
    ignored = fit(few, params.model.model_copy(update={"unlabelled_weight": 0.0}), reviews.texts[60:])
    np.testing.assert_array_equal(alone.scales_, ignored.scales_)


def test_unlabelled_texts_that_are_nearly_held_out_ones_are_not_learned_from(params: Params) -> None:
    # Each text has a long, unique tail. The unlabelled texts are the labelled texts in upper case.
    texts = [
        f"{'fine' if row % 2 else 'poor'} thing " + " ".join(f"w{row}x{word}" for word in range(20))
        for row in range(40)
    ]
    reviews = LabelledReviews(texts, np.where(np.arange(40) % 2, 2, 0).astype(np.int8), texts)
    few = params.model_copy(update={"model": params.model.model_copy(update={"min_texts": 1})})
    alone = cross_validate(reviews, few)
    assert cross_validate(reviews, few, [text.upper() for text in texts]).metrics != alone.metrics
    nothing_left = few.model_copy(update={"calibration": few.calibration.model_copy(update={"folds": 2})})
    assert cross_validate(reviews, nothing_left, texts[:0]).metrics == cross_validate(reviews, nothing_left).metrics


def test_the_same_data_gives_the_same_bytes(reviews: LabelledReviews, params: Params, trained: Bundle) -> None:
    again = train(reviews, params, {"data": "the same under another name"})
    assert again.digest == trained.digest
    assert train(reviews.take(np.arange(len(reviews.texts) - 1)), params, {}).digest != trained.digest


def test_a_bundle_tells_where_it_comes_from(reviews: LabelledReviews, params: Params, trained: Bundle) -> None:
    assert trained.manifest.snapshot.rows == reviews.rows
    assert trained.manifest.training == params.recorded()
    assert trained.provenance["data"] == "generated"
    assert trained.provenance["held_out"]["rows"] == len(reviews.texts)
    assert trained.provenance["held_out"]["accuracy"] > 0.8
    assert {"created", "code_version", "package_version"} <= set(trained.provenance)


def test_the_neutral_band_holds_at_most_a_tenth(trained: Bundle) -> None:
    thresholds = trained.manifest.thresholds
    assert 0 <= thresholds.neutral_low <= 0.5 <= thresholds.neutral_high <= 1
    assert trained.provenance["held_out"]["coverage"] >= 0.9 - 1e-9


def test_groups_are_never_split_between_folds(params: Params) -> None:
    # A unique word reveals the label of each group. The word shared by all groups is right in four of five cases.
    texts, labels = [], []
    for group in range(80):
        for repetition in range(5):
            labels.append(group % 2 == 0)
            texts.append(f"group{group} {'up' if (repetition < 4) == labels[-1] else 'down'}")
    indices = np.where(labels, 2, 0).astype(np.int8)
    split = LabelledReviews(texts, indices, [str(row) for row in np.random.default_rng(5).permutation(400)])
    grouped = LabelledReviews(texts, indices, [str(row // 5) for row in range(400)])
    assert cross_validate(split, params).metrics.accuracy > 0.9
    assert cross_validate(grouped, params).metrics.accuracy < 0.85


def test_too_few_groups_are_refused(reviews: LabelledReviews, params: Params) -> None:
    few = LabelledReviews(reviews.texts, reviews.labels, [str(row % 3) for row in range(len(reviews.texts))])
    with pytest.raises(TrainingDataInvalid, match="3 groups are too few for 5 folds"):
        cross_validate(few, params)


def test_a_fold_with_all_of_a_label_is_refused(params: Params) -> None:
    texts = [f"text {number}" for number in range(20)]
    labels = np.where(np.arange(20) < 4, 2, 0).astype(np.int8)
    reviews = LabelledReviews(texts, labels, [str(row // 4) for row in range(20)])
    with pytest.raises(TrainingDataInvalid, match="all rows of one label are in one of the 5 folds"):
        cross_validate(reviews, params)


def test_labels_that_the_texts_do_not_tell_are_refused(params: Params) -> None:
    texts = [f"word{number // 2} same" for number in range(40)]
    labels = np.where(np.arange(40) % 2, 0, 2).astype(np.int8)
    reviews = LabelledReviews(texts, labels, [str(row // 2) for row in range(40)])
    with pytest.raises(TrainingDataInvalid, match="scores do not increase with the labels"):
        cross_validate(reviews, params)


def test_texts_without_a_repeated_ngram_are_refused() -> None:
    with pytest.raises(TrainingDataInvalid, match="no n-gram occurs in at least 2 of the 2 texts"):
        NgramVectorizer().fit(["one", "two"])


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_the_vectorizer_marks_the_ngrams_of_the_definition(reach: int) -> None:
    texts = ["not good", "not a good thing, good", "GOOD, not", "", "don't never say no. yes", "not not not x y z w"]
    vectorizer = NgramVectorizer(shortest=1, longest=2, min_texts=1, negation_reach=reach)
    matrix = vectorizer.fit_transform(texts)
    for row, text in enumerate(texts):
        expected = sorted({identity(gram.hash) for gram in ngrams(text, 1, 2, reach)})
        found = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        assert sorted(vectorizer.ngrams_[found].tolist()) == expected
    np.testing.assert_array_equal(vectorizer.transform(texts).toarray(), matrix.toarray())
    assert matrix.data.tolist() == [1.0] * matrix.nnz


def test_document_frequencies_count_texts() -> None:
    tokens = hash_tokens(TextColumn.from_texts(["a b a b", "a", "b a"]))
    hashes, texts, _ = document_frequencies(tokens, 2, 2)
    ab, ba = (identity(next(ngrams(text, 2, 2)).hash) for text in ("a b", "b a"))
    expected = {ab: 1, ba: 2}
    assert dict(zip(hashes.tolist(), texts.tolist(), strict=True)) == expected
    assert (np.diff(hashes.astype(object)) > 0).all()


# Found among 24 million words. Their hashes differ only in bits that an identity omits.
ALIKE = ("w1626642", "w8351504")


def test_ngrams_that_cannot_be_told_apart_are_found() -> None:
    first, second = (token_hash(word.encode()) for word in ALIKE)
    assert first != second
    assert identity(first) == identity(second)
    tokens = hash_tokens(TextColumn.from_texts([f"{ALIKE[0]} film {ALIKE[0]}", f"{ALIKE[1]} film", "film"]))
    ngrams, texts, ambiguous = document_frequencies(tokens, 1, 2)
    assert ngrams[ambiguous].tolist() == [identity(first)]
    assert texts[ambiguous].tolist() == [2]


def test_ambiguous_ngrams_are_no_features() -> None:
    fitted = NgramVectorizer(longest=1).fit([f"{ALIKE[0]} film", f"{ALIKE[1]} film"])
    assert (fitted.ngrams_.tolist(), fitted.ambiguous_) == ([identity(token_hash(b"film"))], 1)


def test_estimators_keep_scikit_learns_contract() -> None:
    vectorizer = clone(NgramVectorizer(shortest=1, longest=4, min_texts=3))
    assert vectorizer.get_params() == {
        "shortest": 1,
        "longest": 4,
        "min_texts": 3,
        "negation_reach": 3,
        "stop_words": False,
        "lemmatize": False,
    }
    # scikit-learn applies few of its checks to text estimators, including its TfidfVectorizer, because its test data
    # are numbers.
    for check in (
        checks.check_parameters_default_constructible,
        checks.check_no_attributes_set_in_init,
        checks.check_get_params_invariance,
        checks.check_set_params,
        checks.check_estimator_repr,
        checks.check_valid_tag_types,
    ):
        check("NgramVectorizer", NgramVectorizer())
        check("NgramClassifier", NgramClassifier())
    with pytest.raises(NotFittedError):
        vectorizer.transform(["good"])
    with pytest.raises(NotFittedError):
        NgramClassifier().predict(["good"])
    for estimator in (NgramVectorizer(), NgramClassifier()):
        assert {check["status"] for check in check_estimator(estimator)} <= {"passed", "skipped"}


def test_what_is_no_list_of_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="string object received"):
        NgramVectorizer().fit("one text")
    with pytest.raises(TypeError, match="one is NoneType"):
        NgramVectorizer().fit(["one text", None])


def test_features_are_named_by_their_identities() -> None:
    vectorizer = NgramVectorizer(longest=1, min_texts=1).fit(["good"])
    (name,) = vectorizer.get_feature_names_out()
    assert int(name, 16) == identity(next(ngrams("good", 1, 1)).hash)


def test_three_labels_give_a_real_third_class(three: LabelledReviews, params: Params) -> None:
    bundle = train(three, params, {})
    assert bundle.manifest.labels == LABELS
    assert bundle.manifest.thresholds is None
    assert bundle.provenance["held_out"]["accuracy"] > 0.8
    label = Scorer(bundle).score_texts(["love it", "not good", "it is a thing"]).label
    assert [LABELS[each] for each in label] == ["positive", "negative", "neutral"]


def test_test_rows_are_kept_aside_by_group(params: Params) -> None:
    texts = [f"{'fine' if row % 2 else 'poor'} number {row}" for row in range(400)]
    reviews = LabelledReviews(
        texts, np.where(np.arange(400) % 2, 2, 0).astype(np.int8), [str(row // 4) for row in range(400)]
    )
    kept = params.model_copy(update={"data": params.data.model_copy(update={"test_size": 25})})
    bundle = train(reviews, kept, {})
    assert sum(bundle.manifest.snapshot.rows.values()) + bundle.provenance["test"]["rows"] == 400
    assert 40 < bundle.provenance["test"]["rows"] < 160
    assert bundle.provenance["test"]["accuracy"] == 1


def test_the_shipped_configuration_is_complete(tmp_path: Path) -> None:
    document = DEFAULTS.read_text()
    for change, why in [
        (("C: 1.0", "C: -1"), "model.C"),
        (("longest_ngram: 3", "longest_ngram: 1\n  shortest_ngram: 2\n #"), "shortest_ngram must not be above"),
        (("[negative, neg", "[pos, neg"), "pos is listed more than once"),
        (("folds: 5", "fold: 5"), "calibration.folds"),
        (("negative:", "bad:"), "labels must be negative and positive, or"),
        (("data:", "data: ["), "not YAML"),
    ]:
        path = tmp_path / "params.yaml"
        path.write_text(document.replace(*change))
        with pytest.raises(ParamsInvalid, match=why):
            Params.load(path)
    with pytest.raises(ParamsInvalid, match="No such file"):
        Params.load(tmp_path / "nowhere.yaml")


def test_the_reference_of_drift_is_made_of_held_out_reviews(
    reviews: LabelledReviews, params: Params, trained: Bundle
) -> None:
    reference, held_out = trained.reference, cross_validate(reviews, params)
    assert reference is not None
    scores = held_out.probabilities[:, -1].astype(np.float32)
    np.testing.assert_array_equal(reference.scores.counts, reference.scores.count(scores))
    assert reference.unknown.mean == pytest.approx(held_out.unknown_shares.mean())
    seen = Scorer(trained).unknown_shares(TextColumn.from_texts(reviews.texts)).mean()
    assert seen < reference.unknown.mean, "of texts that it has learned from a model knows more"


def test_the_reference_of_three_labels_counts_all_of_them(three: LabelledReviews, params: Params) -> None:
    reference, held_out = train(three, params, {}).reference, cross_validate(three, params)
    assert reference is not None
    scores = how_positive(held_out.probabilities).astype(np.float32)
    np.testing.assert_array_equal(reference.scores.counts, reference.scores.count(scores))
    assert min(reference.labels.values()) > 0
    assert sum(reference.labels.values()) == reference.rows == len(three.texts)


def test_training_and_scoring_find_the_same_ngrams_unknown(reviews: LabelledReviews, params: Params) -> None:
    model = fit(reviews, params.model.model_copy(update={"features": 50}))
    texts = [*reviews.texts[:50], *ODD_TEXTS]
    expected = model.unknown_shares(texts)
    found = compiled(model, reviews.names).unknown_shares(TextColumn.from_texts(texts))
    np.testing.assert_array_equal(found, expected)
    assert 0 < expected.min() < expected.max() == 1
