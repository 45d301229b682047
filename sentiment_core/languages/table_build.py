"""Build the table of evidence: `python -m sentiment_core.languages.table_build DATA` (`make language-table`).

DATA is a folder with `corpora/corpora.tsv` and its sets. The table learns from one half of each set of an allowed
licence (`learning_texts.py`). The same data give the same bytes.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentiment_core.languages.learning_texts import learning_texts, listed_words
from sentiment_core.languages.letter_evidence import letter_evidence
from sentiment_core.languages.table import TABLE, UNITS
from sentiment_core.languages.word_evidence import word_evidence
from sentiment_core.text.hashing import Hashes


def build(texts: dict[str, list[str]], listed: dict[str, list[str]]) -> tuple[Hashes, NDArray[np.int8]]:
    """Return the identities of words and letter sequences, ascending, and the evidence of each for each of WORD_CODES.

    The evidence is in units. `texts` and `listed` are the texts and the frequent words of each language.
    """
    words, letters = word_evidence(texts, listed), letter_evidence(texts, listed)
    identities = np.concatenate((words[0], letters[0]))
    rows = np.clip(np.rint(UNITS * np.concatenate((words[1], letters[1]))), -127, 127).astype(np.int8)
    order = np.argsort(identities, kind="stable")
    return identities[order], rows[order]


def main() -> None:
    """Build the table and write it."""
    identities, rows = build(learning_texts(Path(sys.argv[1])), listed_words())
    np.savez_compressed(TABLE, identities=identities, rows=rows)


if __name__ == "__main__":
    main()
