"""The labels of a review, in the order of their scores."""

from typing import Final

LABELS: Final = ("negative", "neutral", "positive")
