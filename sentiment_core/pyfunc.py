"""The MLflow loader module for a registered bundle: `mlflow models serve`, `pyfunc.load_model` and `spark_udf`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_core.columnar.missing_texts import MissingTexts
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import LABELS, Scorer
from sentiment_core.settings import settings

if TYPE_CHECKING:
    import pandas as pd


class PyfuncModel:
    """A scorer with MLflow's pyfunc interface."""

    def __init__(self, scorer: Scorer, missing: MissingTexts) -> None:
        self._scorer = scorer
        self._missing = missing

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":  # noqa: ARG002
        """Score the column `text`. A value that is not a string is scored as its string.

        Returns a frame with the same index and the columns `score` (in [0, 1]) and `label`. Both are None for a missing
        text: None, NaN, `pd.NA`, a blank or a null word. `score` is float64 if no text is missing, and else of objects,
        because MLflow would write NaN as invalid JSON.
        """
        import pandas as pd  # noqa: PLC0415 -- only MLflow callers need pandas

        column = model_input["text"]
        given = [None if null else str(value) for value, null in zip(column, column.isna(), strict=True)]
        null = np.array([text in self._missing for text in given], bool)
        scores = self._scorer.score_texts([None if gone else text for text, gone in zip(given, null, strict=True)])
        label = np.array([*LABELS, None], dtype=object)[scores.label]  # NO_LABEL is the index behind the last
        if not null.any():
            return pd.DataFrame({"score": scores.score, "label": label}, index=model_input.index)
        score = scores.score.astype(object)
        score[null] = None
        return pd.DataFrame({"score": score, "label": label}, index=model_input.index, dtype=object)


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(Scorer(Bundle.load(Path(path))), MissingTexts(settings().null_words))
