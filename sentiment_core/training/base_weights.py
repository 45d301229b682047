"""The weights of a bundle as the start of a training: the new model learns what its own data adds to them."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.params import ModelParams
from sentiment_core.text.specification import RECIPE_VERSION
from sentiment_core.training.logistic_regression import LinearModel


class BaseWeights(NamedTuple):
    """The calibrated weights of a model, by n-gram."""

    ngrams: NDArray[np.uint64]  # n identities, ascending
    weights: NDArray[np.float64]  # (margins, n)
    intercepts: NDArray[np.float64]  # margins

    @classmethod
    def of(cls, bundle: Bundle, names: tuple[str, ...], params: ModelParams) -> Self:
        """Return the weights of a bundle for a model of the given labels.

        For a model of fewer or more labels than the bundle, the log-odds of positive against negative stay the same.
        Raises `TrainingDataInvalid` when the bundle has another text recipe than the new model.
        """
        recipe = bundle.manifest.recipe
        theirs = (recipe.version, recipe.shortest_ngram, recipe.longest_ngram, recipe.negation_reach)
        ours = (RECIPE_VERSION, params.shortest_ngram, params.longest_ngram, params.negation_reach)
        if theirs != ours or len(bundle.tokens) or params.stop_words or params.lemmatize:
            raise TrainingDataInvalid(
                why=f"the base model {bundle.digest[:12]} has another text recipe than the configuration. Set "
                "model.shortest_ngram, longest_ngram, negation_reach, stop_words and lemmatize to its values, or set "
                "model.base to none"
            )
        calibration = bundle.manifest.calibration
        slopes = np.array(calibration.slopes)
        intercepts = slopes @ np.array(bundle.manifest.biases) + calibration.intercepts
        change = _change(len(bundle.manifest.labels), len(names))
        return cls(bundle.ngrams, change @ slopes @ bundle.weights.astype(np.float64), change @ intercepts)

    def spread(self, ngrams: NDArray[np.uint64]) -> LinearModel:
        """Return the weights for other n-grams, ascending, which include all of the base: 0 for those it lacks."""
        weights = np.zeros((len(self.weights), len(ngrams)))
        weights[:, np.searchsorted(ngrams, self.ngrams)] = self.weights
        return LinearModel(weights, self.intercepts)


def _change(before: int, after: int) -> NDArray[np.float64]:
    """Return the matrix from the margins of one number of labels to those of another."""
    three = len(LABELS)
    if before == after:
        return np.eye(1 if after < three else three)
    if after == three:
        return np.array([[-0.5], [0.0], [0.5]])
    return np.array([[-1.0, 0.0, 1.0]])
