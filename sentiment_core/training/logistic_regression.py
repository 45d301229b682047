"""Logistic regression on rows of present features.

A row is a list of feature indices: the value of each of its n features is 1 / sqrt(n), times the feature's scale. Rows
therefore take four bytes a feature, without an array of values. The loss and its gradient are computed in parts of
consecutive rows, in as many threads as there are, and added in the order of the parts. The parts depend on the data
only, so the result does not depend on the number of threads.

The softmax of margins depends on their differences only. The solver therefore looks for coefficients of contrasts
between the classes, of which there is one fewer than classes, and a feature has a scale for each: a word may say much
about positive against negative and little about neutral.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sentiment_core.ngrams.class_counts import class_order
from sentiment_core.ngrams.logistic_loss import many_classes, two_classes
from sentiment_core.training.corpus import in_order

MAX_PARTS: Final = 8
_FEATURES_PER_PART: Final = 1 << 19
CORRECTIONS: Final = 7  # of L-BFGS: pairs of vectors that approximate the curvature


class PresenceRows(NamedTuple):
    """The features that are present in each of n rows."""

    indices: NDArray[np.int32]
    offsets: NDArray[np.int64]  # n + 1


class LinearModel(NamedTuple):
    """Margins are the sum of the weights of a row's n features, divided by sqrt(n), plus the intercepts.

    Two classes have one margin, of the second class. More classes have one margin each.
    """

    weights: NDArray[np.float64]  # (margins, features)
    intercepts: NDArray[np.float64]  # margins


class Stopping(NamedTuple):
    """When the solver stops: a step reduces the loss by less than a fraction of it, or after so many steps."""

    tolerance: float
    steps: int


def contrasts(classes: int) -> NDArray[np.float64]:
    """Return what a unit of each contrast adds to the margins, of shape (margins, contrasts).

    Two classes have one margin, which is the contrast. Of more classes, each contrast compares one class with the mean
    of those before it in `class_order` (Helmert contrasts). Its columns are orthonormal, so the squares of coefficients
    and those of the margins' weights have the same sum.
    """
    if classes == 2:
        return np.ones((1, 1))
    order, matrix = class_order(classes), np.zeros((classes, classes - 1))
    for place in range(1, classes):
        matrix[order[:place], place - 1] = -1
        matrix[order[place], place - 1] = place
    orthonormal: NDArray[np.float64] = matrix / np.linalg.norm(matrix, axis=0)
    return orthonormal


def fit_logistic(
    rows: PresenceRows,
    classes: NDArray[np.int8],
    weights: NDArray[np.float64],
    scales: NDArray[np.float64],
    inverse_regularization: float,
    stopping: Stopping,
    threads: int,
    base: LinearModel | None = None,
) -> LinearModel:
    """Minimise `C * sum(weight * loss) + |coefficients|² / 2` by L-BFGS (R. Byrd et al., SIAM J. Sci. Comput., 1995).

    `classes` numbers the class of each of n rows from 0, and `scales` has the shape (features, contrasts). Intercepts
    are not regularized. The result is reproducible bit for bit while BLAS uses one thread.

    With a `base`, the margins are its margins plus those of the result, so only what the rows add is regularized: the
    base is the prior mean. The scales do not apply to its weights.
    """
    objective = _Objective(rows, classes, weights, scales, inverse_regularization, threads, base)
    found = minimize(
        objective,
        np.zeros(objective.size),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": stopping.steps,
            "maxcor": CORRECTIONS,
            "maxfun": 10 * stopping.steps,
            "ftol": stopping.tolerance,
            "gtol": 0.0,
        },
    )
    return objective.model(found.x)


class _Objective:
    """The regularized loss of coefficients, and its gradient."""

    def __init__(
        self,
        rows: PresenceRows,
        classes: NDArray[np.int8],
        weights: NDArray[np.float64],
        scales: NDArray[np.float64],
        inverse_regularization: float,
        threads: int,
        base: LinearModel | None,
    ) -> None:
        self._contrasts = contrasts(int(classes.max(initial=0)) + 1)
        self._base = (0.0, 0.0) if base is None else (base.weights.T, base.intercepts)
        self._rows, self._classes, self._weights = rows, classes, weights
        self._scales = scales
        self._strength = inverse_regularization
        self._threads = threads
        self._cuts = _cuts(rows.offsets)
        margins = len(self._contrasts)
        self._gradients = np.empty((len(self._cuts) - 1, len(scales), margins))
        self._intercept_gradients = np.empty((len(self._cuts) - 1, margins))

    @property
    def size(self) -> int:
        """The number of coefficients and intercepts."""
        return (len(self._scales) + 1) * int(self._contrasts.shape[1])

    def model(self, solution: NDArray[np.float64]) -> LinearModel:
        """Return a solution as a model, without the base."""
        coefficients, intercepts = self._split(solution)
        return LinearModel(self._contrasts @ (coefficients * self._scales).T, self._contrasts @ intercepts)

    def __call__(self, solution: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient."""
        coefficients, intercepts = self._split(solution)
        scaled = ((coefficients * self._scales) @ self._contrasts.T + self._base[0]).astype(np.float32)
        shifted = self._contrasts @ intercepts + self._base[1]
        loss = sum(in_order(lambda part: self._loss(part, scaled, shifted), range(len(self._cuts) - 1), self._threads))
        gradient = np.empty_like(solution)
        of_coefficients, of_intercepts = self._split(gradient)
        of_contrasts = self._gradients.sum(axis=0) @ self._contrasts
        np.multiply(of_contrasts, self._scales * self._strength, out=of_coefficients)
        of_coefficients += coefficients
        np.multiply(self._intercept_gradients.sum(axis=0) @ self._contrasts, self._strength, out=of_intercepts)
        return self._strength * loss + 0.5 * float(np.vdot(coefficients, coefficients)), gradient

    def _split(self, solution: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        count = self._contrasts.shape[1]
        return solution[:-count].reshape(-1, count), solution[-count:]

    def _loss(self, part: int, scaled: NDArray[np.float32], intercepts: NDArray[np.float64]) -> float:
        """Return the loss of a part's rows, and write its gradient."""
        gradient, of_intercepts = self._gradients[part], self._intercept_gradients[part]
        gradient[:], of_intercepts[:] = 0, 0
        rows = slice(self._cuts[part], self._cuts[part + 1] + 1)
        data = (self._rows.indices, self._rows.offsets[rows], self._classes[rows], self._weights[rows])
        loss = two_classes if len(intercepts) == 1 else many_classes
        return float(loss(*data, scaled, intercepts, gradient, of_intercepts))


def _cuts(offsets: NDArray[np.int64]) -> list[int]:
    """Return the first rows of the parts, and the number of rows."""
    parts = min(max(int(offsets[-1]) // _FEATURES_PER_PART, 1), MAX_PARTS)
    inner = np.searchsorted(offsets, np.arange(1, parts) * (int(offsets[-1]) // parts))
    return [0, *inner.tolist(), len(offsets) - 1]
