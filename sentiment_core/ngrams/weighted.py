"""The n-grams of a model with their weights, prepared for compiled functions."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.clauses import clause_model
from sentiment_core.ngrams.fixed_point import fixed_point
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.vocabulary import mapped, vocabulary


class WeightedNgrams:
    """The known n-grams of a model and one row or two of their weights. Threads can share it.

    The first row is what each n-gram adds to the log-odds of positive, whose bias is given. `known` is the vocabulary,
    whose values are fixed-point numbers. With a `table_file`, processes share the vocabulary's memory
    (`vocabulary.mapped`).
    """

    def __init__(
        self,
        shortest: int,
        longest: int,
        ngrams: Hashes,
        weights: NDArray[np.floating[Any]],
        bias: float,
        table_file: Path | None = None,
    ) -> None:
        self._numbers = fixed_point(weights)
        self.sizes = shortest, longest
        table = vocabulary(ngrams, self._numbers.values)
        self.known = mapped(table, table_file) if table_file else table
        # Without the values, which the vocabulary holds.
        self._numbers = self._numbers._replace(values=self._numbers.values[:0])
        units = self._numbers.units
        numbers = self._numbers.shift, units
        self.arrays = *self.sizes, *self.known, numbers, clause_model(self._numbers.shift, units[0], bias)

    @property
    def shift(self) -> int:
        """Return the shift of the fixed-point numbers."""
        return self._numbers.shift

    @property
    def rows(self) -> int:
        """Return the number of rows of weights."""
        return len(self._numbers.units)

    def weights_of(self, slots: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the weights of the n-grams of some slots, of shape (*slots, rows)."""
        return self._numbers.weights(self.known.cells[slots + KEYS])

    def weights_of_numbers(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of sums of fixed-point numbers, of shape (*, 2), of shape (*, rows)."""
        weights: NDArray[np.float64] = numbers[..., : self.rows] * self._numbers.units
        return weights
