"""Files of generated labelled reviews of any size, with a vocabulary as skewed as that of English (Zipf)."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WORDS: Final = 200_000
_LETTERS: Final = np.array(list("etaoinshrdlucmfw"))
_TELLING: Final = 300  # words of each label
_TELLING_SHARE: Final = 0.06  # of the words of a review
_BLOCK: Final = 5_000  # rows


def write_reviews(path: Path, rows: int, characters: int, labels: tuple[str, ...]) -> None:
    """Write a CSV file of reviews of about so many characters. Of three labels, the middle one is rarer."""
    dice = np.random.default_rng(7)
    words = _vocabulary(dice)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("review,sentiment,product_id\n")
        for first in range(0, rows, _BLOCK):
            file.writelines(_rows(dice, words, first, min(_BLOCK, rows - first), characters, labels))


def _vocabulary(dice: np.random.Generator) -> NDArray[np.object_]:
    lengths = np.clip(np.log2(np.arange(1, _WORDS + 1)).astype(int) // 2 + dice.integers(1, 4, _WORDS), 1, 12)
    letters = "".join(_LETTERS[dice.integers(0, len(_LETTERS), int(lengths.sum()))])
    ends = np.cumsum(lengths)
    return np.array([letters[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)])


def _rows(
    dice: np.random.Generator,
    words: NDArray[np.object_],
    first: int,
    count: int,
    characters: int,
    labels: tuple[str, ...],
) -> Iterator[str]:
    shares = np.array([1.0] * len(labels))
    if len(labels) == 3:
        shares[1] = 0.1
    chosen = dice.choice(len(labels), count, p=shares / shares.sum())
    lengths = np.maximum(dice.poisson(characters / 6, count), 3)
    total = int(lengths.sum())
    ranks = np.minimum(np.exp(dice.random(total) * np.log(_WORDS)).astype(np.int64) - 1, _WORDS - 1)
    telling = dice.random(total) < _TELLING_SHARE
    spoken = np.repeat(chosen, lengths)[telling]
    ranks[telling] = 1_000 + spoken * _TELLING + dice.integers(0, _TELLING, len(spoken))
    spelled = words[ranks].tolist()
    ends = np.cumsum(lengths).tolist()
    for row, (start, end) in enumerate(zip(chain([0], ends), ends, strict=False)):
        # The number makes the text unique: one text has one label.
        yield f"{' '.join(spelled[start:end])} n{first + row},{labels[chosen[row]]},p{(first + row) // 20}\n"
