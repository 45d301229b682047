"""SQL functions for DuckDB that score texts with a model bundle.

DuckDB calls them with Arrow arrays of up to 2,048 rows, from each of its threads. Scoring releases the GIL, so the
threads run in parallel.
"""

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import ReasonsInvalid
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.result_columns import REASONS, arrow_array, reason_values, score_values
from sentiment_core.model.scorer import Scorer, Scores

if TYPE_CHECKING:
    import duckdb

MAX_REASONS: Final = 1_000  # memory is reserved for this number of n-grams of each of the rows of a call


def register(connection: "duckdb.DuckDBPyConnection", bundle: Bundle) -> None:
    """Register the functions of a model on a connection. They replace those of an earlier model.

    `sentiment_score(text)` returns the score, in [0, 1], and `sentiment_label(text)` the label. Both are those of
    `Scorer.score`, to the last bit. `sentiment_explain(text, n)` returns the n n-grams with the greatest effect as a
    list of `ngram` and `weight`, the addition to the log-odds of positive. NULL gives NULL. A query that asks for the
    score and the label of a text scores it once.
    """
    functions = _Functions(Scorer(bundle))
    _replace(connection, "sentiment_score", functions.score, ["VARCHAR"], "DOUBLE")
    _replace(connection, "sentiment_label", functions.label, ["VARCHAR"], "VARCHAR")
    reasons = "STRUCT(ngram VARCHAR, weight DOUBLE)[]"
    _replace(connection, "sentiment_explain", functions.explain, ["VARCHAR", "INTEGER"], reasons)


def _replace(connection: Any, name: str, function: Any, parameters: list[str], returned: str) -> None:
    found = connection.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = ?", [name]).fetchall()
    if found:
        connection.remove_function(name)
    connection.create_function(name, function, parameters, returned, type="arrow", null_handling="special")


class _Functions:
    """The functions of one model. Arguments and results are pyarrow arrays, plain or chunked."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._last = threading.local()

    def score(self, texts: Any) -> Any:
        return arrow_array("score", self._scores(texts).score)

    def label(self, texts: Any) -> Any:
        return arrow_array("label", score_values(self._scores(texts))[0])

    def explain(self, texts: Any, counts: Any) -> Any:
        texts, tops = texts.combine_chunks(), counts.combine_chunks()
        null = ~(np.asarray(texts.is_valid()) & np.asarray(tops.is_valid()))
        column, top = TextColumn.from_arrow(texts), np.asarray(tops.fill_null(0))
        found: list[Any] = [None] * len(null)
        for number in set(top[~null].tolist()):
            if not 1 <= number <= MAX_REASONS:
                raise ReasonsInvalid(found=number, limit=MAX_REASONS)
            rows = np.flatnonzero(~null & (top == number))
            chosen = column.take(rows)
            for row, reasons in zip(
                rows.tolist(), reason_values(chosen, self._scorer.reasons(chosen, number)), strict=True
            ):
                found[row] = reasons
        return arrow_array(REASONS, found)

    def _scores(self, texts: Any) -> Scores:
        """Return the scores of an array. The last array of each thread is remembered for the other function."""
        last = getattr(self._last, "scored", None)
        if last is None or not last[0].equals(texts):
            last = self._last.scored = (texts, self._scorer.score_arrow(texts))
        scores: Scores = last[1]
        return scores
