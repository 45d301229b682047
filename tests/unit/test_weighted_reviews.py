"""A review's weight follows it through selections and counts in training."""

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.params import Params
from sentiment_core.training.train import fit


def test_a_selection_keeps_the_weights(reviews: LabelledReviews) -> None:
    weights = np.arange(len(reviews.texts), dtype=np.float64)
    weighted = LabelledReviews(reviews.texts, reviews.labels, reviews.groups, None, weights)
    rows = np.array([5, 2])
    assert reviews.take(rows).weights is None
    taken = weighted.take(rows).weights
    assert taken is not None
    assert taken.tolist() == [5, 2]


def test_rows_of_little_weight_teach_little(params: Params) -> None:
    texts = [f"the zonk was {word} {number}" for number in range(120) for word in ("superb", "dreadful")]
    labels = np.tile(np.array([2, 0], np.int8), 120)
    # Two thirds of the rows say the opposite.
    wrong = np.repeat(np.arange(120) % 3 > 0, 2)
    labels[wrong] = 2 - labels[wrong]
    weights = np.where(wrong, 0.05, 1.0)

    def margin(weights: NDArray[np.float64] | None) -> float:
        model = fit(LabelledReviews(texts, labels, texts, None, weights), params.model)
        return float(model.decision_function(["superb"])[0])

    assert margin(None) < 0 < margin(weights)
