"""The table of evidence: what each of some thousand words and letter sequences says about a text's language.

`python -m sentiment_core.languages.table_build` makes the file.
"""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.languages.codes import CODES, SCRIPTS, WORD_CODES
from sentiment_core.text.vocabulary import vocabulary

TEXT_RECIPE: Final = 3  # version of the text recipe of the table's words
TABLE: Final = Path(__file__).with_name("table.npz")
COLUMNS: Final = 64  # bytes of a row: one cache line
UNITS: Final = 16  # units of evidence in one nat
EXCLUDED: Final = np.int16(-20_000)  # evidence for a language that the text's script excludes

# Evidence before the first word, in nats. English is the most frequent language of reviews. Nigerian Pidgin is far
# rarer, and so are languages whose words are known from a short list only.
_RARE: Final = ("af", "et", "hr", "is", "lt", "lv", "sk", "sl", "sq", "tl")
_PRIORS: Final = {"en": 1.2, "pcm": -2.0, **dict.fromkeys(_RARE, -1.0)}


class Evidence(NamedTuple):
    """The table, prepared for compiled functions. Row 0 is the row of what is not in the table: zeros."""

    cells: NDArray[np.uint32]  # the vocabulary of words and letter sequences, whose values are numbers of rows
    rows: NDArray[np.int8]  # COLUMNS numbers for each word: evidence for each language, in units
    priors: NDArray[np.int16]  # COLUMNS numbers for each script
    only: NDArray[np.int16]  # for each script, the index in CODES of its only language, or 0


@cache
def evidence() -> Evidence:
    """Return the shipped table. It is read once."""
    with np.load(TABLE, allow_pickle=False) as arrays:
        identities, shipped = arrays["identities"], arrays["rows"]
    rows = np.zeros((1 + len(shipped), COLUMNS), np.int8)
    rows[1:, : shipped.shape[1]] = shipped
    known = vocabulary(identities, np.arange(1, 1 + len(identities), dtype=np.uint32))
    return Evidence(known.cells, rows.reshape(-1), _priors().reshape(-1), _only())


def _priors() -> NDArray[np.int16]:
    priors = np.full((1 + len(SCRIPTS), COLUMNS), EXCLUDED, np.int16)
    for script, codes in enumerate(SCRIPTS.values(), 1):
        for code in codes:
            if code in WORD_CODES:
                priors[script, WORD_CODES.index(code)] = round(UNITS * _PRIORS.get(code, 0.0))
    return priors


def _only() -> NDArray[np.int16]:
    return np.array([0, *(CODES.index(codes[0]) if len(codes) == 1 else 0 for codes in SCRIPTS.values())], np.int16)
