"""Identification of the language of one text in a single call of compiled code, as in `ngrams/single_text.py`."""

from typing import Any, Final

import numpy as np

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.languages.codes import CODES
from sentiment_core.languages.detected_languages import UNDETERMINED, DetectedLanguage, DetectedLanguages
from sentiment_core.languages.identification import FIRST_BYTES, first_bytes, identify_each
from sentiment_core.languages.table import TEXT_RECIPE, evidence
from sentiment_core.text.escapes import AMPERSAND, BACKSLASH
from sentiment_core.text.tokenizer import tokenize
from sentiment_core.text.tokenizer_scalar import character_table

_NONE: Final = DetectedLanguage(None, None)


class TextLanguage:
    """Identifies the languages of single texts. Threads can share it."""

    def __init__(self) -> None:
        self._table = character_table(TEXT_RECIPE)
        self._evidence = evidence()

    def __call__(self, text: str) -> DetectedLanguage:
        """Return the language that the text has in a column. Raises `UnicodeEncodeError` for a lone surrogate."""
        # No character has fewer than one byte. One more byte tells that the text is longer.
        data = text[: FIRST_BYTES + 1].encode()
        if data.find(AMPERSAND) >= 0 or data.find(BACKSLASH) >= 0:
            return next(DetectedLanguages.of(TextColumn.from_texts([text])).texts())
        language, certainty = np.empty(1, np.int16), np.empty(1, np.float32)
        _identify_alone(np.frombuffer(data, np.uint8), self._table, *self._evidence, language, certainty)
        index = language.item()
        return _NONE if index == UNDETERMINED else DetectedLanguage(CODES[index], certainty.item())


@compiled
def _identify_alone(
    data: Any,
    table: Any,
    cells: Any,
    width: int,
    rows: Any,
    priors: Any,
    only: Any,
    language: Any,
    certainty: Any,
) -> None:
    offsets, token_offsets = np.zeros(2, np.int64), np.zeros(2, np.int64)
    offsets[1] = len(data)
    first_bytes(data, offsets, token_offsets)
    offsets[1] = token_offsets[1]
    prefix = data[: offsets[1]]
    hashes = np.empty(len(prefix), np.uint64)  # no token is shorter than a byte
    tokenize(prefix, offsets, table, hashes, np.empty((0, 2), np.int64), token_offsets)
    identify_each(prefix, offsets, hashes, token_offsets, cells, width, rows, priors, only, language, certainty)
