"""The columns that a model adds to a table of texts: their names, their Arrow types and their values.

Files, DuckDB and Spark have the same columns. pyarrow is imported only when Arrow arrays are made.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.model.manifest import Manifest
from sentiment_core.model.scorer import LABELS, Reasons, Scores

SCORE_COLUMNS: Final = ("label", "score", "negative", "neutral", "positive", "unfamiliar", "mixed")
LANGUAGE_COLUMNS: Final = ("language_detected", "language_certainty", "language_standing")
REASONS: Final = "reasons"
_PREFIX: Final = "sentiment_"
# The Arrow type of each column of one value, as the name of pyarrow's function.
_TYPES: Final[Mapping[str, str]] = {
    "label": "string",
    **dict.fromkeys(("score", "negative", "positive"), "float64"),
    "neutral": "float32",
    **dict.fromkeys(("unfamiliar", "mixed"), "bool_"),
    "language_detected": "string",
    "language_certainty": "float32",
    "language_standing": "string",
}
_NAMES: Final = np.array([*LABELS, None], object)  # NO_LABEL is the index behind the last label


def new_names(columns: Sequence[str], taken: Collection[str]) -> list[str]:
    """Return the names of the columns to add. If one of them is taken, all get the prefix `sentiment_`."""
    new = list(columns)
    while set(new) & set(taken):
        new = [f"{_PREFIX}{name}" for name in new]
    return new


def score_values(scores: Scores) -> list[NDArray[Any]]:
    """Return the values of `SCORE_COLUMNS`, each of shape (n,). NaN and None mean that there is no value."""
    probabilities = scores.negative, scores.neutral, scores.positive
    return [_NAMES[scores.label], scores.score, *probabilities, scores.unfamiliar, scores.mixed]


def language_values(languages: DetectedLanguages, standing: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the values of `LANGUAGE_COLUMNS`, each of shape (n,). NaN and None mean that there is no value."""
    return [languages.names, languages.certainty, standing]


def standings(manifest: Manifest, languages: NDArray[Any]) -> NDArray[Any]:
    """Return the standing of each language code, of shape (n,). None stays None."""
    known = {each: manifest.standing(each) for each in set(languages.tolist()) - {None}}
    return np.array([known.get(each) for each in languages.tolist()], object)


def reason_values(texts: TextColumn, reasons: Reasons) -> list[list[dict[str, Any]]]:
    """Return, for each text, its n-grams and the contribution of each to the log-odds of positive."""
    data = texts.data.tobytes()
    weights = reasons.log_odds.tolist()
    return [
        [
            {"ngram": data[start:end].decode(), "weight": weight}
            for (start, end), weight in zip(spans[:count], row[:count], strict=True)
        ]
        for spans, row, count in zip(reasons.spans.tolist(), weights, reasons.counts.tolist(), strict=True)
    ]


def arrow_type(column: str) -> Any:
    """Return the pyarrow type of one of the columns."""
    import pyarrow as pa  # noqa: PLC0415 -- only for Arrow

    if column == REASONS:
        return pa.list_(pa.struct([("ngram", pa.string()), ("weight", pa.float64())]))
    return getattr(pa, _TYPES[column])()


def arrow_array(column: str, values: Any, null: NDArray[np.bool_] | None = None) -> Any:
    """Return a pyarrow array of the values of a column. NaN, None and rows of `null` become null."""
    import pyarrow as pa  # noqa: PLC0415

    return pa.array(values, arrow_type(column), mask=null, from_pandas=True)
