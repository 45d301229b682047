"""Trains a model on labelled reviews and compiles it into a bundle."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

import sentiment_core
from sentiment_core.datasets.labelled_reviews import LabelledReviews, digest_of, split
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.evaluation.bundle_evaluation import evaluate
from sentiment_core.evaluation.metrics import (
    ClassificationMetrics,
    Evaluation,
    measure,
    measure_slices,
    predicted_labels,
)
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.card import model_card
from sentiment_core.model.drift_reference import MAX_EXAMINED_CHARACTERS, Reference
from sentiment_core.model.manifest import Calibration, TextRecipe, Thresholds, TrainingData
from sentiment_core.model.scorer import banded, how_positive, most_probable
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles
from sentiment_core.params import ModelParams, Params
from sentiment_core.settings import settings
from sentiment_core.text.codepoints import UNICODE_VERSION
from sentiment_core.text.fingerprints import hash_texts
from sentiment_core.text.specification import RECIPE_VERSION
from sentiment_core.training.calibration import calibrated, neutral_band, platt_scaling, uncalibrated
from sentiment_core.training.vectorizer import NaiveBayesTfidf, NgramVectorizer

TrainingStep = Callable[[str], None]

P = ParamSpec("P")
R = TypeVar("R")


def one_blas_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Limit BLAS to one thread while a function runs, because the number of threads changes the last bits of its sums.

    The limit applies to the whole process, so the function must not run in one of several threads.
    """
    return cast("Callable[P, R]", threadpool_limits.wrap(limits=1)(function))


class CrossValidation(NamedTuple):
    """The results of a cross-validation: calibration, neutral band and metrics on held-out folds."""

    calibration: Calibration
    thresholds: Thresholds | None
    metrics: ClassificationMetrics  # of scores calibrated on the other folds
    uncalibrated: ClassificationMetrics  # of margins used as logits
    fold_accuracies: tuple[float, ...]
    probabilities: NDArray[np.float64]  # (n, labels): the scores that `metrics` measures, in the order of the reviews
    learned_rows: int  # reviews that a fold's model learned from, on average
    unknown_shares: NDArray[np.float64]  # n: share of each text's n-grams that the fold's model does not know


class Trained(NamedTuple):
    """A bundle, the reviews that it was trained on, and its evaluation."""

    bundle: Bundle
    reviews: LabelledReviews
    evaluation: Evaluation


def build_pipeline(params: ModelParams, labels: int = 2) -> Pipeline:
    """Return the unfitted scikit-learn pipeline from texts to so many labels."""
    return Pipeline(
        [
            (
                "ngrams",
                NgramVectorizer(
                    params.shortest_ngram,
                    params.longest_ngram,
                    params.min_texts,
                    params.negation_reach,
                    stop_words=params.stop_words,
                    lemmatize=params.lemmatize,
                ),
            ),
            ("weighting", NaiveBayesTfidf(params.smoothing, params.power, params.features)),
            (
                "classifier",
                # Neither solver draws random numbers: the same data gives the same bits. The first is the faster one,
                # and knows two labels only.
                LogisticRegression(
                    C=params.C, tol=params.tolerance, solver="liblinear" if labels == 2 else "lbfgs", max_iter=1000
                ),
            ),
        ]
    )


def fit(reviews: LabelledReviews, params: ModelParams, unlabelled: Sequence[str] = ()) -> Pipeline:
    """Return the pipeline fitted to labelled reviews.

    Unlabelled texts count in the naive-Bayes counts with the probabilities that a first model, fitted to the
    labelled reviews alone, predicts (expectation-maximisation: K. Nigam et al., Machine Learning, 2000; one round).
    The result is reproducible bit for bit while BLAS uses one thread.
    """
    weighted = {"weighting__weights": reviews.weights, "classifier__sample_weight": reviews.weights}
    model = build_pipeline(params, len(reviews.names)).fit(reviews.texts, reviews.labels, **weighted)
    if not len(unlabelled) or not params.unlabelled_weight:
        return model
    rows = model["ngrams"].transform(unlabelled)
    probabilities = params.unlabelled_weight * model[1:].predict_proba(rows)
    return build_pipeline(params, len(reviews.names)).fit(
        reviews.texts, reviews.labels, weighting__unlabelled=rows, weighting__probabilities=probabilities, **weighted
    )


@one_blas_thread
def cross_validate(
    reviews: LabelledReviews,
    params: Params,
    unlabelled: Sequence[str] = (),
    step: TrainingStep = lambda _: None,
    share: float = 1,
) -> CrossValidation:
    """Train on all folds but one and score that one, for each fold; no group is in two folds.

    With a `share` below 1 a model learns from that share of the groups only. Unlabelled texts that are nearly the same
    as one of the fold's are left out. Raises `TrainingDataInvalid` when there are fewer groups than folds, or a label
    is missing from what a fold's model learns from.
    """
    folds = list(group_folds(reviews, params.calibration.folds))
    shingles = Shingles(unlabelled) if len(unlabelled) else None
    learned_rows: list[int] = []

    def scored(fold: tuple[NDArray[np.int64], NDArray[np.int64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        learned, held_out = reviews.take(_some_groups(fold[0], reviews.groups, share)), reviews.take(fold[1])
        if learned.names != reviews.names:
            raise TrainingDataInvalid(
                why=f"{share:.0%} of its groups have {len(learned.texts)} rows, and these lack a label"
            )
        usable = unlabelled
        if shingles:
            near = shingles.containment(held_out.texts) > NEARLY_ALL
            usable = [text for text, is_near in zip(unlabelled, near.tolist(), strict=True) if not is_near]
        model = fit(learned, params.model, usable)
        learned_rows.append(len(learned.texts))
        step(f"{len(learned_rows)} of {len(folds)} folds")
        return _margins(model, held_out.texts), _unknown_shares(model, held_out.texts)

    margins = np.empty((len(reviews.texts), 1 if len(reviews.names) == 2 else len(reviews.names)))
    numbers = np.empty(len(reviews.texts), np.int64)
    unknown = np.empty(len(reviews.texts))
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        for number, (found, shares) in enumerate(pool.map(scored, folds)):
            margins[folds[number][1]] = found
            unknown[folds[number][1]] = shares
            numbers[folds[number][1]] = number
    return _calibrate(margins, numbers, unknown, reviews, params, round(float(np.mean(learned_rows))))


def train(
    reviews: LabelledReviews,
    params: Params,
    provenance: dict[str, Any],
    unlabelled: Sequence[str] = (),
    step: TrainingStep = lambda _: None,
) -> Bundle:
    """Train as `train_measured` does and return the bundle alone."""
    return train_measured(reviews, params, provenance, unlabelled, step).bundle


@one_blas_thread
def train_measured(
    reviews: LabelledReviews,
    params: Params,
    provenance: dict[str, Any],
    unlabelled: Sequence[str] = (),
    step: TrainingStep = lambda _: None,
) -> Trained:
    """Cross-validate and train on all reviews except the test reviews, and return the bundle with its model card.

    `provenance` is extended by metrics, versions and the card (`model/card.py` says what it takes from there).
    """
    reviews, test = split(reviews, params.data.test_size)
    list(group_folds(reviews, params.calibration.folds))  # raises before any work if there are too few groups
    with ThreadPoolExecutor(1) as pool:
        fitted = pool.submit(fit, reviews, params.model, unlabelled)
        held_out = cross_validate(reviews, params, unlabelled, step)
        step("the model of all reviews")
        model = fitted.result()
    bundle = compile_bundle(
        model,
        provenance=provenance
        | {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "package_version": sentiment_core.__version__,
            "code_version": settings().code_version,
            "ambiguous_ngrams": model["ngrams"].ambiguous_,
            "groups": None if reviews.groups is reviews.texts else len(set(reviews.groups)),
            "held_out": held_out.metrics._asdict(),
            "held_out_uncalibrated": {"brier": held_out.uncalibrated.brier, "ece": held_out.uncalibrated.ece},
            "held_out_fold_accuracies": held_out.fold_accuracies,
        },
        name=params.model.name,
        labels=reviews.names,
        languages=params.model.languages,
        calibration=held_out.calibration,
        thresholds=held_out.thresholds,
        snapshot=TrainingData(
            sha256=reviews.sha256,
            rows=reviews.rows,
            unlabelled_sha256=digest_of(unlabelled) if len(unlabelled) else None,
            unlabelled_rows=len(unlabelled),
        ),
        training=params.recorded(),
    )
    evaluation = _evaluation(held_out, reviews, evaluate(bundle, test).metrics if test.texts else None)
    if evaluation.test:
        bundle.provenance["test"] = evaluation.test._asdict()
    bundle = bundle.with_known_texts(hash_texts(chain(reviews.texts, unlabelled)))
    bundle = bundle.with_reference(_reference(held_out, reviews.texts))
    return Trained(bundle.with_card(model_card(bundle, evaluation.slices)), reviews, evaluation)


def compile_bundle(model: Pipeline, provenance: dict[str, Any], **fields: Any) -> Bundle:
    """Compile a fitted pipeline into one weight per n-gram and margin. `fields` are the other manifest fields."""
    ngrams, weighting, classifier = (model[name] for name in ("ngrams", "weighting", "classifier"))
    return Bundle.create(
        ngrams=ngrams.ngrams_[weighting.kept_],
        weights=(weighting.scales_ * classifier.coef_).astype(np.float32),
        tokens=ngrams.tokens_,
        canonical=ngrams.canonical_,
        provenance=provenance,
        recipe=TextRecipe(
            version=RECIPE_VERSION,
            unicode=UNICODE_VERSION,
            shortest_ngram=ngrams.shortest,
            longest_ngram=ngrams.longest,
            negation_reach=ngrams.negation_reach,
        ),
        biases=tuple(classifier.intercept_.tolist()),
        **fields,
    )


def _evaluation(held_out: CrossValidation, reviews: LabelledReviews, test: ClassificationMetrics | None) -> Evaluation:
    return Evaluation(
        names=reviews.names,
        labels=reviews.labels,
        probabilities=held_out.probabilities,
        thresholds=held_out.thresholds,
        metrics=held_out.metrics,
        uncalibrated=held_out.uncalibrated,
        fold_accuracies=held_out.fold_accuracies,
        learned_rows=held_out.learned_rows,
        slices=measure_slices(held_out.probabilities, reviews, held_out.thresholds),
        test=test,
    )


def _some_groups(rows: NDArray[np.int64], groups: Sequence[str], share: float) -> NDArray[np.int64]:
    """Return the rows of a share of their groups, the first by SHA-256: those of a smaller share are among them."""
    if share >= 1:
        return rows
    mine = [groups[row] for row in rows.tolist()]
    ordered = sorted(set(mine), key=lambda group: sha256(group.encode("utf-8", "surrogatepass")).digest())
    chosen = set(ordered[: max(1, round(share * len(ordered)))])
    return rows[np.array([group in chosen for group in mine], np.bool_)]


def _reference(held_out: CrossValidation, texts: Sequence[str]) -> Reference:
    scores = how_positive(held_out.probabilities)
    thresholds = held_out.thresholds
    labels = banded(scores, thresholds) if thresholds else most_probable(held_out.probabilities)
    return Reference.of(scores, labels, np.array([len(text) for text in texts]), held_out.unknown_shares)


def _unknown_shares(model: Pipeline, texts: Sequence[str]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = model["ngrams"].unknown_shares(
        [text[:MAX_EXAMINED_CHARACTERS] for text in texts], model["weighting"].kept_
    )
    return shares


def _margins(model: Pipeline, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return an array of shape (texts, margins)."""
    margins: NDArray[np.float64] = model.decision_function(texts)
    return margins.reshape(len(texts), -1)


def group_folds(reviews: LabelledReviews, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the rows to learn from and those held out, for each fold; no group is in two folds.

    Raises `TrainingDataInvalid` when there are fewer groups than folds, or a fold leaves one label only.
    """
    groups = len(set(reviews.groups))
    if groups < count:
        raise TrainingDataInvalid(
            why=f"{len(reviews.texts)} rows in {groups} groups are too few for {count} folds. Add groups or lower folds"
        )
    for learned, held_out in GroupKFold(count).split(reviews.texts, groups=reviews.groups):
        if len(np.unique(reviews.labels[learned])) < len(reviews.names):
            raise TrainingDataInvalid(
                why=f"all rows of one label are in one of the {count} folds. Add groups with this label"
            )
        yield learned, held_out


def _calibrate(
    margins: NDArray[np.float64],
    folds: NDArray[np.int64],
    unknown: NDArray[np.float64],
    reviews: LabelledReviews,
    params: Params,
    learned_rows: int,
) -> CrossValidation:
    labels, names = reviews.labels, reviews.names
    calibration = platt_scaling(margins, labels)
    probabilities = np.empty((len(margins), len(names)))
    for fold in range(params.calibration.folds):
        mine = folds == fold
        probabilities[mine] = calibrated(margins[mine], platt_scaling(margins[~mine], labels[~mine]))
    thresholds = None
    if len(names) == 2:
        band = (params.calibration.neutral_accuracy, params.calibration.neutral_most)
        thresholds = neutral_band(probabilities[:, 1], labels == labels.max(), *band)
    measured = partial(measure, names=names, thresholds=thresholds)
    correct = predicted_labels(probabilities, names) == labels
    return CrossValidation(
        calibration,
        thresholds,
        measured(probabilities, labels),
        measured(calibrated(margins, uncalibrated(margins.shape[1])), labels),
        tuple(float(correct[folds == fold].mean()) for fold in range(params.calibration.folds)),
        probabilities,
        learned_rows,
        unknown,
    )
