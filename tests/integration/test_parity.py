"""The registered model, through MLflow's own scorers, gives the scores of the library to within 1e-6."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.starter import starter_scorer

TEXTS = [
    "An excellent kettle, I love it.",
    "Terrible, the worst waste of money.",
    "It is a kettle.",
    "ünï 💛 <br /> not bad, not good!",
    "word " * 5_000,
]
START_S = 120


@pytest.fixture(scope="module")
def model(mlflow_uri, tmp_path_factory) -> str:
    """The address of the starter in the registry."""
    registry = RegisteredModel(mlflow_uri, f"parity-{time.time_ns()}", tmp_path_factory.mktemp("cache"))
    return f"models:/{registry.name}/{registry.register(STARTER)}"


@pytest.fixture(scope="module")
def expected():
    scores = starter_scorer().score_texts(TEXTS)
    return scores.score.tolist(), [LABELS[label] for label in scores.label]


@pytest.fixture
def environment(mlflow_uri, monkeypatch, checkout) -> dict[str, str]:
    """The environment of MLflow's programs. They search for other programs next to this interpreter."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {"MLFLOW_TRACKING_URI": mlflow_uri, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return dict(os.environ)


def test_mlflow_models_serve_gives_the_same_scores(model, expected, environment, stack, tmp_path):
    port = stack.workspace.port("mlflow models serve")
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", model, "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    log = tmp_path / "log"
    with log.open("wb") as file, subprocess.Popen(command, env=environment, stdout=file, stderr=file) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server, log)
            rows = {"dataframe_split": {"columns": ["text"], "data": [[text] for text in TEXTS]}}
            answer = post(f"http://127.0.0.1:{port}/invocations", rows)["predictions"]
            rows["dataframe_split"]["data"] = [["fine"], ["nan"], [None]]
            with_missing = post(f"http://127.0.0.1:{port}/invocations", rows)["predictions"]
        finally:
            server.terminate()
    assert [row["score"] for row in answer] == pytest.approx(expected[0], abs=1e-6)
    assert [row["label"] for row in answer] == expected[1]
    assert with_missing[1:] == [{"score": None, "label": None}] * 2
    assert with_missing[0]["label"] is not None


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"`mlflow models serve` did not answer:\n{log.read_text()[-2000:]}")


def post(address: str, body: object) -> dict:
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_spark_gives_the_same_scores(model, expected, environment, tmp_path, monkeypatch):
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark, 500 MB, is not installed: `pip install 'sentiment-core[spark]'`")
    if shutil.which("java") is None:
        pytest.skip("there is no Java, which Spark needs")
    import mlflow.pyfunc  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", str(tmp_path))
        .config("spark.sql.warehouse.dir", str(tmp_path))
        .getOrCreate()
    )
    try:
        score = mlflow.pyfunc.spark_udf(spark, model, result_type="score double, label string", env_manager="local")
        table = spark.createDataFrame(list(enumerate(TEXTS)), "number int, text string").repartition(2)
        rows = table.withColumn("found", score("text")).orderBy("number").collect()
    finally:
        spark.stop()
    assert [row["found"]["score"] for row in rows] == pytest.approx(expected[0], abs=1e-6)
    assert [row["found"]["label"] for row in rows] == expected[1]
