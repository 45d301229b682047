"""Trains a model on labelled reviews and compiles it into a bundle."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

import sentiment_core
from sentiment_core.bundle import Bundle
from sentiment_core.calibration import calibrated, neutral_band, platt_scaling
from sentiment_core.codepoints import UNICODE_VERSION
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.evaluation import Metrics, measure
from sentiment_core.labelled import LabelledReviews
from sentiment_core.manifest import Calibration, Recipe, Snapshot, Thresholds
from sentiment_core.params import ModelParams, Params
from sentiment_core.settings import settings
from sentiment_core.text import RECIPE_VERSION
from sentiment_core.vectorizer import NaiveBayesWeighting, NgramVectorizer

Step = Callable[[str], None]


class CrossValidation(NamedTuple):
    """What held-out folds taught: the calibration, the neutral band, and how good the model is."""

    calibration: Calibration
    thresholds: Thresholds
    metrics: Metrics  # of scores calibrated on the other folds
    uncalibrated: Metrics  # of margins taken for logits as they are
    fold_accuracies: tuple[float, ...]


def build_pipeline(params: ModelParams) -> Pipeline:
    """Return the unfitted scikit-learn pipeline from texts to classes (False, True for positive)."""
    return Pipeline(
        [
            ("ngrams", NgramVectorizer(params.shortest_ngram, params.longest_ngram, params.min_texts)),
            ("weighting", NaiveBayesWeighting(params.smoothing, params.features)),
            # This solver draws no random numbers and runs on one thread: the same data gives the same bits.
            ("classifier", LogisticRegression(C=params.C, solver="liblinear", tol=params.tolerance)),
        ]
    )


def cross_validate(reviews: LabelledReviews, params: Params, step: Step = lambda _: None) -> CrossValidation:
    """Train on all folds but one and score that one, for each fold; no group is in two folds.

    Raises `TrainingDataInvalid` when there are fewer groups than folds, or a fold leaves one label only.
    """
    margins = np.empty(len(reviews.texts))
    folds = np.empty(len(reviews.texts), np.int64)
    for fold, (learned, held_out) in enumerate(_folds(reviews, params.calibration.folds)):
        step(f"fold {fold + 1} of {params.calibration.folds}")
        model = build_pipeline(params.model)
        with threadpool_limits(1):
            model.fit([reviews.texts[row] for row in learned], reviews.positive[learned])
            margins[held_out] = model.decision_function([reviews.texts[row] for row in held_out])
        folds[held_out] = fold
    return _calibrate(margins, folds, reviews.positive, params)


def train(reviews: LabelledReviews, params: Params, provenance: dict[str, Any], step: Step = lambda _: None) -> Bundle:
    """Cross-validate, train on all reviews and return the bundle, `provenance` extended by metrics and versions."""
    held_out = cross_validate(reviews, params, step)
    step("all reviews")
    with threadpool_limits(1):
        model = build_pipeline(params.model).fit(reviews.texts, reviews.positive)
    return compile_bundle(
        model,
        provenance=provenance
        | {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "package_version": sentiment_core.__version__,
            "code_version": settings().code_version,
            "held_out": held_out.metrics._asdict(),
            "held_out_uncalibrated": {"brier": held_out.uncalibrated.brier, "ece": held_out.uncalibrated.ece},
            "held_out_fold_accuracies": held_out.fold_accuracies,
        },
        name=params.model.name,
        languages=params.model.languages,
        calibration=held_out.calibration,
        thresholds=held_out.thresholds,
        snapshot=Snapshot(sha256=reviews.sha256, rows=reviews.rows),
        training=params.model_dump(mode="json"),
    )


def compile_bundle(model: Pipeline, provenance: dict[str, Any], **fields: Any) -> Bundle:
    """Fold a fitted pipeline into one weight an n-gram; `fields` are the rest of the manifest."""
    ngrams, weighting, classifier = (model[name] for name in ("ngrams", "weighting", "classifier"))
    return Bundle.create(
        hashes=ngrams.hashes_[weighting.kept_],
        weights=(weighting.ratios_ * classifier.coef_[0]).astype(np.float32),
        provenance=provenance,
        recipe=Recipe(
            version=RECIPE_VERSION,
            unicode=UNICODE_VERSION,
            shortest_ngram=ngrams.shortest,
            longest_ngram=ngrams.longest,
        ),
        bias=float(classifier.intercept_[0]),
        **fields,
    )


def _folds(reviews: LabelledReviews, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    groups = len(np.unique(reviews.groups))
    if groups < count:
        raise TrainingDataInvalid(why=f"its {len(reviews.texts)} rows are {groups} groups, too few for {count} folds")
    for learned, held_out in GroupKFold(count).split(reviews.texts, groups=reviews.groups):
        if reviews.positive[learned].all() or not reviews.positive[learned].any():
            raise TrainingDataInvalid(why=f"without one of {count} folds, all its labels are the same")
        yield learned, held_out


def _calibrate(
    margins: NDArray[np.float64], folds: NDArray[np.int64], positive: NDArray[np.bool_], params: Params
) -> CrossValidation:
    with threadpool_limits(1):
        calibration = platt_scaling(margins, positive)
        scores = np.empty(len(margins))
        for fold in range(params.calibration.folds):
            mine = folds == fold
            scores[mine] = calibrated(margins[mine], platt_scaling(margins[~mine], positive[~mine]))
    thresholds = neutral_band(scores, positive, params.calibration.neutral_accuracy, params.calibration.neutral_most)
    as_logits = calibrated(margins, Calibration(slope=1, intercept=0))
    correct = (scores >= 0.5) == positive
    return CrossValidation(
        calibration,
        thresholds,
        measure(scores, positive, thresholds),
        measure(as_logits, positive, thresholds),
        tuple(float(correct[folds == fold].mean()) for fold in range(params.calibration.folds)),
    )
