"""Sums of a batch's rows while they are in memory, so that the rollups need not read them back from the database."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.drops.typed_fields import DAY, POSTGRES_EPOCH
from sentiment_core.drops.validation import ReviewBatch
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.ledger.file_sums import FileSums, add_up
from sentiment_core.ledger.rollups import MEASURES
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.model.scorer import LABELS, Scores

MAX_SUMS: Final = 50_000  # about 10 MB
_MAX_RATING: Final = 1e6  # as in the view counted_review


class BatchSums:
    """Sums by day of writing, product and languages, as long as at most half of `MAX_SUMS` entries are distinct."""

    def __init__(self, file: SourceFile) -> None:
        self._day: int = (file.day - POSTGRES_EPOCH.date()).days
        self._products: dict[str | None, int] = {}
        self._languages: dict[tuple[str | None, str | None], int] = {}
        none, no_sums = np.empty(0, np.int64), np.empty((0, len(MEASURES)), np.int64)
        self._parts: list[FileSums] = [FileSums(none, none, none, no_sums, (), ())]  # without names
        self._full = False

    @property
    def sums(self) -> FileSums | None:
        """Return the sums of all rows, or None if there are too many: the rows must then be read back."""
        if self._full:
            return None
        return self._joined()._replace(products=list(self._products), languages=list(self._languages))

    def add(self, batch: ReviewBatch, languages: DetectedLanguages, scores: Scores) -> None:
        """Add the rows of one block."""
        if self._full:
            return
        days = np.where(batch.reviewed_at.null, self._day, batch.reviewed_at.values // DAY)
        keys = days, self._product_numbers(batch), self._language_numbers(batch, languages)
        self._parts.append(_added_up(keys, _measures(batch, scores)))
        if sum(len(part.measures) for part in self._parts) > MAX_SUMS:
            self._parts = [self._joined()]
            self._full = len(self._parts[0].measures) > MAX_SUMS / 2

    def _joined(self) -> FileSums:
        *keys, measures = (np.concatenate(columns) for columns in zip(*(part[:4] for part in self._parts), strict=True))
        return _added_up(keys, measures)

    def _product_numbers(self, batch: ReviewBatch) -> NDArray[np.int64]:
        codes, first = batch.product_id.codes()
        names = map(batch.product_id.text, first.tolist())
        return np.array([self._products.setdefault(name, len(self._products)) for name in names], np.int64)[codes]

    def _language_numbers(self, batch: ReviewBatch, languages: DetectedLanguages) -> NDArray[np.int64]:
        (written, first_written), (detected, first_detected) = batch.language.codes(), languages.codes.codes()
        pairs, codes = np.unique(written * len(first_detected) + detected, return_inverse=True)
        names = [
            (
                batch.language.text(first_written[pair // len(first_detected)]),
                languages.codes.text(first_detected[pair % len(first_detected)]),
            )
            for pair in pairs.tolist()
        ]
        return np.array([self._languages.setdefault(name, len(self._languages)) for name in names], np.int64)[codes]


def _added_up(keys: Sequence[NDArray[np.int64]], measures: NDArray[np.int64]) -> FileSums:
    (written_day, product, language), sums = add_up(keys, measures)
    return FileSums(written_day, product, language, sums, (), ())


def _measures(batch: ReviewBatch, scores: Scores) -> NDArray[np.int64]:
    """Return what each row adds to the columns `MEASURES` of the rollups, of shape (rows, MEASURES)."""
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
