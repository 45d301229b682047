import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sentiment_core.model.bundle import Bundle
from tests.api.forked import Forks
from tests.browser import browser, shots, visit
from tests.sharing_model import SharingModel
from tests.starter import starter as load_starter

__all__ = ["browser", "shots", "visit"]  # fixtures


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        assert self.headers.get_content_type() == "application/problem+json"
        problem = self.json()
        assert set(problem) == {"type", "title", "status", "detail", "code"}
        assert problem["status"] == self.status
        assert problem["type"] == f"/docs#{problem['code']}"
        return problem["code"]


forks = cache(Forks)


class Service:
    """A process that runs `api.__main__`: a fork of one that has imported it, or a `fresh` `python -m api`."""

    def __init__(self, folder: Path, *, fresh: bool = False, **settings: str):
        self.log_path = folder / f"api-{time.time_ns()}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}
        chosen = {"API_PORT": "0", "API_DRAIN_S": "0", "MODEL_POLL_S": "0.2", "MODEL_CACHE": str(folder / "models")}
        env = clean | {f"SENTIMENT_{name}": value for name, value in (chosen | settings).items()}
        if fresh:
            with self.log_path.open("wb") as log:
                self.process = subprocess.Popen([sys.executable, "-m", "api"], env=env, stdout=log, stderr=log)
        else:
            self.log_path.touch()
            self.process = forks().start(env, self.log_path)
        listening = self.wait(lambda: [line for line in self.log() if line["event"] == "listening"])
        self.port = int(listening[0]["address"][0].rpartition(":")[2])

    def log(self):
        return [json.loads(line) for line in self.log_path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def wait(self, condition, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log_path.read_text()
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError(self.log_path.read_text())

    def wait_ready(self):
        self.wait(lambda: self.get("/readyz").status == 200)
        return self

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def post(self, path, payload, **headers):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.request("POST", path, body, **({"Content_Type": "application/json"} | headers))

    def metric(self, line_start):
        lines = self.get("/metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(line_start))

    def stop(self, with_signal=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """One service over the shipped model, for tests that leave no trace in it."""
    running = Service(tmp_path_factory.mktemp("api"), fresh=True).wait_ready()
    yield running
    assert running.stop() == 0


@pytest.fixture
def start(tmp_path):
    """Start services of a test's own; they are ended with it."""
    started = []

    def begin(**settings):
        started.append(Service(tmp_path, **settings))
        return started[-1]

    yield begin
    for running in started:
        running.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def starter():
    return load_starter()


@pytest.fixture(scope="session")
def variant(tmp_path_factory, small_bundle, shift_bundle):
    """Make a bundle folder of a model that differs from the small one in its bias only."""
    small = Bundle.load(small_bundle)

    def make(bias):
        folder = tmp_path_factory.mktemp("bundle")
        shift_bundle(small, folder, bias)
        return folder

    return make


@pytest.fixture
def registry(mlflow_uri, request, tmp_path):
    """A registered model of the test's own."""
    name = f"sentiment-{request.node.name[:40]}-{time.time_ns()}".replace("[", "-").replace("]", "")
    return SharingModel(mlflow_uri, name, tmp_path / "registry")


@pytest.fixture
def break_version(mlflow_uri, tmp_path):
    """Spoil the weights of a registered version on the server. No later version has these files."""

    def spoil(registry, version):
        (tmp_path / "weights.npy").write_bytes(b"spoiled")
        client = MlflowClient(mlflow_uri, registry_uri=mlflow_uri)
        client.log_model_artifact(registry.model_id(version), str(tmp_path / "weights.npy"), "data/bundle")
        registry.forget(version)

    return spoil


@dataclass
class Asked:
    path: str
    headers: http.client.HTTPMessage
    body: bytes


class Gateway:
    """An HTTP proxy before a service, which answers by itself where its rule says so."""

    def __init__(self, service):
        self.rule = lambda _asked: None
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                passed = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                answer = gateway.rule(Asked(self.path, self.headers, body))
                if answer is None:
                    found = service.request(self.command, self.path, body, **passed)
                    answer = found.status, dict(found.headers), found.body
                self.reply(*answer)

            def reply(self, status, headers, body):
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    self.close_connection = True  # the browser has aborted the request

            do_GET = do_POST = handle_any  # noqa: N815

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gateway(service):
    """A proxy before the service."""
    running = Gateway(service)
    yield running
    running.stop()
