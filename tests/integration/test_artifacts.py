"""A real MLflow server that does not serve its models' files. Clients read them from the location that it reports."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from sentiment_core.errors import ArtifactsNotServed, BundleDamaged, RegistryUnavailable
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.registry import artifacts
from sentiment_core.registry.registered_model import RegisteredModel

FETCH = (
    "import sys\nfrom pathlib import Path\nfrom sentiment_core.registry.registered_model import RegisteredModel\n"
    "print(RegisteredModel(sys.argv[1], sys.argv[2], Path(sys.argv[3])).fetch(1).path)\n"
    "assert not {'mlflow', 'pandas', 'requests', 'sklearn'} & set(sys.modules)"
)


@pytest.fixture(scope="module", params=["folder", "s3"])
def root(request, tmp_path_factory, stack):
    """The location where the server keeps files: a local folder or a bucket."""
    if request.param == "folder":
        return tmp_path_factory.mktemp("artifacts").as_uri()
    stack.object_store.client().create_bucket(Bucket="unserved")
    return "s3://unserved/models"


@pytest.fixture(scope="module")
def object_store(stack):
    """The variables that a client needs to reach the bucket."""
    return {**stack.object_store.environment(), "MLFLOW_S3_ENDPOINT_URL": stack.object_store.endpoint}


@pytest.fixture(scope="module")
def unserved(root, object_store, tmp_path_factory):
    """The address of an MLflow server that does what `mlflow server --no-serve-artifacts` does.

    That command imports all of MLflow twice (`demo/mlflow_server.py`).
    """
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    store = f"sqlite:///{folder}/mlflow.db"
    environment = os.environ | object_store
    environment |= {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": root,
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    options = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *options, "mlflow.server.fastapi_app:app"],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while not answers(f"{address}/health"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def registry(unserved, object_store, monkeypatch, tmp_path):
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    return RegisteredModel(unserved, f"model-{time.time_ns()}", tmp_path / "cache")


def test_a_registered_bundle_comes_back_unchanged_and_mlflow_stays_outside(registry, unserved, tmp_path):
    registry.register(STARTER)
    run = subprocess.run(
        [sys.executable, "-c", FETCH, unserved, registry.name, str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    fetched = Path(run.stdout.strip())
    assert fetched == tmp_path / "cache" / Bundle.load(STARTER).digest
    assert {file.name: file.read_bytes() for file in fetched.iterdir()} == {
        file.name: file.read_bytes() for file in STARTER.iterdir()
    }
    assert [entry.name for entry in fetched.parent.iterdir()] == [fetched.name]


def test_a_bundle_that_was_changed_in_its_store_is_refused(registry, stack, root, tmp_path, small_bundle):
    registry.register(small_bundle)
    spoil(stack, root)
    with pytest.raises(BundleDamaged, match="weights"):
        registry.fetch(1)
    assert list((tmp_path / "cache").iterdir()) == []


def spoil(stack, root):
    """Change the weights of all models on the server."""
    if root.startswith("file:"):
        for weights in Path(root.removeprefix("file://")).rglob("weights.npy"):
            weights.write_bytes(b"spoiled")
        return
    s3 = stack.object_store.client()
    for found in s3.list_objects_v2(Bucket="unserved")["Contents"]:
        if found["Key"].endswith("weights.npy"):
            s3.put_object(Bucket="unserved", Key=found["Key"], Body=b"spoiled")


def test_a_package_that_is_not_installed_is_named(registry, monkeypatch, tmp_path, small_bundle):
    registry.register(small_bundle)
    # An empty package named mlflow precedes the real one on the path. Python then behaves as if mlflow were not
    # installed.
    (tmp_path / "path" / "mlflow").mkdir(parents=True)
    (tmp_path / "path" / "mlflow" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    with pytest.raises(ArtifactsNotServed, match="package mlflow.*is not installed.*--serve-artifacts.*extras"):
        registry.fetch(1)
    assert list((tmp_path / "cache").iterdir()) == []


def test_files_that_are_gone_are_said(registry, stack, root, tmp_path, small_bundle):
    registry.register(small_bundle)
    if root.startswith("file:"):
        shutil.rmtree(root.removeprefix("file://"))
        with pytest.raises(ArtifactsNotServed, match="cannot be read on this machine"):
            registry.fetch(1)
    else:
        s3 = stack.object_store.client()
        for found in s3.list_objects_v2(Bucket="unserved")["Contents"]:
            s3.delete_object(Bucket="unserved", Key=found["Key"])
        with pytest.raises(BundleDamaged):
            registry.fetch(1)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_store_that_does_not_answer_is_unavailable_and_its_address_shows_no_secret(
    monkeypatch, object_store, tmp_path
):
    for name, value in (object_store | {"MLFLOW_S3_ENDPOINT_URL": "http://key:s3cret@127.0.0.1:9"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RegistryUnavailable, match="store for s3: addresses failed") as caught:
        artifacts.download("http://registry", "s3://unserved/models/data", tmp_path / "data")
    assert "s3cret" not in str(caught.value)
