"""The memory that a training needs: estimated before it starts, and limited by SENTIMENT_TRAINING_MEMORY_MB."""

from collections.abc import Sequence
from sys import getsizeof
from typing import Final

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.params import ModelParams
from sentiment_core.training.logistic_regression import CORRECTIONS, MAX_PARTS

MEGABYTE: Final = 1 << 20

# Bytes, measured with `python -m benchmarks.training --rows`.
_PROCESS: Final = 450 * MEGABYTE  # the interpreter and its libraries
_PER_ROW: Final = 400  # pointers, folds, class shares, held-out margins and probabilities, metrics
_PER_TEXT_BYTE: Final = 2.0  # the selected n-grams of a text, four bytes each
_PER_FEATURE: Final = 8 * (2 * CORRECTIONS + 5 + 4 + MAX_PARTS)  # the solver's vectors, for each margin
_LEAST_FOR_COUNTING: Final = 128 * MEGABYTE


def require_memory(reviews: LabelledReviews, unlabelled: Sequence[str], params: ModelParams, limit: int) -> int:
    """Return the bytes that counting may use, so that the training stays within `limit` bytes.

    Raises `TrainingDataInvalid` when the training would need more in any case. Fewer bytes for counting mean more
    passes over the texts, not another result.
    """
    texts = sum(map(getsizeof, reviews.texts))
    rows = len(reviews.texts) + len(unlabelled)
    held = _PROCESS + texts + sum(map(getsizeof, unlabelled)) + rows * _PER_ROW
    if reviews.groups is not reviews.texts:
        held += sum(map(getsizeof, {id(group): group for group in reviews.groups}.values()))
    sizes = params.longest_ngram - params.shortest_ngram + 1
    margins = 1 if len(reviews.names) == 2 else len(reviews.names)
    solving = int(_PER_TEXT_BYTE * texts * sizes / 3) + params.features * margins * _PER_FEATURE
    needed = held + max(solving, _LEAST_FOR_COUNTING)
    if needed > limit:
        raise TrainingDataInvalid(
            why=f"training on {rows:,} texts with {params.features:,} n-grams would need about "
            f"{-(-needed // MEGABYTE):,} MB, and SENTIMENT_TRAINING_MEMORY_MB allows {limit // MEGABYTE:,} MB. "
            "Raise it on a machine with more memory, or use fewer rows or n-grams (`model.features`)"
        )
    return limit - held
