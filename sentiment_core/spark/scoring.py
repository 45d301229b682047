"""Score a dataframe of Spark: Arrow batches in Python workers, with the kernels of the scorer."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import TextColumnInvalid
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.result_columns import (
    LANGUAGE_COLUMNS,
    REASONS,
    SCORE_COLUMNS,
    arrow_array,
    language_values,
    new_names,
    reason_values,
    score_values,
    standings,
)
from sentiment_core.model.scorer import Scorer
from sentiment_core.spark.bundle_files import SentBundle

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MODEL_DIGEST: Final = "model_digest"
# The types of Spark for the Arrow types of `result_columns`.
_SPARK_TYPES: Final = {
    "label": "string",
    **dict.fromkeys(("score", "negative", "positive"), "double"),
    "neutral": "float",
    **dict.fromkeys(("unfamiliar", "mixed"), "boolean"),
    "language_detected": "string",
    "language_certainty": "float",
    "language_standing": "string",
    REASONS: "array<struct<ngram:string,weight:double>>",
}


class Answers(NamedTuple):
    """What is added to each row: the language if `language`, and the `explain` strongest n-grams if it is not 0."""

    language: bool = False
    explain: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns, in the order of the output."""
        language = LANGUAGE_COLUMNS if self.language else ()
        return (*SCORE_COLUMNS, *language, *((REASONS,) if self.explain else ()))

    def names(self, taken: Sequence[str]) -> list[str]:
        """Return the names of the columns and of the model's digest in a dataframe with the given columns."""
        return new_names((*self.columns, MODEL_DIGEST), {name.lower() for name in taken})


def score(
    dataframe: "DataFrame",
    text_column: str,
    bundle: Bundle,
    *,
    language: bool = False,
    explain: int = 0,
    keep: Sequence[str] | None = None,
) -> "DataFrame":
    """Return a dataframe with the scores of a column of texts, and the digest of the model in `model_digest`.

    The new columns are those of `sentiment score` (`SCORE_COLUMNS`), with the detected language (`LANGUAGE_COLUMNS`)
    and the `explain` strongest n-grams (`reasons`) on request. If a name is taken, all get the prefix `sentiment_`. The
    scores are those of `Scorer.score`, to the last bit. A null text has null in each new column but the digest.

    `keep` names the columns to keep, all by default. Other columns are not sent back from Python, which saves most of
    the cost outside scoring if the text is one of them. The bundle is broadcast once per application. A task uses one
    core. Raises `TextColumnInvalid` for a column that is missing or not of text.
    """
    from pyspark.sql.functions import lit  # noqa: PLC0415 -- the module can be imported without Spark
    from pyspark.sql.types import DataType, StructType  # noqa: PLC0415

    _require_text(dataframe, text_column)
    answers, kept = Answers(language, explain), list(dataframe.columns if keep is None else keep)
    sent = [*kept, *({text_column} - set(kept))]
    names = answers.names(kept)
    model = SentBundle.send(dataframe.sparkSession.sparkContext, bundle)
    task = _Task(model, answers, sent.index(text_column), [*kept, *names[:-1]])

    def scored(batches: Iterator[Any]) -> Iterator[Any]:
        return task.scored(batches)

    schema = StructType([dataframe.schema[name] for name in kept])
    for name, column in zip(names, answers.columns, strict=False):
        schema = schema.add(name, DataType.fromDDL(_SPARK_TYPES[column]))
    table = dataframe.select(*(f"`{name.replace('`', '``')}`" for name in sent)).mapInArrow(scored, schema)
    return table.withColumn(names[-1], lit(bundle.digest))


def _require_text(dataframe: "DataFrame", text_column: str) -> None:
    from pyspark.sql.types import StringType  # noqa: PLC0415

    if text_column not in dataframe.columns:
        why = f"the dataframe does not have it. It has {', '.join(dataframe.columns)}"
        raise TextColumnInvalid(column=text_column, why=why)
    kind = dataframe.schema[text_column].dataType
    if not isinstance(kind, StringType):
        raise TextColumnInvalid(column=text_column, why=f"its type is {kind.simpleString()}. Cast it to string")


class _Task(NamedTuple):
    """The work of a Python worker."""

    model: SentBundle
    answers: Answers
    text: int  # place of the text among the columns of a batch
    names: list[str]  # of the columns of the output: kept columns first, which are also first in a batch

    def scored(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield the kept columns of each Arrow batch with the answers."""
        import pyarrow as pa  # noqa: PLC0415

        scorer = self.model.scorer()
        kept = len(self.names) - len(self.answers.columns)
        for batch in batches:
            columns = [*batch.columns[:kept], *self._answers(scorer, batch.column(self.text))]
            yield pa.RecordBatch.from_arrays(columns, self.names)

    def _answers(self, scorer: Scorer, texts: Any) -> Iterator[Any]:
        null = ~np.asarray(texts.is_valid())
        column = TextColumn.from_arrow(texts)
        reasons = scorer.reasons(column, self.answers.explain) if self.answers.explain else None
        values: list[Any] = score_values(reasons.scores if reasons else scorer.score(column))
        if self.answers.language:
            languages = DetectedLanguages.of(column)
            values += language_values(languages, standings(scorer.bundle.manifest, languages.names))
        if reasons:
            values.append(reason_values(column, reasons))
        for name, each in zip(self.answers.columns, values, strict=True):
            yield arrow_array(name, each, null)
