"""Measures of a slice of rows, as the model card shows them."""

from typing import NamedTuple


class SliceMetrics(NamedTuple):
    """Measures of the rows of one slice, as in `Metrics`; F1, AUC and ECE are None where a label does not occur."""

    rows: int
    accuracy: float
    f1: float | None
    auc: float | None
    brier: float
    ece: float | None
    coverage: float
