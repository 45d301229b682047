"""A training, logged as a run to a real MLflow server."""

import base64
import json
import struct
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from mlflow import MlflowClient

from sentiment_core.cli.train import train
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import RegistryRefused, RegistryUnavailable
from sentiment_core.evaluation.plots import HEIGHT, WIDTH
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.card_markdown import markdown
from sentiment_core.params import DEFAULTS, Params
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.settings import settings as read_settings
from sentiment_core.training import mlflow_run
from sentiment_core.training.learning_curve import learning_curve
from sentiment_core.training.mlflow_run import TrainingRun, log_training
from sentiment_core.training.train import Trained, train_measured
from tests.unit.conftest import generated_reviews

PLOTS = {"roc.png", "precision_recall.png", "calibration.png", "confusion.png", "scores.png", "learning_curve.png"}
SUITE = {
    "selection": "all rows",
    "sets": {"kettles, old": {"language": "en", "rows": 40, "accuracy": 0.75}},
    "language": {"en": {"sets": 1, "rows": 40, "balanced_accuracy": 0.5}},
    "domain": {},
    "all": {},
}
FILES = {"metrics.json", "model_card.json", "model_card.md", "params.yaml", "plots"}


@pytest.fixture(scope="module")
def trained() -> Trained:
    """A training on generated reviews, grouped by product, with ratings. One review in twelve has the wrong label."""
    rows = generated_reviews(1_500)
    labels = np.array([LABELS.index(row["sentiment"]) for row in rows], np.int8)
    labels[::12] = 2 - labels[::12]
    ratings = np.where(labels > 1, 5.0, 1.0)
    products = [f"{row['product']}, model {number % 2}" for number, row in enumerate(rows)]
    reviews = LabelledReviews([row["review"] for row in rows], labels, products, ratings)
    found = train_measured(reviews, Params.load(), {"data": "generated", "snapshot": "5" * 64})
    curve = learning_curve(found, Params.load(), shares=(0.2, 0.5))
    bundle = found.bundle.with_suite(SUITE)
    return found._replace(bundle=bundle, evaluation=found.evaluation._replace(learning_curve=curve))


@pytest.fixture(scope="module")
def bundle_path(trained, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "bundle"
    trained.bundle.save(folder)
    return folder


@pytest.fixture(scope="module")
def name():
    return f"model-{time.time_ns()}"


@pytest.fixture(scope="module")
def client(mlflow_uri):
    return MlflowClient(mlflow_uri, registry_uri=mlflow_uri)


@pytest.fixture(scope="module")
def logged(mlflow_uri, name, trained, bundle_path) -> TrainingRun:
    uri = "s3://reviews/training/snapshots/5"
    return log_training(
        mlflow_uri, name, bundle_path, trained.evaluation, name=name, data_uri=uri, tags={"dag_run": "1"}
    )


@pytest.fixture(scope="module")
def files(mlflow_uri, client, logged, tmp_path_factory) -> Path:
    return Path(client.download_artifacts(logged.run_id, "", str(tmp_path_factory.mktemp("files"))))


def test_a_run_has_every_param_and_every_measure(client, logged, trained):
    run = client.get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["model.C"] == "1.0"
    assert run.data.params["data.labels.negative"] == '["negative", "neg", "0"]'
    assert len(run.data.params) == 22
    held_out = trained.evaluation.metrics
    for measure in ("accuracy", "auc", "f1", "brier", "ece", "coverage", "rows"):
        assert run.data.metrics[measure] == getattr(held_out, measure)
    slices = {key.split("/")[1] for key in run.data.metrics if key.startswith("slice/")}
    assert {"length_below_500", "rating_1", "rating_5", "group_kettle_model_0"} <= slices
    assert len(slices) == len(trained.evaluation.slices)
    worst = trained.evaluation.slices["rating 1"]
    assert run.data.metrics["slice/rating_1/accuracy"] == worst.accuracy
    assert "slice/rating_1/auc" not in run.data.metrics
    suite = {key: value for key, value in run.data.metrics.items() if key.startswith("suite")}
    assert suite == {
        "suite/kettles_old/accuracy": 0.75,
        "suite/kettles_old/rows": 40,
        "suite_language/en/balanced_accuracy": 0.5,
        "suite_language/en/rows": 40,
        "suite_language/en/sets": 1,
    }


def test_the_learning_curve_grows_to_the_whole_training(client, logged, trained):
    points = client.get_metric_history(logged.run_id, "learning_curve/accuracy")
    rows = [point.step for point in points]
    assert rows == sorted(rows)
    assert len(rows) == 3
    assert points[-1].value == trained.evaluation.metrics.accuracy
    assert points[0].value < points[-1].value + 0.05


def test_a_run_says_where_it_comes_from(client, logged, trained):
    run = client.get_run(logged.run_id)
    assert {
        "digest": trained.bundle.digest,
        "code_version": "unknown",
        "snapshot": "5" * 64,
        "snapshot_sha256": trained.reviews.sha256,
        "dag_run": "1",
        "model_version": "1",
    }.items() <= run.data.tags.items()
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.digest == "5" * 36
    assert json.loads(dataset.dataset.profile)["rows"] == trained.reviews.rows
    assert [(tag.key, tag.value) for tag in dataset.tags] == [("mlflow.data.context", "training")]
    assert mlflow.data.get_source(dataset.dataset).uri == "s3://reviews/training/snapshots/5"


def test_a_runs_files_are_what_the_training_found(files, trained):
    assert {file.name for file in files.iterdir()} == FILES
    metrics = json.loads((files / "metrics.json").read_text())
    assert metrics["held_out"] == trained.evaluation.metrics._asdict()
    assert metrics["slices"]["rating 5"] == trained.evaluation.slices["rating 5"]._asdict()
    assert [point["share"] for point in metrics["learning_curve"]] == [0.2, 0.5, 1.0]
    card = json.loads((files / "model_card.json").read_text())
    assert card == json.loads(json.dumps(trained.bundle.provenance["card"]))
    assert (files / "model_card.md").read_text() == markdown(card)
    assert Params.load(files / "params.yaml") == Params.load(DEFAULTS)


def test_a_runs_plots_are_pictures_of_one_size(files):
    assert {file.name for file in (files / "plots").iterdir()} == PLOTS
    for file in (files / "plots").iterdir():
        assert size_of_png(file.read_bytes()) == (WIDTH, HEIGHT), file.name


def size_of_png(content: bytes) -> tuple[int, int]:
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_the_version_is_the_runs_and_its_bundle_is_the_trained_one(
    mlflow_uri, client, logged, name, trained, bundle_path, tmp_path
):
    version = client.get_model_version(name, str(logged.version))
    assert (version.run_id, version.tags["digest"]) == (logged.run_id, trained.bundle.digest)
    (output,) = client.get_run(logged.run_id).outputs.model_outputs
    assert version.source == f"models:/{output.model_id}"
    assert client.get_logged_model(output.model_id).source_run_id == logged.run_id
    fetched = RegisteredModel(mlflow_uri, name, tmp_path).fetch(logged.version)
    assert fetched.digest == trained.bundle.digest
    contents = [{file.name: file.read_bytes() for file in path.iterdir()} for path in (fetched.path, bundle_path)]
    assert contents[0] == contents[1]
    assert "card.md" in contents[0]


def test_the_registered_model_has_a_signature_and_an_example_and_no_pickle(
    mlflow_uri, logged, name, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    uri = f"models:/{name}/{logged.version}"
    folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path)))
    described = yaml.safe_load((folder / "MLmodel").read_text())
    assert described["flavors"]["python_function"]["loader_module"] == "sentiment_core.pyfunc"
    assert described["run_id"] == logged.run_id
    assert json.loads(described["signature"]["inputs"])[0]["name"] == "text"
    assert (folder / "input_example.json").exists()
    assert {file.suffix for file in folder.rglob("*") if file.is_file()} == {
        *("", ".json", ".md", ".npy", ".sha256", ".txt", ".yaml")
    }


def test_training_the_same_again_is_a_new_run_of_the_same_version(
    mlflow_uri, client, logged, name, trained, bundle_path
):
    again = log_training(mlflow_uri, name, bundle_path, trained.evaluation._replace(learning_curve=()), name=name)
    assert again.version == logged.version
    assert again.run_id != logged.run_id
    assert len(client.search_model_versions(f"name = '{name}'")) == 1
    run = client.get_run(again.run_id)
    first = client.get_run(logged.run_id)
    assert [output.model_id for output in run.outputs.model_outputs] == [
        output.model_id for output in first.outputs.model_outputs
    ]
    assert {file.path for file in client.list_artifacts(again.run_id, "plots")} == {
        f"plots/{plot}" for plot in PLOTS - {"learning_curve.png"}
    }


def test_slices_that_mlflow_would_name_alike_are_all_logged(trained):
    found = mlflow_run._by_plain_name({"group a/b": 1, "group a,b": 2, "group a b": 3, "length below 500": 4})
    assert sorted(found.values()) == [1, 2, 3, 4]
    assert found["length_below_500"] == 4


# A server that requires authentication


@contextmanager
def guarding(mlflow_uri, wanted, refused=lambda _: False):
    """Put a proxy in front of MLflow. It forwards requests with the wanted header, and answers 500 to some of them."""
    target = urlsplit(mlflow_uri)
    seen = []

    class Guard(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(self.headers.get("Authorization"))
            if seen[-1] != wanted:
                return self.reply(401, b'{"error_code": "UNAUTHENTICATED", "message": "who are you"}')
            if refused(f"{self.command} {self.path}"):
                return self.reply(500, b'{"error_code": "INTERNAL_ERROR", "message": "the store refuses"}')
            connection = HTTPConnection(target.hostname, target.port, timeout=60)
            kept = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "authorization")}
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            self.reply(answer.status, answer.read(), answer.headers.get("Content-Type", "application/json"))
            return connection.close()

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

        def reply(self, status, content, kind="application/json"):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Guard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"MLFLOW_TRACKING_TOKEN": "t0ken"}, "Bearer t0ken"),
        (
            {"MLFLOW_TRACKING_USERNAME": "robot", "MLFLOW_TRACKING_PASSWORD": "s3cret", "MLFLOW_TRACKING_TOKEN": "no"},
            f"Basic {base64.b64encode(b'robot:s3cret').decode()}",
        ),
    ],
)
def test_a_hosted_server_gets_the_token_or_the_password_with_every_call(
    mlflow_uri, trained, bundle_path, tmp_path, monkeypatch, variables, header
):
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    name = f"hosted-{time.time_ns()}"
    with guarding(mlflow_uri, header) as (uri, seen):
        run = log_training(uri, name, bundle_path, trained.evaluation, name=name)
        registry = RegisteredModel(uri, name, tmp_path)
        registry.set_alias("challenger", run.version)
        assert registry.fetch(registry.resolve("challenger")[0]).digest == trained.bundle.digest
    assert set(seen) == {header}


def test_a_hosted_server_that_does_not_know_the_caller_refuses(mlflow_uri, trained, bundle_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a wrong one")
    with guarding(mlflow_uri, "Bearer t0ken") as (uri, _), pytest.raises(RegistryRefused, match="401") as caught:
        log_training(uri, "sentiment", bundle_path, trained.evaluation)
    assert "a wrong one" not in str(caught.value)


def test_a_token_does_not_follow_a_redirect(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    seen = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self.send_response(302 if len(seen) == 1 else 404)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(RegistryRefused):
            RegisteredModel(f"http://127.0.0.1:{server.server_port}", cache=tmp_path).resolve(None)
        server.shutdown()
    assert seen == ["Bearer t0ken", None]


@pytest.mark.parametrize(
    ("what", "refused"),
    [
        ("files", lambda call: call.startswith("PUT")),
        ("version", lambda call: call.endswith("model-versions/create")),
    ],
)
def test_a_run_that_breaks_off_has_failed_and_made_no_version(
    mlflow_uri, client, trained, bundle_path, monkeypatch, what, refused
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    name = f"broken-{what}-{time.time_ns()}"
    with guarding(mlflow_uri, "Bearer t0ken", refused) as (uri, _), pytest.raises(RegistryUnavailable, match="500"):
        log_training(uri, name, bundle_path, trained.evaluation, name=name)
    (run,) = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert run.info.status == "FAILED"
    assert client.search_model_versions(f"name = '{name}'") == []
    # When the server works again, the training also succeeds.
    again = log_training(mlflow_uri, name, bundle_path, trained.evaluation, name=name)
    assert again.version == 1


def test_a_server_that_is_not_there_is_told_at_once(trained, bundle_path):
    with pytest.raises(RegistryUnavailable):
        log_training("http://127.0.0.1:9", "sentiment", bundle_path, trained.evaluation)


# The command


@pytest.fixture
def tracked(mlflow_uri, tmp_path, monkeypatch):
    """Run `sentiment train` with a separate registry."""
    name = f"command-{time.time_ns()}"
    rows = generated_reviews(600)
    csv = tmp_path / "reviews.csv"
    csv.write_text("review,sentiment\n" + "".join(f'"{row["review"]}",{row["sentiment"]}\n' for row in rows))
    monkeypatch.setenv("SENTIMENT_MODEL_NAME", name)
    monkeypatch.setenv("SENTIMENT_MODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SENTIMENT_MLFLOW_TRACKING_URI", mlflow_uri)

    def run(*arguments, **variables):
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        read_settings.cache_clear()
        return CliRunner().invoke(train, [str(csv), *arguments])

    yield run, name
    read_settings.cache_clear()


def test_train_track_registers_the_challenger_and_prints_run_and_version(tracked, mlflow_uri, client, tmp_path):
    run, name = tracked
    result = run("--track", "--out", str(tmp_path / "model"), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["version"] == 1
    assert client.get_model_version_by_alias(name, "challenger").run_id == told["run_id"]
    assert RegisteredModel(mlflow_uri, name, tmp_path).resolve("challenger") == (
        1,
        Bundle.load(tmp_path / "model").digest,
    )
    assert "plots/learning_curve.png" in {file.path for file in client.list_artifacts(told["run_id"], "plots")}
    people = run("--track", "--no-learning-curve")
    assert people.exit_code == 0, people.output
    assert "run id" in people.output
    assert "version" in people.output


def test_train_track_finds_out_before_it_trains_that_there_is_no_server(tracked, tmp_path):
    run, _ = tracked
    result = run("--track", "--out", str(tmp_path / "model"), SENTIMENT_MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert isinstance(result.exception, RegistryUnavailable)
    assert not (tmp_path / "model").exists()
