"""Sums of a batch's rows while they are in memory, so that the rollups need not read them back from the database."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.drops.typed_fields import POSTGRES_EPOCH
from sentiment_core.drops.validation import ReviewBatch
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.ledger.rollups import FileSums
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.model.scorer import LABELS, Scores

_EPOCH: Final = POSTGRES_EPOCH.date()
MAX_SUMS: Final = 20_000  # about 10 MB
_DAY_MICROSECONDS: Final = 24 * 60 * 60 * 1_000_000
_MAX_RATING: Final = 1e6  # as in the view counted_review


class BatchSums:
    """Sums by day of writing, product and language, up to `MAX_SUMS` of them."""

    def __init__(self, file: SourceFile) -> None:
        self._day: int = (file.day - _EPOCH).days
        self._blocks: list[FileSums] = []
        self._left = MAX_SUMS

    @property
    def sums(self) -> FileSums | None:
        """Return the sums of all rows, or None if there are too many: the rows must then be read back."""
        return FileSums.joined(self._blocks) if self._left >= 0 else None

    def add(self, batch: ReviewBatch, languages: DetectedLanguages, scores: Scores) -> None:
        """Add the rows of one block."""
        if self._left < 0:
            return
        days = np.where(batch.reviewed_at.null, self._day, batch.reviewed_at.values // _DAY_MICROSECONDS)
        columns = batch.product_id, batch.language, languages.codes
        first, group = _groups([days, *(column.codes()[0] for column in columns)])
        self._left -= len(first)
        if self._left < 0:
            self._blocks.clear()
            return
        order = np.argsort(group, kind="stable")
        starts = np.searchsorted(group[order], np.arange(len(first)))
        product, language, detected = ([column.text(row) for row in first.tolist()] for column in columns)
        written: list[date] = [_EPOCH + timedelta(days=day) for day in days[first].tolist()]
        sums = np.add.reduceat(_measures(batch, scores)[order], starts)
        self._blocks.append(FileSums(written, product, language, detected, sums))


def _groups(keys: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each combination of keys, and the number of each row's combination."""
    first, group = np.unique(keys[0], return_index=True, return_inverse=True)[1:]
    for key in keys[1:]:
        codes = group * (key.max(initial=0) + 1) + key
        first, group = np.unique(codes, return_index=True, return_inverse=True)[1:]
    return first, group


def _measures(batch: ReviewBatch, scores: Scores) -> NDArray[np.int64]:
    """Return what each row adds to the columns `rollups.MEASURES`, of shape (rows, measures)."""
    rated = ~batch.rating.null
    ratings = np.clip(np.where(rated, batch.rating.values, 0), -_MAX_RATING, _MAX_RATING)
    return np.stack(
        [
            np.ones(batch.size, np.int64),
            *(scores.label == LABELS.index(label) for label in ("positive", "neutral", "negative")),
            scores.unfamiliar,
            scores.mixed,
            rated,
            np.rint(scores.score.astype(np.float32).astype(np.float64) * 1e9),
            np.rint(ratings * 1e6),
        ],
        axis=1,
        dtype=np.int64,
        casting="unsafe",
    )
