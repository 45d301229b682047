"""The detected languages of texts: what is stored and shown of an identification."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, TextColumn
from sentiment_core.languages.codes import CODES, UNDETERMINED
from sentiment_core.languages.identification import identify, identify_text

_BYTES: Final = np.frombuffer("".join(CODES).encode(), np.uint8)
_LENGTH: Final = np.array([-1, *map(len, CODES[1:])], np.int32)  # -1 means null
_START: Final = np.cumsum([0, *map(len, CODES[:-1])], dtype=np.int64)
_NAMES: Final = np.array([None, *CODES[1:]], object)


class DetectedLanguage(NamedTuple):
    """The detected language of one text. Both are None if the language is undetermined."""

    code: str | None
    certainty: float | None

    @classmethod
    def of(cls, text: str) -> Self:
        """Identify the language of one text, at a fraction of the cost of a column of one text."""
        code, certainty = identify_text(text)
        return cls(None, None) if code == UNDETERMINED else cls(code, certainty)


class DetectedLanguages(NamedTuple):
    """The detected languages of n texts."""

    language: NDArray[np.int16]  # n, index into CODES
    certainty: NDArray[np.float32]  # n, estimated probability that the language is right; NaN if undetermined

    @classmethod
    def of(cls, texts: TextColumn, threads: int = 1) -> Self:
        """Identify the language of each text."""
        language, certainty = identify(texts, threads)
        return cls(language, np.where(language == CODES.index(UNDETERMINED), np.float32(np.nan), certainty))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the languages of the given rows, in the given order."""
        return type(self)(self.language[rows], self.certainty[rows])

    def texts(self) -> Iterator[DetectedLanguage]:
        """Yield the language of each text."""
        for code, certainty in zip(self.names.tolist(), self.certainty.tolist(), strict=True):
            yield DetectedLanguage(code, None if code is None else certainty)

    @property
    def names(self) -> NDArray[Any]:
        """Return the code of each language, None if undetermined."""
        names: NDArray[Any] = _NAMES[self.language]
        return names

    @property
    def codes(self) -> BytesColumn:
        """Return the code of each language, null if undetermined, without a Python object per row."""
        return BytesColumn(_BYTES, _START[self.language], _LENGTH[self.language])
