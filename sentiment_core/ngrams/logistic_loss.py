"""Margins and loss of a logistic regression on rows of present n-grams. Compiled functions (`columnar/compiled.py`).

The value of each of a row's n features is 1 / sqrt(n), times the feature's scale, by which the coefficients are
multiplied already.
"""

from typing import Any

import numpy as np

from sentiment_core.columnar.compiled import compiled


@compiled
def write_margins(indices: Any, offsets: Any, scaled: Any, margins: Any) -> None:
    """Write the margins, without intercepts, of n rows. `scaled` has the shape (features, margins)."""
    for row in range(len(offsets) - 1):
        first, last = offsets[row], offsets[row + 1]
        margins[row] = 0
        for index in range(first, last):
            for each in range(scaled.shape[1]):
                margins[row, each] += scaled[indices[index], each]
        margins[row] /= np.sqrt(max(last - first, 1))


@compiled
def two_classes(
    indices: Any, offsets: Any, classes: Any, weights: Any, scaled: Any, intercepts: Any, gradient: Any, bias: Any
) -> float:
    """Return the sum of the weighted losses of some rows, and add its gradients to `gradient` and `bias`.

    There is one margin, of class 1: `scaled` and `gradient` have the shape (features, 1), `intercepts` and `bias` (1,).
    The gradient is with respect to the scaled coefficients. `classes` numbers each row's class from 0.
    """
    loss = 0.0
    for row in range(len(offsets) - 1):
        first, last = offsets[row], offsets[row + 1]
        value = 1 / np.sqrt(max(last - first, 1))
        margin = 0.0
        for index in range(first, last):
            margin += scaled[indices[index], 0]
        margin = margin * value + intercepts[0]
        signed = margin if classes[row] == 1 else -margin
        power = np.exp(-abs(signed))
        loss += weights[row] * (np.log1p(power) + max(-signed, 0.0))
        wrong = (power if signed > 0 else 1.0) / (1 + power)  # the probability of the other class
        slope = weights[row] * (-wrong if classes[row] == 1 else wrong)
        bias[0] += slope
        slope *= value
        for index in range(first, last):
            gradient[indices[index], 0] += slope
    return loss


@compiled
def many_classes(
    indices: Any, offsets: Any, classes: Any, weights: Any, scaled: Any, intercepts: Any, gradient: Any, bias: Any
) -> float:
    """Return the same as `two_classes`, of one margin per class.

    `scaled` and `gradient` have the shape (features, classes), `intercepts` and `bias` (classes,).
    """
    loss = 0.0
    count = len(intercepts)
    margins, slopes = np.empty(count), np.empty(count)
    for row in range(len(offsets) - 1):
        first, last = offsets[row], offsets[row + 1]
        value = 1 / np.sqrt(max(last - first, 1))
        margins[:] = 0
        for index in range(first, last):
            for each in range(count):
                margins[each] += scaled[indices[index], each]
        largest = -np.inf
        for each in range(count):
            margins[each] = margins[each] * value + intercepts[each]
            largest = max(largest, margins[each])
        total = 0.0
        for each in range(count):
            slopes[each] = np.exp(margins[each] - largest)
            total += slopes[each]
        loss += weights[row] * (np.log(total) + largest - margins[classes[row]])
        for each in range(count):
            slopes[each] = weights[row] * (slopes[each] / total - (1.0 if each == classes[row] else 0.0))
            bias[each] += slopes[each]
            slopes[each] *= value
        for index in range(first, last):
            for each in range(count):
                gradient[indices[index], each] += slopes[each]
    return loss
