"""The drift reference: histograms of the reviews that a model was trained for. Later days are compared with them."""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sentiment_core.labels import LABELS
from sentiment_core.model.manifest import Part

# Characters of each text whose n-grams are examined, so that a sample of texts has a bounded size.
MAX_EXAMINED_CHARACTERS: Final = 20_000
_BINS: Final = 200  # of about equal counts, so a distance between distributions is accurate to 1/200


class Histogram(Part):
    """Counts of values between edges that are quantiles of the same values.

    Bin i holds the values from `edges[i - 1]`, inclusive, to `edges[i]`, exclusive, as in PostgreSQL's `width_bucket`.
    """

    edges: tuple[float, ...] = Field(min_length=1, description="In strictly ascending order.")
    counts: tuple[int, ...] = Field(description="One count per bin: one more than edges.")
    mean: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """Return the histogram of n values, n at least 1."""
        quantiles = np.quantile(values, np.arange(1, _BINS) / _BINS, method="inverted_cdf")
        edges = np.unique(quantiles.astype(np.float64))
        return cls(
            edges=tuple(edges.tolist()), counts=tuple(_counts(edges, values).tolist()), mean=float(values.mean())
        )

    def count(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the number of the n values in each bin."""
        return _counts(np.array(self.edges), values)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.counts) != len(self.edges) + 1 or np.any(np.diff(self.edges) <= 0) or sum(self.counts) < 1:
            raise ValueError("edges must ascend, and counts be one more than edges and not all 0")
        return self


class Reference(Part):
    """Histograms of a training's held-out reviews. Each review is scored by a fold's model that has not seen it."""

    rows: int = Field(ge=1)
    scores: Histogram = Field(description="Histogram of the scores, in single precision as stored.")
    labels: dict[str, int] = Field(description="Number of rows by predicted label. An abstention counts as neutral.")
    lengths: Histogram = Field(description="Histogram of the text lengths in characters.")
    unknown: Histogram = Field(
        description="Histogram of the fraction of a text's n-grams that are unknown to the model."
    )

    @classmethod
    def of(
        cls,
        scores: NDArray[np.float64],
        labels: NDArray[np.int8],
        lengths: NDArray[np.int64],
        unknown: NDArray[np.float64],
    ) -> Self:
        """Make the reference from n reviews.

        The arrays are the scores, the labels (indices into LABELS), the lengths in characters and the fractions of
        unknown n-grams.
        """
        return cls(
            rows=len(scores),
            scores=Histogram.of(scores.astype(np.float32)),
            labels={name: int(np.count_nonzero(labels == number)) for number, name in enumerate(LABELS)},
            lengths=Histogram.of(lengths),
            unknown=Histogram.of(unknown),
        )


def _counts(edges: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
