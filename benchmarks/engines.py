"""The same model in three engines: `sentiment score`, DuckDB and Spark, and the bare fused scorer, on all cores.

Each engine reads a file, scores it and writes a Parquet file. A core-second is a second of processor time, summed over
all threads and processes of an engine, including Spark's JVM. It depends far less on other work on the machine than
the clock does.
"""

import csv
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import Seconds, arguments, interleaved, labelled_reviews, report
from sentiment_core.drops.source_contract import Rules
from sentiment_core.duckdb import register
from sentiment_core.loading.score_file import score_file
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import settings
from sentiment_core.spark import score

GOALS = {
    "duckdb_vs_cli_1300": "≥ 0.8",
    "duckdb_vs_cli_100": "≥ 0.8",
    "spark_vs_scorer_core_1300": "≥ 0.7",
    "spark_vs_scorer_core_100": "",
}
CORES = os.cpu_count() or 1
FILES = 8


class Rates(NamedTuple):
    """Rows per second of a contender, by the clock and by processor time."""

    clock: float
    core: float


class Data(NamedTuple):
    """The same reviews as a CSV file and as a folder of Parquet files."""

    csv: Path
    parquet: Path
    texts: pa.ChunkedArray


def written(folder: Path, texts: list[str]) -> Data:
    """Write the reviews in both forms."""
    data = Data(folder / "reviews.csv", folder / "reviews", pa.chunked_array([pa.array(texts)]))
    with data.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "text"))
        writer.writerows(enumerate(texts))
    data.parquet.mkdir()
    table = pa.table({"id": pa.array(range(len(texts))), "text": data.texts})
    size = -(-len(texts) // FILES)
    for number in range(FILES):
        pq.write_table(table.slice(number * size, size), data.parquet / f"{number}.parquet")
    return data


class Engines:
    """The contenders, each of which scores all reviews and returns nothing."""

    def __init__(self, folder: Path, data: Data, spark: Any) -> None:
        self.scorer = Scorer(Bundle.load(STARTER))
        self.folder, self.data, self.spark = folder, data, spark
        self.connection = duckdb.connect(config={"threads": CORES})
        register(self.connection, self.scorer.bundle)

    def contenders(self) -> dict[str, Callable[[], object]]:
        """Return the contenders by name. Spark is left out if it is not installed."""
        found: dict[str, Callable[[], object]] = {"scorer": self.bare, "cli": self.cli, "duckdb": self.duckdb}
        if self.spark:
            found["spark, no output"] = self.spark_without_output
            found["spark"] = self.spark_keeping_ids
            found["spark, all columns"] = self.spark_keeping_all
        return found

    def bare(self) -> None:
        """Score the texts, which are in memory."""
        self.scorer.score_arrow(self.data.texts, CORES)

    def cli(self) -> None:
        """Do what `sentiment score` does, without its start."""
        score_file(self.data.csv, self.folder / "cli.parquet", self.scorer, Rules(settings()), 0, CORES)

    def duckdb(self) -> None:
        """Score the CSV file in SQL."""
        out = self.folder / "duckdb.parquet"
        self.connection.execute(
            "COPY (SELECT *, sentiment_label(text) AS label, sentiment_score(text) AS score"
            f" FROM read_csv('{self.data.csv}', header = true)) TO '{out}' (FORMAT parquet)"
        )

    def spark_without_output(self) -> None:
        """Score the folder of Parquet files, and write nothing, as the scorer does."""
        self._scored(["id"]).write.format("noop").mode("overwrite").save()

    def spark_keeping_ids(self) -> None:
        """Score the folder of Parquet files, without the texts in the output."""
        self._spark("spark", ["id"])

    def spark_keeping_all(self) -> None:
        """Score the folder of Parquet files, with the texts in the output."""
        self._spark("spark-all", None)

    def _spark(self, out: str, keep: list[str] | None) -> None:
        self._scored(keep).write.mode("overwrite").parquet(str(self.folder / out))

    def _scored(self, keep: list[str] | None) -> Any:
        return score(self.spark.read.parquet(str(self.data.parquet)), "text", self.scorer.bundle, keep=keep)

    def check(self) -> None:
        """Check that all engines gave the same scores, to the last bit."""
        expected = self.scorer.score_arrow(self.data.texts).score
        for path in (self.folder / name for name in ("cli.parquet", "duckdb.parquet", "spark", "spark-all")):
            if path.exists():
                table = pq.read_table(path, columns=["id", "score"])
                ids = np.asarray(table["id"].cast("int64"))
                assert np.array_equal(np.asarray(table["score"])[np.argsort(ids)], expected), path


@contextmanager
def spark_session(folder: Path) -> Iterator[Any]:
    """Yield a session with a worker per core, or None if Spark is not installed."""
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 -- optional
    except ImportError:
        print("PySpark is not installed (requirements/spark.txt): it is left out.")
        yield None
        return
    warnings.simplefilter("ignore", FutureWarning)
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    options = {"spark.ui.enabled": "false", "spark.local.dir": str(folder), "spark.driver.memory": "2g"}
    session = SparkSession.builder.master(f"local[{CORES}]").config(map=options).getOrCreate()
    try:
        session.sparkContext.setLogLevel("ERROR")
        yield session
    finally:
        session.stop()


def processor_seconds() -> float:
    """Return the processor time of this process and of all its descendants, such as Spark's JVM and workers."""
    this = psutil.Process()
    times = [each.cpu_times() for each in (this, *this.children(recursive=True))]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def measured(contenders: dict[str, Callable[[], object]], rows: int, rounds: int) -> dict[str, Rates]:
    """Run the contenders in turn, and return the best rates of each."""
    core = {name: float("inf") for name in contenders}

    def timed(name: str, run: Callable[[], object]) -> Callable[[], object]:
        def once() -> None:
            start = processor_seconds()
            run()
            # Linux counts processor time in hundredths of a second.
            core[name] = min(core[name], max(processor_seconds() - start, 0.01))

        return once

    for run in contenders.values():
        run()  # starts workers, and lets the JVM compile
    start = time.perf_counter()
    seconds: dict[str, Seconds] = interleaved(
        {name: timed(name, run) for name, run in contenders.items()}, rounds, before=lambda: None
    )
    print(f"{rows:,} rows: {rounds} rounds in {time.perf_counter() - start:.0f} s")
    return {name: Rates(rows / seconds[name].best, rows / core[name]) for name in contenders}


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    texts = [text.replace("\0", " ") for text in reviews.texts]
    joined = " ".join(texts)
    short = [joined[start : start + 100].strip() or "-" for start in range(0, len(joined) - 100, 101)]
    sizes = (300, 3_000) if options.quick else (200_000, 1_000_000)
    figures: dict[str, object] = {"reviews": reviews.name, "cores": CORES}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, spark_session(Path(name)) as spark:
        for length, chosen, rows in ((1_300, texts, sizes[0]), (100, short, sizes[1])):
            folder = Path(name) / str(length)
            folder.mkdir()
            data = written(folder, (chosen * (rows // len(chosen) + 1))[:rows])
            engines = Engines(folder, data, spark)
            rates = measured(engines.contenders(), rows, 1 if options.quick else 3)
            engines.check()
            for engine, each in rates.items():
                figures[f"{length:,} characters, {engine}: rows/s"] = each.clock
                figures[f"{length:,} characters, {engine}: rows/core-second"] = each.core
            ratios[f"duckdb_vs_cli_{length}"] = rates["duckdb"].clock / rates["cli"].clock
            ratios[f"duckdb_vs_cli_core_{length}"] = rates["duckdb"].core / rates["cli"].core
            if "spark" in rates:
                ratios[f"spark_vs_scorer_core_{length}"] = rates["spark, no output"].core / rates["scorer"].core
                ratios[f"spark_written_vs_scorer_core_{length}"] = rates["spark"].core / rates["scorer"].core
                ratios[f"spark_all_vs_scorer_core_{length}"] = rates["spark, all columns"].core / rates["scorer"].core
    report(figures, ratios, GOALS, options.json)


if __name__ == "__main__":
    main()
