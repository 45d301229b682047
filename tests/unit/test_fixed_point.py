"""Weights as fixed-point numbers: their precision, and sums that are exact in any order."""

from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sentiment_core.ngrams.fixed_point import first_number, fixed_point, second_number
from sentiment_core.ngrams.weighted import WeightedNgrams

LARGEST: Final = {1: 2**31 - 1, 2: 2**15 - 1}  # number of a row, by the number of rows


@given(
    st.integers(1, 2).flatmap(
        lambda rows: arrays(np.float64, (rows, 5), elements=st.floats(-1e6, 1e6).map(lambda each: round(each, 6)))
    )
)
def test_a_weight_is_off_by_half_a_unit_at_most(weights: np.ndarray) -> None:
    found = fixed_point(weights)
    stored = found.weights(found.values)
    peaks = np.abs(weights).max(axis=1)
    assert (np.abs(stored - weights.T) <= peaks / LARGEST[len(weights)] / 2 * (1 + 1e-9)).all()


@given(arrays(np.float64, (2, 5), elements=st.floats(-3, 3)))
def test_compiled_code_reads_the_numbers_that_arrays_read(weights: np.ndarray) -> None:
    found = fixed_point(weights)
    numbers = [[first_number(value, found.shift), second_number(value)] for value in found.values]
    np.testing.assert_array_equal(np.array(numbers) * found.units, found.weights(found.values))


def test_a_row_of_zeros_and_a_model_without_ngrams_have_weights() -> None:
    weights = np.array([[0.0, 0.0], [1.0, -0.5]])
    found = fixed_point(weights)
    assert found.weights(found.values).T.tolist() == [[0, 0], [1, pytest.approx(-0.5, abs=1e-4)]]
    assert WeightedNgrams(1, 1, np.empty(0, np.uint64), np.empty((2, 0)), 0.0).rows == 2
