"""Trains a model on labelled reviews and compiles it into a bundle."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import joblib
import numpy as np
from numpy.typing import NDArray
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
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.card import model_card
from sentiment_core.model.drift_reference import MAX_EXAMINED_CHARACTERS, Reference
from sentiment_core.model.manifest import Calibration, TextRecipe, Thresholds, TrainingData
from sentiment_core.model.scorer import banded, how_positive, label_of
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles
from sentiment_core.params import ModelParams, Params
from sentiment_core.settings import settings
from sentiment_core.text.codepoints import UNICODE_VERSION
from sentiment_core.text.fingerprints import hash_texts
from sentiment_core.text.specification import RECIPE_VERSION
from sentiment_core.training.base_weights import BaseWeights
from sentiment_core.training.calibration import calibrated, neutral_band, neutral_ratio, platt_scaling, uncalibrated
from sentiment_core.training.classifier import NgramClassifier
from sentiment_core.training.folds import group_folds, group_numbers, some_groups
from sentiment_core.training.language_scales import language_scales
from sentiment_core.training.language_standings import balanced_accuracies, standings
from sentiment_core.training.memory import MEGABYTE, require_memory

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
    neutral_ratio: float | None
    metrics: ClassificationMetrics  # of scores calibrated on the other folds
    uncalibrated: ClassificationMetrics  # of margins used as logits
    fold_accuracies: tuple[float, ...]
    probabilities: NDArray[np.float64]  # (n, labels): the scores that `metrics` measures, in the order of the reviews
    scales: NDArray[np.float64] | None  # n: what a text's language multiplies its margins by; None: nothing
    learned_rows: int  # reviews that a fold's model learned from, on average
    unknown_shares: NDArray[np.float64]  # n: share of each text's n-grams that the fold's model does not know


class Trained(NamedTuple):
    """A bundle, the reviews that it was trained on, and its evaluation."""

    bundle: Bundle
    reviews: LabelledReviews
    evaluation: Evaluation


@cache
def starter() -> Bundle:
    """Return the starter model of the package. It is read once."""
    return Bundle.load(STARTER)


def build_classifier(params: ModelParams, threads: int = 1) -> NgramClassifier:
    """Return the unfitted classifier of a configuration."""
    hyperparameters = params.model_dump(exclude={"name", "languages", "base"})
    return NgramClassifier(**hyperparameters, threads=threads)


def fit(
    reviews: LabelledReviews,
    params: ModelParams,
    unlabelled: Sequence[str] = (),
    threads: int = 1,
    memory: int | None = None,
) -> NgramClassifier:
    """Return the classifier fitted to labelled reviews, and to unlabelled texts if there are any.

    The result does not depend on the number of threads, or on the bytes of `memory` for counting, which are what
    SENTIMENT_TRAINING_MEMORY_MB leaves by default. It is reproducible bit for bit while BLAS uses one thread. Raises
    `TrainingDataInvalid` when the memory does not suffice, or no n-gram is frequent.
    """
    if memory is None:
        memory = _counting_memory(reviews, unlabelled, params)
    classifier = build_classifier(params, threads).set_params(memory=memory)
    base = BaseWeights.of(starter(), reviews.names, params) if params.base == "starter" else None
    fitted: NgramClassifier = classifier.fit(reviews.texts, reviews.labels, reviews.weights, unlabelled, base)
    return fitted


def _counting_memory(reviews: LabelledReviews, unlabelled: Sequence[str], params: ModelParams) -> int:
    return require_memory(reviews, unlabelled, params, settings().training_memory_mb * MEGABYTE)


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
    is missing from what a fold's model learns from, or the training would need more memory than
    SENTIMENT_TRAINING_MEMORY_MB.
    """
    memory = _counting_memory(reviews, unlabelled, params.model)
    folds = group_folds(reviews, params.calibration.folds)
    shingles = Shingles(unlabelled) if len(unlabelled) else None
    learned_rows = []
    margins = np.empty((len(reviews.texts), 1 if len(reviews.names) == 2 else len(reviews.names)))
    biases = np.empty_like(margins)
    numbers = np.empty(len(reviews.texts), np.int16)
    unknown = np.empty(len(reviews.texts))
    # One fold after another: each uses all processors, and the memory of one.
    for number, fold in enumerate(folds):
        learned = reviews.take(some_groups(fold.learned, reviews.groups, share))
        held_out = [reviews.texts[row] for row in fold.held_out.tolist()]
        if learned.names != reviews.names:
            raise TrainingDataInvalid(
                why=f"{share:.0%} of its groups have {len(learned.texts)} rows, and these lack a label"
            )
        usable = unlabelled
        if shingles:
            near = shingles.containment(held_out) > NEARLY_ALL
            usable = [text for text, is_near in zip(unlabelled, near.tolist(), strict=True) if not is_near]
        model = fit(learned, params.model, usable, joblib.cpu_count(), memory)
        margins[fold.held_out] = model.decision_function(held_out).reshape(len(held_out), -1)
        biases[fold.held_out] = model.intercept_
        unknown[fold.held_out] = model.unknown_shares([text[:MAX_EXAMINED_CHARACTERS] for text in held_out])
        numbers[fold.held_out] = number
        learned_rows.append(len(learned.texts))
        step(f"{len(learned_rows)} of {params.calibration.folds} folds")
    scales = None
    if len(set(reviews.languages or ())) > 1:
        scales = language_scales(margins - biases, reviews)
        margins = biases + scales[:, np.newaxis] * (margins - biases)
    return _calibrate(margins, scales, numbers, unknown, reviews, params, round(float(np.mean(learned_rows))))


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

    `provenance` is extended by metrics, versions and the card (`model/card.py` says what it takes from there). It may
    contain the time `created`, which is now otherwise.
    """
    reviews, test = split(reviews, params.data.test_size)
    memory = _counting_memory(reviews, unlabelled, params.model)
    held_out = cross_validate(reviews, params, unlabelled, step)
    step("the model of all reviews")
    base = starter() if params.model.base == "starter" else None
    model = fit(reviews, params.model, unlabelled, joblib.cpu_count(), memory)
    if held_out.scales is not None:
        model.scale_weights(reviews.texts, held_out.scales)
    bundle = compile_bundle(
        model,
        provenance=provenance
        | {
            "created": provenance.get("created") or datetime.now(UTC).isoformat(timespec="seconds"),
            "package_version": sentiment_core.__version__,
            "code_version": settings().code_version,
            "ambiguous_ngrams": model.ambiguous_,
            "groups": None if reviews.groups is reviews.texts else int(group_numbers(reviews.groups).max()) + 1,
            "held_out": held_out.metrics._asdict(),
            "held_out_uncalibrated": {"brier": held_out.uncalibrated.brier, "ece": held_out.uncalibrated.ece},
            "held_out_fold_accuracies": held_out.fold_accuracies,
            "held_out_languages": balanced_accuracies(reviews, held_out.probabilities) if reviews.languages else {},
        },
        name=params.model.name,
        labels=reviews.names,
        **standings(reviews, held_out.probabilities, params, base.manifest if base else None),
        calibration=held_out.calibration,
        thresholds=held_out.thresholds,
        neutral_ratio=held_out.neutral_ratio,
        snapshot=TrainingData(
            sha256=reviews.sha256,
            rows=reviews.rows,
            unlabelled_sha256=digest_of(unlabelled) if len(unlabelled) else None,
            unlabelled_rows=len(unlabelled),
        ),
        training=params.recorded(),
        base=base.digest if base else None,
    )
    evaluation = _evaluation(held_out, reviews, evaluate(bundle, test).metrics if test.texts else None)
    if evaluation.test:
        bundle.provenance["test"] = evaluation.test._asdict()
    known = hash_texts(chain(reviews.texts, unlabelled))
    if base and base.known_texts is not None:
        known = np.union1d(known, base.known_texts)
    bundle = bundle.with_known_texts(known)
    bundle = bundle.with_reference(_reference(held_out, reviews.texts))
    return Trained(bundle.with_card(model_card(bundle, evaluation.slices)), reviews, evaluation)


def compile_bundle(model: NgramClassifier, provenance: dict[str, Any], **fields: Any) -> Bundle:
    """Compile a fitted classifier into one weight per n-gram and margin. `fields` are the other manifest fields."""
    return Bundle.create(
        ngrams=model.ngrams_,
        weights=model.weights_,
        tokens=model.tokens_,
        canonical=model.canonical_,
        provenance=provenance,
        recipe=TextRecipe(
            version=RECIPE_VERSION,
            unicode=UNICODE_VERSION,
            shortest_ngram=model.shortest_ngram,
            longest_ngram=model.longest_ngram,
            negation_reach=model.negation_reach,
        ),
        biases=tuple(model.intercept_.tolist()),
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


def _reference(held_out: CrossValidation, texts: Sequence[str]) -> Reference:
    scores = how_positive(held_out.probabilities)
    thresholds = held_out.thresholds
    labels = banded(scores, thresholds) if thresholds else label_of(held_out.probabilities, held_out.neutral_ratio)
    return Reference.of(scores, labels, np.array([len(text) for text in texts]), held_out.unknown_shares)


def _calibrate(
    margins: NDArray[np.float64],
    scales: NDArray[np.float64] | None,
    folds: NDArray[np.int16],
    unknown: NDArray[np.float64],
    reviews: LabelledReviews,
    params: Params,
    learned_rows: int,
) -> CrossValidation:
    labels, names = reviews.labels, reviews.names
    weights = reviews.calibration_weights
    calibration = platt_scaling(margins, labels, weights)
    probabilities = np.empty((len(margins), len(names)))
    for fold in range(params.calibration.folds):
        mine = folds == fold
        others = None if weights is None else weights[~mine]
        probabilities[mine] = calibrated(margins[mine], platt_scaling(margins[~mine], labels[~mine], others))
    thresholds = ratio = None
    if len(names) == 2:
        band = (params.calibration.neutral_accuracy, params.calibration.neutral_most)
        thresholds = neutral_band(probabilities[:, 1], labels == labels.max(), *band)
    else:
        ratio = neutral_ratio(probabilities, labels, weights)
    measured = partial(measure, names=names, thresholds=thresholds)
    correct = predicted_labels(probabilities, names) == labels
    return CrossValidation(
        calibration,
        thresholds,
        ratio,
        measured(probabilities, labels),
        measured(calibrated(margins, uncalibrated(margins.shape[1])), labels),
        tuple(float(correct[folds == fold].mean()) for fold in range(params.calibration.folds)),
        probabilities,
        scales,
        learned_rows,
        unknown,
    )
