"""The words of a text that moved its score, to be marked in the text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from api.contract.schemas import Contribution

LEVELS = 4
_WORD = re.compile(r"\S+")


class Piece(NamedTuple):
    """A part of the text; `weight` is what it adds to the log-odds of positive, `level` the strength of its mark.

    Levels go from -4 (towards negative, as strongly as anything in the text) to 4 (towards positive).
    """

    text: str
    level: int
    weight: float


def pieces(text: str, contributions: Sequence[Contribution]) -> list[Piece]:
    """Split the text into words and separators, each with its level; joined they are the text.

    An n-gram's weight is spread evenly over all characters that it covers; a word sums up what falls on it.
    """
    steps = np.zeros(len(text) + 1)
    for part in contributions:
        covered = sum(end - start for start, end in part["spans"])
        for start, end in part["spans"]:
            steps[start] += part["weight"] / covered
            steps[end] -= part["weight"] / covered
    sums = np.concatenate(([0.0], np.cumsum(np.cumsum(steps[:-1]))))
    words = [match.span() for match in _WORD.finditer(text)]
    weights = [float(sums[end] - sums[start]) for start, end in words]
    strongest = max(map(abs, weights), default=0.0) or 1.0
    found, at = [], 0
    for (start, end), weight in zip(words, weights, strict=True):
        if start > at:
            found.append(Piece(text[at:start], 0, 0.0))
        found.append(Piece(text[start:end], round(LEVELS * weight / strongest), weight))
        at = end
    if at < len(text):
        found.append(Piece(text[at:], 0, 0.0))
    return found
