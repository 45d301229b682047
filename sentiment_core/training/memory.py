"""The memory that a training needs: estimated before it starts, and limited by SENTIMENT_TRAINING_MEMORY_MB."""

import os
from collections.abc import Sequence
from pathlib import Path
from sys import getsizeof
from typing import Final

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.params import ModelParams
from sentiment_core.training.logistic_regression import CORRECTIONS, MAX_PARTS

MEGABYTE: Final = 1 << 20

# Bytes, measured with `python -m benchmarks.training --rows`.
_PROCESS: Final = 450 * MEGABYTE  # the interpreter and its libraries
_LOADED_LATER: Final = 100 * MEGABYTE  # libraries and compiled functions that only the training itself loads
_PER_ROW: Final = 150  # pointers, class probabilities, held-out margins
_PER_TEXT_BYTE: Final = 1.5  # the selected n-grams of a text, four bytes each, for three sizes of n-grams
_PER_FEATURE: Final = 8 * (2 * CORRECTIONS + 5 + 4 + MAX_PARTS)  # the solver's vectors, for each margin
_LEAST_FOR_COUNTING: Final = 128 * MEGABYTE


def require_memory(reviews: LabelledReviews, unlabelled: Sequence[str], params: ModelParams, limit: int) -> int:
    """Return the bytes that counting may use, so that the process stays within `limit` bytes during the training.

    Raises `TrainingDataInvalid` when the training would need more in any case. Fewer bytes for counting mean more
    passes over the texts, not another result.
    """
    rows = len(reviews.texts) + len(unlabelled)
    learned = sum(map(getsizeof, reviews.texts))
    texts = learned + sum(map(getsizeof, unlabelled))
    if reviews.groups is not reviews.texts:
        texts += sum(map(getsizeof, {id(group): group for group in reviews.groups}.values()))
    # Freed objects of the reader can still be resident, and so can the rows of a snapshot.
    held = max(_PROCESS + texts, _resident() + _LOADED_LATER) + rows * _PER_ROW
    sizes = params.longest_ngram - params.shortest_ngram + 1
    margins = 1 if len(reviews.names) == 2 else len(reviews.names)
    characters = learned - len(reviews.texts) * getsizeof("")
    solving = int(_PER_TEXT_BYTE * characters * sizes / 3) + params.features * margins * _PER_FEATURE
    needed = held + max(solving, _LEAST_FOR_COUNTING)
    if needed > limit:
        raise TrainingDataInvalid(
            why=f"training on {rows:,} texts with {params.features:,} n-grams would need about "
            f"{-(-needed // MEGABYTE):,} MB, and SENTIMENT_TRAINING_MEMORY_MB allows {limit // MEGABYTE:,} MB. "
            "Raise it on a machine with more memory, or use fewer rows or n-grams (`model.features`)"
        )
    return limit - held


def _resident() -> int:
    """Return the resident bytes of this process, or 0 on a system that does not report them."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
