"""VADER as a baseline: a word list with rules for English (C. Hutto and E. Gilbert, ICWSM 2014)."""

from typing import Final

import numpy as np

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import BaselineMissing
from sentiment_core.evaluation.predictions import Predictions

_NEUTRAL_BELOW: Final = 0.05  # of the absolute compound score, by its authors


class Vader:
    """VADER as a predictor. It gives no probabilities."""

    title = "VADER"
    languages = ("en",)

    def __init__(self) -> None:
        """Load the word list. Raises `BaselineMissing` when the package is not installed."""
        try:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # noqa: PLC0415
        except ImportError as error:
            raise BaselineMissing(name=self.title, library="vaderSentiment") from error
        self._polarity = SentimentIntensityAnalyzer().polarity_scores

    def predict(self, texts: TextColumn) -> Predictions:
        """Label n texts. The score is the compound score, moved from [-1, 1] to [0, 1]."""
        compound = np.array([self._polarity(text)["compound"] for text in texts.texts()], np.float64)
        label = (compound > -_NEUTRAL_BELOW).astype(np.int8) + (compound >= _NEUTRAL_BELOW)
        return Predictions((compound + 1) / 2, label.astype(np.int8), None, None)
