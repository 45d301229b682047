"""Score a lake partition by partition, so that a job can be repeated and killed at any time.

The output has two Parquet tables, both partitioned by `model_digest`: `scores`, with the partitions of the source, and
`batches`, with one row for each finished partition. The row is written last, after the counts were reconciled. A
partition without one is scored again and overwritten.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import sentiment_core
from sentiment_core.errors import PartitionCountsDiffer
from sentiment_core.model.bundle import Bundle
from sentiment_core.spark.scoring import MODEL_DIGEST, Answers, score
from sentiment_core.spark.worker_errors import worker_sentences

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

log = logging.getLogger(__name__)

_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_BATCH: Final = (
    "partition string, source_state string, rows_in long, rows_scored long, rows_without_text long, seconds double,"
    " release string"
)


class LakeJob(NamedTuple):
    """What is scored, with which columns, and where the output is."""

    text_column: str
    partition_by: tuple[str, ...]
    out: str
    answers: Answers
    keep: tuple[str, ...] | None  # None keeps all columns

    def scores_path(self, digest: str, partition: str) -> str:
        """Return the folder of the scores of a partition."""
        return "/".join(filter(None, (self.out, "scores", f"{MODEL_DIGEST}={digest}", partition)))

    def batch_path(self, digest: str, partition: str) -> str:
        """Return the folder of the batch of a partition."""
        return f"{self.out}/batches/{MODEL_DIGEST}={digest}/batch={quote(partition or 'all', safe='')}"


class Batch(NamedTuple):
    """A finished partition. `rows_in` is the sum of the other two counts."""

    partition: str  # as in a path, such as `dt=2026-11-01`; empty if the source has no partitions
    source_state: str | None  # a hash of the source's files and of the options; None if the source has no files
    rows_in: int
    rows_scored: int
    rows_without_text: int
    seconds: float
    release: str


class LakeSummary(NamedTuple):
    """The batches of a run, and the number of partitions that had been finished before."""

    batches: list[Batch]
    skipped: int

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts of the run."""
        rows = {name: sum(getattr(each, name) for each in self.batches) for name in _ROWS}
        return {"partitions": len(self.batches), "partitions_skipped": self.skipped, **rows}


_ROWS: Final = ("rows_in", "rows_scored", "rows_without_text")


def score_lake(source: "DataFrame", bundle: Bundle, job: LakeJob) -> LakeSummary:
    """Score each partition of the source that this model has not scored in its present state.

    A source without `partition_by` is one partition. The files of a partition (path, size, time) and the options are
    its state; a source that does not show its files is always scored again. Raises `TextColumnInvalid`,
    `SparkWorkerFailed` if a worker refuses the bundle, and `PartitionCountsDiffer` if a partition changes while it is
    scored; the partitions before it are finished.
    """
    done = _finished(source, job, bundle.digest)
    batches, skipped = [], 0
    for partition, rows in _partitions(source, job.partition_by):
        state = _state(rows, job)
        if state is not None and done.get(partition) == state:
            skipped += 1
            continue
        batch = _score_partition(rows, bundle, job, partition, state)
        log.info("%s: %s rows in %.1f s", partition or "all rows", batch.rows_in, batch.seconds)
        batches.append(batch)
    return LakeSummary(batches, skipped)


def _partitions(source: "DataFrame", columns: Sequence[str]) -> Iterator[tuple[str, "DataFrame"]]:
    """Yield the path and the rows of each partition, in the order of the paths."""
    if not columns:
        yield "", source
        return
    found = {_path(values): values for values in source.select(*columns).distinct().collect()}
    for path in sorted(found):
        rows = source
        for column in columns:
            rows = rows.where(source[column].eqNullSafe(found[path][column]))
        yield path, rows


def _path(values: "Row") -> str:
    pairs = values.asDict().items()
    return "/".join(f"{name}={_NULL if value is None else quote(str(value), safe='')}" for name, value in pairs)


def _state(rows: "DataFrame", job: LakeJob) -> str | None:
    """Return a hash of the files of a partition and of the options, or None if the source does not show its files."""
    from pyspark.errors import AnalysisException  # noqa: PLC0415

    fields = ("file_path", "file_size", "file_modification_time")
    try:
        files = rows.select(*(f"_metadata.{field}" for field in fields)).distinct().collect()
    except AnalysisException:
        return None
    options = job._replace(out="")
    return sha256(repr((options, sorted(map(tuple, files)))).encode()).hexdigest()


def _finished(source: "DataFrame", job: LakeJob, digest: str) -> dict[str, str]:
    """Return the state of each partition that the model has finished."""
    from pyspark.errors import AnalysisException  # noqa: PLC0415

    try:
        batches = source.sparkSession.read.schema(_BATCH).parquet(f"{job.out}/batches/{MODEL_DIGEST}={digest}")
        return {row["partition"]: row["source_state"] for row in batches.collect()}
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return {}


def _score_partition(rows: "DataFrame", bundle: Bundle, job: LakeJob, partition: str, state: str | None) -> Batch:
    start, spark = time.monotonic(), rows.sparkSession
    keep = None if job.keep is None else [name for name in job.keep if name not in job.partition_by]
    rows = rows.drop(*job.partition_by)
    scored = score(rows, job.text_column, bundle, **job.answers._asdict(), keep=keep)
    rows_in = rows.count()
    path = job.scores_path(bundle.digest, partition)
    names = job.answers.names(rows.columns if keep is None else keep)
    with worker_sentences():
        scored.drop(names[-1]).write.mode("overwrite").parquet(path)
    rows_out, rows_scored = _counts(spark.read.parquet(path), names[1])
    if rows_out != rows_in:
        raise PartitionCountsDiffer(partition=partition, rows_in=rows_in, rows_out=rows_out)
    seconds = time.monotonic() - start
    batch = Batch(partition, state, rows_in, rows_scored, rows_in - rows_scored, seconds, sentiment_core.__version__)
    spark.createDataFrame([batch], _BATCH).coalesce(1).write.mode("overwrite").parquet(
        job.batch_path(bundle.digest, partition)
    )
    return batch


def _counts(written: "DataFrame", score_column: str) -> tuple[int, int]:
    """Return the number of rows, and of those with a score."""
    from pyspark.sql.functions import count  # noqa: PLC0415

    found: Any = written.agg(count("*"), count(score_column)).first()
    return int(found[0]), int(found[1])
