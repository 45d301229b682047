"""The languages that are identified from texts, as columns of the database and of files."""

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, TextColumn
from sentiment_core.languages.codes import CODES
from sentiment_core.languages.identification import identify
from sentiment_core.loading import binary_copy

_UNDETERMINED: Final = 0  # index into CODES
_BYTES: Final = np.frombuffer("".join(CODES).encode(), np.uint8)
_LENGTH: Final = np.array([len(code) for code in CODES], np.int32)
_START: Final = (np.cumsum(_LENGTH) - _LENGTH).astype(np.int64)
_NAMES: Final = np.array([None, *CODES[1:]], object)


class DetectedLanguages(NamedTuple):
    """The detected languages of n texts. Neither code nor certainty has a value if the language is undetermined."""

    language: NDArray[np.int16]  # n, index into CODES
    certainty: NDArray[np.float32]  # n, NaN if undetermined

    @classmethod
    def of(cls, texts: TextColumn, threads: int = 1) -> Self:
        """Identify the language of each text."""
        found = identify(texts, threads)
        undetermined = found.language == _UNDETERMINED
        return cls(found.language, np.where(undetermined, np.float32(np.nan), found.certainty))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the languages of the given rows, in the given order."""
        return type(self)(self.language[rows], self.certainty[rows])

    @property
    def codes(self) -> NDArray[Any]:
        """Return the code of each language as an object, None if undetermined."""
        codes: NDArray[Any] = _NAMES[self.language]
        return codes

    @property
    def columns(self) -> dict[str, BytesColumn]:
        """Return the columns of the table `review`."""
        null = self.language == _UNDETERMINED
        length = np.where(null, np.int32(-1), _LENGTH[self.language])
        return {
            "language_detected": BytesColumn(_BYTES, _START[self.language], length),
            "language_certainty": binary_copy.ratios(self.certainty),
        }
