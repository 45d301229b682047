"""Measures of a slice of rows, as shown on the model card."""

from typing import NamedTuple


class SliceMetrics(NamedTuple):
    """Measures of one slice, as in `ClassificationMetrics`. F1, AUC and ECE are None if a label does not occur."""

    rows: int
    accuracy: float
    f1: float | None
    auc: float | None
    brier: float
    ece: float | None
    coverage: float
