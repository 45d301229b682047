"""Argo CD and Flux: the same values give the same manifests, and a change restarts what reads it and nothing else."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from tests.chart.helm import PROFILES, containers, name_of, named, pods

AIRFLOW = {f"Deployment sentiment-airflow-{name}" for name in ("api-server", "dag-processor", "scheduler")}
SERVICE, MLFLOW = "Deployment sentiment-api-blue", "Deployment sentiment-mlflow"


@pytest.fixture(scope="module")
def application(checkout: Path) -> dict[str, Any]:
    """The Helm source of the Application in the docs."""
    page = (checkout / "docs/gitops.md").read_text()
    (block,) = (part.partition("```")[0] for part in page.split("```yaml\n")[1:] if "kind: Application" in part)
    helm: dict[str, Any] = yaml.safe_load(block)["spec"]["source"]["helm"]
    return helm


def restarted(before, after) -> set[str]:
    """Return the pods whose templates differ."""
    old, new = pods(before), pods(after)
    return {name for name in old | new if old.get(name) != new.get(name)}


def test_the_application_renders_the_same_at_each_sync(whole, application) -> None:
    assert application["releaseName"] == "sentiment"
    (profile,) = (name for name, files in PROFILES.items() if list(files) == application["valueFiles"])
    values = {"image": {"api": {"tag": ""}}, "airflow": {"defaultAirflowTag": ""}}
    for part, given in application["valuesObject"].items():
        values[part] = {**values.get(part, {}), **given}
    first = whole(profile, **values)
    assert first == whole(profile, revision=2, **values)
    images = {each["image"] for pod in pods(first).values() for each in containers(pod)}
    digests = {"api": "1" * 64, "airflow": "2" * 64}
    assert images == {f"registry.example.com/sentiment-{name}@sha256:{digest}" for name, digest in digests.items()}


def test_the_evaluation_renders_the_same_at_each_sync(whole) -> None:
    first = whole("dev")
    assert first == whole("dev", revision=2)
    assert not [each for each in first if each["kind"] == "Secret"]
    hooks = [each for each in first if "helm.sh/hook" in each["metadata"].get("annotations", {})]
    assert {each["metadata"]["annotations"]["helm.sh/hook"] for each in hooks} == {"test"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"settings": {"SENTIMENT_MODEL_NAME": "other"}}, AIRFLOW | {SERVICE, MLFLOW}),
        ({"objectStore": {"logs": "s3://other/airflow"}}, AIRFLOW),
        ({"secrets": {"version": "2"}}, AIRFLOW | {SERVICE, MLFLOW}),
        (
            {
                "monitoring": {"rules": {"enabled": True}},
                "networkPolicy": {"callers": ["10.9.0.0/16"]},
                "jobs": {"firstModel": False},
            },
            set(),
        ),
    ],
    ids=["settings", "airflow's settings", "secret", "nothing that a pod reads"],
)
def test_a_change_restarts_what_reads_it_and_nothing_else(whole, values, expected) -> None:
    kept = {name for name in restarted(whole(), whole(**values)) if name.startswith("Deployment")}
    assert kept == expected


def test_reloader_is_told_of_every_deployment_that_reads_the_secret(whole) -> None:
    manifests = whole(secrets={"reloader": True})
    told = {
        f"Deployment {name_of(each)}"
        for each in manifests
        if each["metadata"].get("annotations", {}).get("secret.reloader.stakater.com/reload") == "sentiment"
    }
    assert told == AIRFLOW | {SERVICE, MLFLOW}


class Secrets:
    """The part of the Kubernetes API that the Job uses: one Secret of one namespace."""

    def __init__(self, folder: Path) -> None:
        self.stored: dict[str, str] | None = None
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append("GET")
                encoded = {} if outer.stored is None else {k: _encoded(v) for k, v in outer.stored.items()}
                self._answer(404 if outer.stored is None else 200, {"data": encoded})

            def do_POST(self) -> None:
                outer.asked.append("POST")
                outer.stored = self._read()["stringData"]
                self._answer(201, {})

            def do_PATCH(self) -> None:
                outer.asked.append("PATCH")
                assert outer.stored is not None
                outer.stored |= self._read()["stringData"]
                self._answer(200, {})

            def _read(self) -> dict[str, Any]:
                body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                return body

            def _answer(self, status: int, body: object) -> None:
                assert self.headers["Authorization"] == "Bearer t"
                assert self.path.startswith("/api/v1/namespaces/reviews/secrets")
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *arguments: object) -> None:
                """Print nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        (folder / "token").write_text("t")
        (folder / "namespace").write_text("reviews")
        Thread(target=self._server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


@pytest.fixture
def secrets(tmp_path: Path) -> Iterator[Secrets]:
    serving = Secrets(tmp_path)
    yield serving
    serving.end()


def test_the_job_makes_every_key_once_and_keeps_those_that_exist(render, secrets, tmp_path) -> None:
    manifests = render("dev")
    (container,) = named(manifests, "Job", "sentiment-secret")["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    variables |= {"KUBERNETES_API": secrets.address, "ACCOUNT_FOLDER": str(tmp_path), "NO_PROXY": "127.0.0.1"}

    def run() -> dict[str, str]:
        command = [sys.executable, *container["command"][1:], *container["args"]]
        subprocess.run(command, env=os.environ | variables, check=True, stdout=subprocess.DEVNULL)
        assert secrets.stored is not None
        return dict(secrets.stored)

    first = run()
    assert secrets.asked == ["GET", "POST"]
    text = json.dumps(manifests)
    assert set(re.findall(r'"secretKeyRef": \{"name": "sentiment", "key": "([^"]+)"', text)) <= set(first)
    assert first["postgres-password"] in first["database-url"]
    assert run() == first
    del secrets.stored["jwt-secret"]  # type: ignore[attr-defined]
    assert run() | {"jwt-secret": first["jwt-secret"]} == first
    assert secrets.asked == ["GET", "POST", "GET", "GET", "PATCH"]
    secrets.stored = None
    assert not set(run().values()) & set(first.values())
