"""The labels of a review, in ascending order of score."""

from typing import Final

LABELS: Final = ("negative", "neutral", "positive")
