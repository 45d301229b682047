"""The registry module, tested with a real MLflow server. Fetching needs no MLflow package."""

import http.server
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

import sentiment_core
from sentiment_core.errors import BundleDamaged, BundleMissing, ModelUnknown, RegistryRefused, RegistryUnavailable
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import LABELS, Scorer
from sentiment_core.registry.mlflow_client import experiment_id, mlflow_client
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.registry.registration import ensure_registered_model, link, register
from tests.starter import digest_of

TEXTS = ["An excellent kettle, I love it.", "Terrible, the worst waste of money.", "It is a kettle.", "ünï 💛"]


@pytest.fixture
def registry(mlflow_uri, tmp_path):
    return RegisteredModel(mlflow_uri, f"model-{time.time_ns()}", tmp_path / "cache")


@pytest.fixture(scope="module")
def starter():
    return Bundle.load(STARTER)


@pytest.fixture
def other(tmp_path, small_bundle, shift_bundle):
    """A bundle that differs from the small one only in its bias."""
    shift_bundle(Bundle.load(small_bundle), tmp_path / "other", 0.5)
    return tmp_path / "other"


@pytest.fixture
def artifacts(mlflow_uri):
    """Replace a file of a registered bundle through the server's artifact interface."""

    def replace(registry, version, source):
        client = MlflowClient(mlflow_uri, registry_uri=mlflow_uri)
        model_id = client.get_model_version(registry.name, str(version)).source.removeprefix("models:/")
        client.log_model_artifact(model_id, str(source), "data/bundle")

    return replace


def test_a_registered_bundle_comes_back_unchanged(registry, starter):
    version = registry.register(STARTER)
    assert version == 1
    fetched = registry.fetch(version)
    assert (fetched.name, fetched.version, fetched.digest) == (registry.name, 1, starter.digest)
    assert fetched.path.name == starter.digest
    assert {file.name: file.read_bytes() for file in fetched.path.iterdir()} == {
        file.name: file.read_bytes() for file in STARTER.iterdir()
    }
    assert [entry.name for entry in fetched.path.parent.iterdir()] == [starter.digest]


def test_the_same_bundle_keeps_its_version(registry, other, small_bundle):
    assert [registry.register(path) for path in (small_bundle, other, small_bundle, other)] == [1, 2, 1, 2]
    assert [(version.version, version.digest) for version in registry.versions()] == [
        (2, Bundle.load(other).digest),
        (1, digest_of(small_bundle)),
    ]


def test_processes_that_register_the_first_version_at_the_same_time_both_succeed(
    registry, other, mlflow_uri, small_bundle
):
    both = threading.Barrier(2)

    class Client(MlflowClient):
        """Creates the registered model only when both threads are about to."""

        def create_registered_model(self, *args, **kwargs):
            both.wait(timeout=60)
            return super().create_registered_model(*args, **kwargs)

    client = Client(mlflow_uri, registry_uri=mlflow_uri)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(ensure_registered_model, client, registry.name) for _ in range(2)]:
            done.result(timeout=120)
    assert registry.versions() == []
    assert [registry.register(path) for path in (small_bundle, other)] == [1, 2]


def test_only_the_existence_of_the_model_is_ignored(mlflow_uri):
    with pytest.raises(MlflowException) as raised:
        ensure_registered_model(MlflowClient(mlflow_uri, registry_uri=mlflow_uri), "")
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_version_is_found_by_number_by_alias_and_as_champion(registry, other, small_bundle):
    registry.register(small_bundle)
    registry.register(other)
    assert registry.champion() is None
    registry.set_alias("champion", 1)
    assert registry.champion().digest == digest_of(small_bundle)
    registry.set_alias("challenger", 2)
    assert (
        registry.resolve(None) == registry.resolve("champion") == registry.resolve("1") == (1, digest_of(small_bundle))
    )
    assert registry.resolve("challenger") == (2, Bundle.load(other).digest)
    registry.set_alias("champion", 2)
    assert registry.resolve(None)[0] == 2
    assert [version.aliases for version in registry.versions()] == [("challenger", "champion"), ()]


def test_what_is_not_there_is_unknown(registry, small_bundle):
    def expect_unknown():
        for wanted in (None, "champion", "7", "no such alias", "../1", "0"):
            with pytest.raises(ModelUnknown):
                registry.resolve(wanted)

    expect_unknown()
    registry.register(small_bundle)
    expect_unknown()


def test_an_alias_for_a_version_that_is_not_there_is_refused(registry, small_bundle):
    assert registry.versions() == []
    registry.register(small_bundle)
    with pytest.raises(ModelUnknown):
        registry.set_alias("champion", 9)


def test_a_cached_bundle_is_not_downloaded_again(registry, artifacts, tmp_path, small_bundle):
    first = registry.fetch(registry.register(small_bundle))
    (tmp_path / "weights.npy").write_bytes(b"broken on the server")
    artifacts(registry, 1, tmp_path / "weights.npy")
    assert registry.fetch(1) == first


def test_a_damaged_cache_is_repaired(registry, small_bundle):
    path = registry.fetch(registry.register(small_bundle)).path
    (path / "weights.npy").write_bytes(b"broken on disk")
    assert Bundle.load(registry.fetch(1).path).digest == digest_of(small_bundle)


def test_a_bundle_that_was_changed_on_the_server_is_refused(registry, artifacts, tmp_path, small_bundle):
    registry.register(small_bundle)
    (tmp_path / "weights.npy").write_bytes(b"broken on the server")
    artifacts(registry, 1, tmp_path / "weights.npy")
    with pytest.raises(BundleDamaged):
        registry.fetch(1)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_sound_bundle_of_another_digest_than_the_version_says_is_refused(
    registry, artifacts, other, tmp_path, small_bundle
):
    registry.register(small_bundle)
    for file in other.iterdir():
        artifacts(registry, 1, file)
    with pytest.raises(BundleDamaged, match="the registry says"):
        registry.fetch(1)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_bundle_is_not_registered(registry, other):
    (other / "manifest.json").write_bytes(b"{}")
    with pytest.raises(BundleDamaged):
        registry.register(other)
    assert registry.versions() == []


def test_a_cache_that_cannot_be_written_is_said(mlflow_uri, registry, tmp_path, small_bundle):
    registry.register(small_bundle)
    (tmp_path / "file").touch()
    with pytest.raises(BundleMissing, match="model cache"):
        RegisteredModel(mlflow_uri, registry.name, tmp_path / "file" / "cache").fetch(1)


def test_two_fetches_at_once_agree(registry, small_bundle):
    version = registry.register(small_bundle)
    found = []
    threads = [threading.Thread(target=lambda: found.append(registry.fetch(version))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert [entry.name for entry in found[0].path.parent.iterdir()] == [digest_of(small_bundle)]


def test_mlflow_loads_the_registered_model_and_gives_the_same_scores(mlflow_uri, registry, starter, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    registry.set_alias("champion", registry.register(STARTER))
    model = mlflow.pyfunc.load_model(f"models:/{registry.name}@champion")
    answer = model.predict(pd.DataFrame({"text": TEXTS}, index=[4, 5, 6, 7]))
    expected = Scorer(starter).score_texts(TEXTS)
    assert list(answer.index) == [4, 5, 6, 7]
    assert answer["score"].tolist() == pytest.approx(expected.score.tolist(), abs=1e-6)
    assert answer["label"].tolist() == [LABELS[label] for label in expected.label]


def test_fetching_needs_no_mlflow_package(registry, mlflow_uri, tmp_path, small_bundle):
    registry.register(small_bundle)
    script = (
        "import sys\nfrom pathlib import Path\nfrom sentiment_core.registry.registered_model import RegisteredModel\n"
        "RegisteredModel(sys.argv[1], sys.argv[2], Path(sys.argv[3])).fetch(1)\n"
        "assert not {'mlflow', 'pandas', 'requests', 'sklearn', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", script, mlflow_uri, registry.name, str(tmp_path / "new")], check=True, timeout=120
    )


def test_a_registered_model_holds_no_pickle(registry, mlflow_uri, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    registry.register(STARTER)
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{registry.name}/1", dst_path=str(tmp_path)))
    suffixes = {file.suffix for file in folder.rglob("*") if file.is_file()}
    assert suffixes == {"", ".json", ".md", ".npy", ".sha256", ".txt", ".yaml"}
    assert "loader_module: sentiment_core.pyfunc" in (folder / "MLmodel").read_text()


def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(RegistryUnavailable, match="did not answer"):
        RegisteredModel("http://127.0.0.1:9", cache=tmp_path).resolve(None)


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "file:///etc", "mlflow", ""])
def test_an_address_that_is_no_server_is_refused(uri, tmp_path):
    with pytest.raises(RegistryRefused, match="http://"):
        RegisteredModel(uri, cache=tmp_path)


def test_a_password_in_the_address_is_sent_and_never_shown(tmp_path):
    seen = []

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self.send_error(401)

        def log_message(self, *_):
            pass

    with serving(Refusing) as port, pytest.raises(RegistryRefused) as caught:
        RegisteredModel(f"http://robot:s3cret@127.0.0.1:{port}", cache=tmp_path).resolve(None)
    assert seen == ["Basic cm9ib3Q6czNjcmV0"]
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_failing_server_is_unavailable(status, tmp_path):
    class Failing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(status)

        def log_message(self, *_):
            pass

    with serving(Failing) as port, pytest.raises(RegistryUnavailable, match=str(status)):
        RegisteredModel(f"http://127.0.0.1:{port}", cache=tmp_path).resolve(None)


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"[]", b"{}", b'{"model_version"'])
def test_a_server_that_is_not_mlflow_is_said(body, tmp_path):
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with serving(Other) as port, pytest.raises(RegistryUnavailable, match="MLflow server"):
        RegisteredModel(f"http://127.0.0.1:{port}", cache=tmp_path).resolve(None)


@contextmanager
def serving(handler):
    """Run a small HTTP server on a free port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_the_commands_list_and_register(mlflow_uri, registry, sentiment, sentiment_process, tmp_path):
    names = {
        "SENTIMENT_MLFLOW_TRACKING_URI": mlflow_uri,
        "SENTIMENT_MODEL_NAME": registry.name,
        "SENTIMENT_MODEL_CACHE": str(tmp_path / "cache"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": "/usr/bin:/bin",
    }
    run = partial(sentiment, "registry", **names)
    assert "No version" in run("list").stdout
    made = sentiment_process("registry", "register", str(STARTER), "--champion", "--json", **names)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) | {"digest": ""} == {
        "name": registry.name,
        "version": 1,
        "digest": "",
        "champion": True,
    }
    assert json.loads(run("list", "--json").stdout)[0]["aliases"] == ["champion"]
    assert "champion" in run("list").stdout
    assert run("register", str(tmp_path)).returncode == 1
    assert run("register", str(tmp_path / "nothing")).returncode == 2


@pytest.fixture
def client(mlflow_uri):
    return MlflowClient(mlflow_uri, registry_uri=mlflow_uri)


def test_a_version_is_registered_with_its_digest_and_is_the_output_of_its_run(mlflow_uri, client, starter):
    name = f"model-{time.time_ns()}"
    run = client.create_run(experiment_id(client, name))
    version = register(mlflow_uri, name, STARTER, starter, run.info.run_id)
    made = client.get_model_version(name, str(version))
    assert (version, made.run_id) == (1, run.info.run_id)
    assert made.tags == {"digest": starter.digest, "release": sentiment_core.__version__}
    logged = client.get_logged_model(made.source.removeprefix("models:/"))
    assert (logged.experiment_id, logged.source_run_id, logged.status) == (
        run.info.experiment_id, run.info.run_id, "READY",
    )  # fmt: skip
    assert logged.tags["digest"] == starter.digest

    later = client.create_run(run.info.experiment_id)
    link(mlflow_uri, name, version, later.info.run_id)
    linked = client.get_run(later.info.run_id)
    assert [output.model_id for output in linked.outputs.model_outputs] == [logged.model_id]
    assert linked.data.tags["model_version"] == "1"


def test_a_version_of_other_files_is_linked_by_its_number_only(mlflow_uri, client):
    name = f"model-{time.time_ns()}"
    client.create_registered_model(name)
    foreign = int(client.create_model_version(name, "s3://elsewhere/model").version)
    run_id = client.create_run(experiment_id(client, name)).info.run_id
    link(mlflow_uri, name, foreign, run_id)
    run = client.get_run(run_id)
    assert run.outputs.model_outputs == []
    assert run.data.tags["model_version"] == str(foreign)


def test_an_experiment_is_created_once_also_by_several_at_once(client):
    name = f"experiment-{time.time_ns()}"
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: experiment_id(client, name), range(4)))
    assert found == {client.get_experiment_by_name(name).experiment_id}


def test_an_error_of_mlflow_is_permanent_or_temporary_by_its_status(mlflow_uri, monkeypatch):
    with pytest.raises(RegistryRefused, match="nobody") as refused, mlflow_client(mlflow_uri) as client:
        client.get_model_version("nobody", "1")
    assert refused.value.details["status"] == 404
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryUnavailable) as away, mlflow_client("http://robot:s3cret@127.0.0.1:9") as client:
        client.get_model_version("nobody", "1")
    assert "s3cret" not in str(away.value)


@pytest.mark.parametrize(
    ("status", "error"), [(503, RegistryUnavailable), (429, RegistryUnavailable), (403, RegistryRefused)]
)
def test_an_error_of_an_artifact_request_is_translated_too(status, error):
    response = requests.Response()
    response.status_code = status
    with pytest.raises(error, match=f"status {status}"), mlflow_client("http://127.0.0.1:9"):
        response.raise_for_status()
