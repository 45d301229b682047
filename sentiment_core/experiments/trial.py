"""Run one trial of an experiment: a cross-validation."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from math import ceil, sqrt
from typing import Any, Final, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sentiment_core.datasets.labelled_reviews import LabelledReviews, digest_of, split
from sentiment_core.errors import SentimentError, TrainingDataInvalid
from sentiment_core.evaluation.metrics import measure
from sentiment_core.experiments.catalogue import Trial, TrialResult, failed
from sentiment_core.experiments.pipelines import feature_count, fit
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles
from sentiment_core.params import Params
from sentiment_core.training.calibration import calibrated, uncalibrated
from sentiment_core.training.folds import Fold, group_folds
from sentiment_core.training.train import TrainingStep, one_blas_thread

log = logging.getLogger(__name__)

_MAX_REASON_CHARACTERS: Final = 500
_MAX_LOGIT: Final = 20.0  # above it probabilities round to 1 and have no order
_MIN_PROBABILITY: Final = 1e-9  # a random forest can predict a probability of 0


class ExperimentData(NamedTuple):
    """The reviews of an experiment, the same for all its trials."""

    reviews: LabelledReviews
    unlabelled: Sequence[str] = ()

    @property
    def sha256(self) -> str:
        """The digest of all texts, labels and groups."""
        parts = (self.reviews.sha256, digest_of(self.reviews.groups), digest_of(self.unlabelled))
        return sha256(" ".join(parts).encode()).hexdigest()


class _Fold(NamedTuple):
    model: Any
    learned_rows: int
    seconds: float  # of the processor


def prepare(
    reviews: LabelledReviews, params: Params, unlabelled: Sequence[str] = (), rows: int | None = None
) -> ExperimentData:
    """Leave test reviews out, put the others into the order of the SHA-256 of their texts, and keep the first `rows`.

    So the same reviews give the same trials, in whichever order they came, and fewer rows are a part of more. The same
    is done to unlabelled reviews. Raises `TrainingDataInvalid`.
    """
    reviews = split(reviews, params.data.test_size).training
    keys = [_key(text, group) for text, group in zip(reviews.texts, reviews.groups, strict=True)]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__)[:rows], np.int64)
    others = sorted(unlabelled, key=lambda text: _key(text, ""))[:rows]
    return ExperimentData(reviews.take(order), others)


def run_trial(trial: Trial, data: ExperimentData, params: Params, step: TrainingStep = lambda _: None) -> TrialResult:
    """Score a trial. An error becomes its result and is not raised, so the other trials continue."""
    try:
        measures = score_trial(trial, data, params, step)
    except SentimentError as error:
        return failed(trial, str(error))
    except Exception as error:
        log.warning("Trial %s failed", trial.name, exc_info=True)
        return failed(trial, f"{type(error).__name__}: {error}"[:_MAX_REASON_CHARACTERS])
    return TrialResult(trial.name, trial.candidate, trial.round, trial.shown, measures)


@one_blas_thread
def score_trial(
    trial: Trial, data: ExperimentData, params: Params, step: TrainingStep = lambda _: None
) -> dict[str, float]:
    """Cross-validate a trial by groups and return its measures, over all rows by the most probable label.

    `fit_seconds` is the processor's time for one fold's model, `score_us_per_text` the time that one thread takes for a
    text, in microseconds. Raises `TrainingDataInvalid` and `LanguageDataMissing`.
    """
    reviews, folds = data.reviews, list(group_folds(data.reviews, params.calibration.folds))
    shingles = Shingles(data.unlabelled) if trial.unlabelled else None
    done: list[int] = []

    def fitted(fold: Fold) -> _Fold:
        learned = reviews.take(_learned(trial, fold.learned))
        if learned.names != reviews.names:
            raise TrainingDataInvalid(
                why=f"the {len(learned.texts)} training rows of a fold all have the label {' or '.join(learned.names)}"
            )
        others = _without_near_duplicates(data.unlabelled, shingles, reviews.take(fold.held_out)) if shingles else ()
        # OpenMP's limit belongs to the thread.
        with threadpool_limits(1, user_api="openmp"):
            began = time.thread_time()
            model = fit(trial, learned, params.model, others)
            seconds = time.thread_time() - began
        done.append(len(done))
        step(f"{trial.name}, {len(done)} of {len(folds)} folds")
        return _Fold(model, len(learned.texts), seconds)

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        models = list(pool.map(fitted, folds))
    margins = np.empty((len(reviews.texts), 1 if len(reviews.names) == 2 else len(reviews.names)))
    began = time.perf_counter()  # no other fold runs now
    for model, (_, held_out) in zip(models, folds, strict=True):
        margins[held_out] = _margins(model.model, [reviews.texts[row] for row in held_out.tolist()])
    seconds = time.perf_counter() - began
    return _measures(margins, reviews) | {
        "features": float(np.mean([feature_count(model.model) for model in models])),
        "learned_rows": float(np.mean([model.learned_rows for model in models])),
        "fit_seconds": float(np.mean([model.seconds for model in models])),
        "score_us_per_text": 1e6 * seconds / len(reviews.texts),
    }


def _key(text: str, group: str) -> tuple[bytes, str]:
    return sha256(text.encode("utf-8", "surrogatepass")).digest(), group


def _learned(trial: Trial, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of a fold that a trial learns from: the first ones, which are in the order of hashes."""
    most = ceil(len(rows) * trial.share)
    return rows[: most if trial.rows is None else min(most, trial.rows)]


def _without_near_duplicates(unlabelled: Sequence[str], shingles: Shingles, held_out: LabelledReviews) -> list[str]:
    """Return the unlabelled texts that are not nearly the same as a held-out one."""
    near = shingles.containment(held_out.texts) > NEARLY_ALL
    return [text for text, is_near in zip(unlabelled, near.tolist(), strict=True) if not is_near]


def _margins(model: Any, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return an array of shape (texts, margins); of two labels the margin is above 0 for the second."""
    if hasattr(model, "decision_function"):
        margins: NDArray[np.float64] = model.decision_function(texts)
        return margins.reshape(len(texts), -1)
    logs: NDArray[np.float64] = np.log(np.clip(model.predict_proba(texts), _MIN_PROBABILITY, None))
    return logs if logs.shape[1] > 2 else logs[:, 1:] - logs[:, :1]


def _measures(margins: NDArray[np.float64], reviews: LabelledReviews) -> dict[str, float]:
    scaled = margins * min(1.0, _MAX_LOGIT / max(float(np.abs(margins).max()), _MIN_PROBABILITY))
    probabilities = calibrated(scaled, uncalibrated(margins.shape[1]))
    found = measure(probabilities, reviews.labels, reviews.names, None)
    measures = {name: getattr(found, name) for name in ("accuracy", "precision", "recall", "f1", "auc")}
    return measures | {"accuracy_stderr": sqrt(found.accuracy * (1 - found.accuracy) / found.rows)}
