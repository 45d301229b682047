"""The MLflow loader module for a registered bundle: `mlflow models serve`, `pyfunc.load_model` and `spark_udf`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import LABELS, Scorer

if TYPE_CHECKING:
    import pandas as pd


class PyfuncModel:
    """A scorer with MLflow's pyfunc interface."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":  # noqa: ARG002
        """Score the column `text`. Missing texts are scored as empty strings.

        Returns a frame with the same index and the columns `score` (in [0, 1]) and `label`.
        """
        import pandas as pd  # noqa: PLC0415 -- only MLflow callers need pandas

        scores = self._scorer.score_texts(model_input["text"].fillna("").astype(str).tolist())
        labels = np.array(LABELS, dtype=object)[scores.label]
        return pd.DataFrame({"score": scores.score, "label": labels}, index=model_input.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(Scorer(Bundle.load(Path(path))))
