"""The predictions of a model in one form, whether the model has two labels or three."""

from typing import NamedTuple, Protocol

import joblib
import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer


class Predictions(NamedTuple):
    """What a model says of n texts."""

    score: NDArray[np.float64]  # n, in [0, 1]; at least 0.5 means more positive than negative
    label: NDArray[np.int8]  # n, the label that a user gets, as an index into LABELS
    probabilities: NDArray[np.float64] | None  # (n, 3) in the order of LABELS; None: the model gives none
    unfamiliar: NDArray[np.bool_] | None  # n; None: the model cannot tell


class Predictor(Protocol):
    """Anything that labels texts: a model bundle, or a baseline."""

    @property
    def title(self) -> str:
        """The name in a table."""
        ...

    @property
    def languages(self) -> tuple[str, ...] | None:
        """The only languages in which it can be measured. None means all."""
        ...

    def predict(self, texts: TextColumn) -> Predictions:
        """Label n texts."""
        ...


class BundlePredictor:
    """A model bundle as a predictor. It scores on all processors."""

    languages = None

    def __init__(self, bundle: Bundle) -> None:
        self.title = f"{bundle.manifest.name} {bundle.digest[:12]}"
        self.scorer = Scorer(bundle)

    def predict(self, texts: TextColumn) -> Predictions:
        """Label n texts (`predictions_of`)."""
        return predictions_of(self.scorer, texts, joblib.cpu_count())


def predictions_of(scorer: Scorer, texts: TextColumn, threads: int = 1) -> Predictions:
    """Return a model's predictions for n texts.

    A model of two labels gives neutral the probability 0, although it labels the texts in its neutral band as neutral.
    """
    found = scorer.score(texts, threads)
    names = scorer.bundle.manifest.labels
    probabilities = np.zeros((texts.size, len(LABELS)))
    probabilities[:, [LABELS.index(name) for name in names]] = scorer.probabilities(texts, threads)
    return Predictions(found.score, found.label, probabilities, found.unfamiliar)
