"""Spark gives the scores of the scorer, to the last bit, and a job over a lake can be repeated and killed."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import sentiment_core.spark.job as spark_job
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import (
    BundleDamaged,
    BundleTooNew,
    PartitionCountsDiffer,
    SparkWorkerFailed,
    TextColumnInvalid,
)
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.result_columns import LANGUAGE_COLUMNS, SCORE_COLUMNS, reason_values
from sentiment_core.model.scorer import LABELS, Scorer
from sentiment_core.spark import lake, score
from sentiment_core.spark.bundle_files import SentBundle, files_of, read_files
from sentiment_core.spark.lake import LakeJob, score_lake
from sentiment_core.spark.scoring import Answers
from sentiment_core.spark.worker_errors import worker_sentences

TEXTS = [
    "I love it, works very well",
    "awful, a waste of money",
    None,
    "",
    "Das ist wirklich schlecht",
    "ünï 💛 not bad",
]
DAYS = {"2026-11-01": TEXTS[:3], "2026-11-02": TEXTS[3:], "2026-11-03": ["It is a lamp"]}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session with two workers."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark, 500 MB, is not installed: `make test-spark` installs it")
    if shutil.which("java") is None:
        pytest.skip("there is no Java, which Spark needs")
    from pyspark.sql import SparkSession  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("spark")
    variables = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.local.dir", str(folder))
            .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
            .getOrCreate()
        )
        try:
            yield session
        finally:
            session.stop()


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(STARTER)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of Parquet files, partitioned by day."""
    folder = tmp_path / "reviews"
    for day, texts in DAYS.items():
        write(folder / f"dt={day}" / "a.parquet", texts)
    return folder


def write(path: Path, texts: list[str | None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"id": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts, pa.string())}
    pq.write_table(pa.table(columns), path)


def of_lake(spark: Any, source: Path, **changed: Any) -> LakeJob:
    return LakeJob("text", ("dt",), str(source.with_name("out")), Answers(), ("id",))._replace(**changed)


def test_scores_are_those_of_the_scorer_to_the_last_bit_from_several_workers(spark: Any, bundle: Bundle) -> None:
    texts = [None if text is None else f"{text} {number}" for number in range(50) for text in TEXTS]
    table = spark.createDataFrame(list(enumerate(texts)), "place int, text string").repartition(4)
    rows = score(table, "text", bundle, language=True).orderBy("place").collect()
    expected = Scorer(bundle).score_texts(texts)
    languages = DetectedLanguages.of(TextColumn.from_texts([text or "" for text in texts])).names
    assert [row["text"] for row in rows] == texts
    for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
        assert row["model_digest"] == bundle.digest
        found = {name: row[name] for name in (*SCORE_COLUMNS, *LANGUAGE_COLUMNS)}
        if text is None:
            assert set(found.values()) == {None}
            continue
        assert row["score"] == expected.score[place]
        assert (row["negative"], row["positive"]) == (expected.negative[place], expected.positive[place])
        assert row["neutral"] == expected.neutral[place].item()
        assert row["label"] == LABELS[expected.label[place]]
        assert (row["unfamiliar"], row["mixed"]) == (expected.unfamiliar[place], expected.mixed[place])
        assert row["language_detected"] == languages[place]


def test_explanations_names_that_are_taken_and_kept_columns(spark: Any, bundle: Bundle) -> None:
    table = spark.createDataFrame([(1, TEXTS[0], 5), (2, None, 6)], "id int, text string, Score int")
    found = score(table, "text", bundle, explain=2, keep=["id", "Score"])
    names = [f"sentiment_{name}" for name in (*SCORE_COLUMNS, "reasons", "model_digest")]
    assert found.columns == ["id", "Score", *names]
    first, second = found.orderBy("id").collect()
    column = TextColumn.from_texts([TEXTS[0]])
    [expected] = reason_values(column, Scorer(bundle).reasons(column, 2))
    assert [each.asDict() for each in first["sentiment_reasons"]] == expected
    assert second["sentiment_reasons"] is None


def test_a_column_that_is_missing_or_not_of_text_is_an_error_of_one_sentence(spark: Any, bundle: Bundle) -> None:
    table = spark.createDataFrame([(1, "fine")], "id int, text string")
    with pytest.raises(TextColumnInvalid, match=r"^The column 'id' cannot be scored: its type is int. Cast it to str"):
        score(table, "id", bundle)
    with pytest.raises(
        TextColumnInvalid, match=r"'review' cannot be scored: the dataframe does not have it. It has id,"
    ):
        score(table, "review", bundle)


def test_a_worker_refuses_a_bundle_of_a_newer_format_or_of_another_digest(bundle: Bundle) -> None:
    files = files_of(bundle)
    assert read_files(files, bundle.digest).digest == bundle.digest
    with pytest.raises(BundleDamaged, match="the Spark driver is damaged: its digest is"):
        read_files(files, "0" * 64)
    manifest = json.loads(files["manifest.json"]) | {"format_version": 3}
    with pytest.raises(BundleTooNew, match="bundle at the Spark driver has format 3.*Upgrade this release"):
        read_files(files | {"manifest.json": json.dumps(manifest).encode()}, bundle.digest)


def test_a_job_shows_the_sentence_of_a_worker_that_refuses_the_bundle(
    spark: Any, bundle: Bundle, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, context, digest = files_of(bundle), spark.sparkContext, "f" * 64
    manifest = json.dumps(json.loads(files["manifest.json"]) | {"format_version": 3}).encode()
    sent = SentBundle(context.broadcast(files | {"manifest.json": manifest}), digest)
    monkeypatch.setattr(SentBundle, "_sent", {(context.applicationId, bundle.digest): sent})
    with pytest.raises(
        SparkWorkerFailed, match=r"^A Spark worker failed: The model bundle at the Spark driver has format 3; [^\n]*$"
    ):
        score_lake(spark.read.parquet(str(source)), bundle, of_lake(spark, source))


def test_an_error_of_other_code_in_a_worker_stays_as_it_is(spark: Any) -> None:
    from pyspark.errors import PythonException  # noqa: PLC0415

    def fail(_batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise ZeroDivisionError("not of this package")

    with pytest.raises(PythonException, match="not of this package"), worker_sentences():
        spark.range(1).mapInArrow(fail, "id long").collect()


def test_the_workers_of_an_executor_map_one_table(spark: Any, bundle: Bundle) -> None:
    table = spark.createDataFrame([(text,) for text in TEXTS], "text string").repartition(4)
    assert len(score(table, "text", bundle).collect()) == len(TEXTS)
    name = f"sentiment-{bundle.digest}.table"
    mapped = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            mapped += [each.path for each in process.memory_maps() if each.path.endswith(name)]
    [path] = set(mapped)
    assert Path(path).stat().st_nlink == 1, "the name under which it was written is gone"


def test_a_job_scores_each_partition_once_and_again_when_its_files_change(
    spark: Any, bundle: Bundle, source: Path
) -> None:
    def run(**changed: Any) -> dict[str, int]:
        return score_lake(spark.read.parquet(str(source)), bundle, of_lake(spark, source, **changed)).counts

    first = run()
    counts = {"rows_in": 7, "rows_scored": 6, "rows_without_text": 1}
    assert first == {"partitions": 3, "partitions_skipped": 0, **counts}
    assert run() == {"partitions": 0, "partitions_skipped": 3, **dict.fromkeys(counts, 0)}
    write(source / "dt=2026-11-03" / "b.parquet", ["I love it", "awful"])
    assert run() == {"partitions": 1, "partitions_skipped": 2, "rows_in": 3, "rows_scored": 3, "rows_without_text": 0}
    scores = spark.read.parquet(str(source.with_name("out") / "scores"))
    assert scores.where(f"model_digest = '{bundle.digest}'").count() == scores.count() == 9
    assert {str(row["dt"]) for row in scores.select("dt").distinct().collect()} == set(DAYS)
    batches = spark.read.parquet(str(source.with_name("out") / "batches"))
    assert batches.agg({"rows_in": "sum"}).first()[0] == 9
    assert run(answers=Answers(language=True))["partitions"] == 3, "other options score again"


def test_a_failed_job_finishes_the_rest_when_it_is_started_again(spark: Any, bundle: Bundle, source: Path) -> None:
    job, lost = of_lake(spark, source), source / "dt=2026-11-02" / "a.parquet"
    reviews = spark.read.parquet(str(source))
    content = lost.read_bytes()
    lost.write_bytes(content[:4] + bytes(60) + content[64:])  # the footer stays, so that the file is damaged inside
    with pytest.raises(Exception, match=r"a\.parquet"):
        score_lake(reviews, bundle, job)
    lost.write_bytes(content)
    summary = score_lake(spark.read.parquet(str(source)), bundle, job)
    assert [batch.partition for batch in summary.batches] == ["dt=2026-11-02", "dt=2026-11-03"]
    assert spark.read.parquet(f"{job.out}/scores").count() == 7


def test_a_partition_whose_counts_differ_is_not_finished(
    spark: Any, bundle: Bundle, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, counts = of_lake(spark, source), lake._counts

    def after_a_change(written: Any, column: str) -> tuple[int, int]:
        return counts(written.limit(2), column)  # as if a row had come after the scores were written

    monkeypatch.setattr(lake, "_counts", after_a_change)
    with pytest.raises(PartitionCountsDiffer, match="'dt=2026-11-01' has 3 rows, but 2 rows were written"):
        score_lake(spark.read.parquet(str(source)), bundle, job)
    monkeypatch.undo()
    assert score_lake(spark.read.parquet(str(source)), bundle, job).counts["partitions"] == 3


def test_a_table_without_files_is_always_scored_again_and_overwritten(spark: Any, bundle: Bundle, source: Path) -> None:
    table = spark.createDataFrame([("a/b", "fine"), (None, "awful")], "shop string, text string")
    job = of_lake(spark, source, partition_by=("shop",), keep=None)
    for _ in range(2):
        assert score_lake(table, bundle, job).counts["partitions"] == 2
    rows = spark.read.parquet(f"{job.out}/scores").collect()
    assert sorted((row["shop"] or "", row["text"]) for row in rows) == [("", "awful"), ("a/b", "fine")]


def test_the_job_scores_a_table_of_the_catalog(
    spark: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(spark), "stop", lambda _: None)  # the session is that of all tests
    spark.read.parquet(str(source)).write.partitionBy("dt").saveAsTable("reviews")

    def run(table: str) -> tuple[int, str]:
        places = ["--table", table, "--output", str(tmp_path / "out"), "--partition-by", "dt", "--keep", "id"]
        ran = CliRunner().invoke(spark_job.main, places)
        return ran.exit_code, ran.output.splitlines()[-1]

    def counts() -> tuple[int, int, int]:
        status, line = run("default.reviews")
        assert status == 0, line
        summary = json.loads(line)
        return summary["partitions"], summary["partitions_skipped"], summary["rows_in"]

    assert counts() == (3, 0, 7)
    assert counts() == (0, 3, 0)
    spark.sql("INSERT INTO reviews VALUES (7, 'I love it', DATE '2026-11-03')")
    assert counts() == (1, 2, 2)
    assert spark.read.parquet(str(tmp_path / "out" / "scores")).count() == 8
    status, line = run("nothing")
    assert (status, line.partition(" cannot")[0]) == (
        1,
        "Error: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nothing`",
    )


def test_spark_submit_runs_the_job(spark: Any, bundle: Bundle, source: Path, tmp_path: Path) -> None:
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", "local[2]", spark_job.__file__]
    places = ["--input", str(source), "--output", str(tmp_path / "out"), "--partition-by", "dt"]

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*submit, *places, *options], capture_output=True, text=True, check=False, cwd=tmp_path)

    ran = run("--language")
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout.splitlines()[-1])
    assert (summary["rows_in"], summary["digest"]) == (7, bundle.digest)
    ran = run("--text-column", "id")
    assert ran.returncode == 1
    assert "Error: The column 'id' cannot be scored: its type is bigint. Cast it to string." in ran.stdout + ran.stderr
