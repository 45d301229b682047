"""The loader that MLflow calls for a registered bundle, in `mlflow models serve`, `pyfunc.load_model`, `spark_udf`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import LABELS, Scorer

if TYPE_CHECKING:
    import pandas as pd


class PyfuncModel:
    """A scorer behind MLflow's interface."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":  # noqa: ARG002
        """Score the column `text`: a frame with the same index, columns `score` (in [0, 1]) and `label`."""
        import pandas as pd  # noqa: PLC0415 -- only MLflow's callers need pandas

        scores = self._scorer.score_texts(model_input["text"].fillna("").astype(str).tolist())
        labels = np.array(LABELS, dtype=object)[scores.label]
        return pd.DataFrame({"score": scores.score, "label": labels}, index=model_input.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(Scorer(Bundle.load(Path(path))))
