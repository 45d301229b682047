"""The client of MLflow's REST interface, against servers that answer wrongly, and the health check of images."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sentiment_core import healthcheck
from sentiment_core.errors import RegistryRefused, RegistryUnavailable, RegistryUnsupported
from sentiment_core.registry.rest_client import TrackingServer
from sentiment_core.registry.server_check import check_server

Answer = tuple[int, bytes]
VARIABLES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


class Server:
    """Answers by a rule: path and body of the request → status and body; keeps who called."""

    def __init__(self) -> None:
        self.rule: Callable[[str, bytes], Answer] = lambda _path, _body: (200, b"{}")
        self.cut = 0  # so many bytes less than Content-Length says
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.paths.append(self.path)
                server.authorizations.append(self.headers.get("Authorization"))
                status, answer = server.rule(self.path, body)
                self.send_response(status, "because")
                self.send_header("Content-Length", str(len(answer) + server.cut))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> TrackingServer:
    return TrackingServer(f"http://{server.host}/")


def listing(*files: tuple[str, int | None]) -> Answer:
    entries = [{"path": name, "is_dir": size is None, "file_size": size} for name, size in files]
    return 200, json.dumps({"files": entries}).encode()


@pytest.mark.parametrize("address", ["ftp://host/", "file:///etc/passwd", "host:5000", "http://", "http://user@"])
def test_an_address_that_is_not_http_is_refused(address: str) -> None:
    with pytest.raises(RegistryRefused, match="must begin with http"):
        TrackingServer(address)


def test_a_folder_is_copied_with_everything_below_it(server: Server, client: TrackingServer, tmp_path: Path) -> None:
    listed = {"data": listing(("a b.txt", 3), ("sub", None)), "data/sub": listing(("c", 0))}

    def rule(path: str, _: bytes) -> Answer:
        if "?path=" in path:
            return listed[path.rpartition("?path=")[2].replace("%2F", "/")]
        return 200, b"abc" if path.endswith("/artifacts/data/a%20b.txt") else b""

    server.rule = rule
    client.download("data", tmp_path / "copy")
    found = {path.relative_to(tmp_path / "copy"): path for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert {str(name): path.read_bytes() for name, path in found.items()} == {"a b.txt": b"abc", "sub/c": b""}


@pytest.mark.parametrize("name", ["..", ".", "", "../up", "/etc/passwd", "a\\b", "sub/../../up"])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    server: Server, client: TrackingServer, tmp_path: Path, name: str
) -> None:
    server.rule = lambda path, _: listing((name, 1)) if "?path=" in path else (200, b"x")
    with pytest.raises(RegistryRefused, match="unsafe name"):
        client.download("data", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_folders_without_end_are_not_followed_for_ever(server: Server, client: TrackingServer, tmp_path: Path) -> None:
    server.rule = lambda _path, _body: listing(("deeper", None))
    client.download("data", tmp_path)
    assert len(server.paths) == 5


def test_a_file_of_another_size_than_was_listed_is_no_download(
    server: Server, client: TrackingServer, tmp_path: Path
) -> None:
    server.rule = lambda path, _: listing(("a", 4)) if "?path=" in path else (200, b"abc")
    with pytest.raises(RegistryUnavailable, match="download of data/a ended early"):
        client.download("data", tmp_path)


def test_an_answer_that_breaks_off_is_transient(server: Server, client: TrackingServer) -> None:
    server.rule = lambda _path, _body: (200, b'{"registered_model": {"na')
    server.cut = 5
    with pytest.raises(RegistryUnavailable, match="not a JSON object"):
        client.get("registered-models/get", name="x")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff"])
def test_an_answer_that_is_no_object_is_transient(server: Server, client: TrackingServer, body: bytes) -> None:
    server.rule = lambda _path, _body: (200, body)
    with pytest.raises(RegistryUnavailable, match="not a JSON object"):
        client.get("registered-models/get")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, RegistryUnavailable) for status in (408, 425, 429, 500, 502, 503)),
        *((status, RegistryRefused) for status in (400, 401, 403, 404, 409)),
    ],
)
def test_a_status_is_transient_or_terminal(
    server: Server, client: TrackingServer, status: int, error: type[Exception]
) -> None:
    server.rule = lambda _path, _body: (status, b'{"message": "so it is", "error_code": "SOME_CODE"}')
    with pytest.raises(error, match=f"HTTP {status}, so it is") as caught:
        client.post("registered-models/get", name="x")
    if error is RegistryRefused:
        assert caught.value.details["status"] == status  # type: ignore[attr-defined]
        assert caught.value.details["error_code"] == "SOME_CODE"  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"message": "no code"}'])
def test_an_error_page_that_is_not_mlflows_is_told_by_its_status(
    server: Server, client: TrackingServer, body: bytes
) -> None:
    server.rule = lambda _path, _body: (400, body)
    with pytest.raises(RegistryRefused, match="HTTP 400, because") as caught:
        client.get("registered-models/get")
    assert caught.value.details["error_code"] == ""
    server.rule = lambda _path, _body: (404, body)
    with pytest.raises(RegistryUnsupported, match=r"the call registered-models/get of MLflow.*older than MLflow 2\.4"):
        client.get("registered-models/get")


MLFLOW_2 = (404, b"<!doctype html><title>404 Not Found</title>")


def test_the_check_says_what_a_server_of_mlflow_2_has_and_lacks(server: Server, client: TrackingServer) -> None:
    def rule(path: str, _body: bytes) -> Answer:
        call = path.partition("?")[0].removeprefix("/api/2.0/mlflow/")
        if call == "/version":
            return 200, b"2.22.5"
        if call in ("registered-models/alias", "runs/log-inputs"):
            return 400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "no such alias"}'
        return MLFLOW_2 if call == "logged-models/search" else (200, b"{}")

    server.rule = rule
    found = check_server(client, "sentiment")
    assert [each.outcome for each in found] == ["passed"] * 5 + ["limited", "passed"]
    assert found[0].detail == "MLflow 2.22.5"
    assert "models belong to runs" in found[5].detail


def test_the_check_names_the_credentials_and_what_an_old_server_lacks(server: Server, client: TrackingServer) -> None:
    server.rule = lambda _path, _body: (401, b"Unauthorized")
    assert [each.outcome for each in check_server(client, "sentiment")] == ["passed", "failed"]
    assert "MLFLOW_TRACKING_TOKEN" in check_server(client, "sentiment")[1].detail
    server.rule = lambda path, _body: MLFLOW_2 if "alias" in path or "artifacts" in path else (200, b"{}")
    found = {each.name: each for each in check_server(client, "sentiment")}
    assert found["aliases"] == ("aliases", "failed", "the server lacks them; MLflow 2.4 or newer has them")
    assert found["model files"].outcome == "limited"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("user", "variables", "sent"),
    [
        ("", {}, None),
        ("", {"TOKEN": "t"}, "Bearer t"),
        ("", {"USERNAME": "u", "PASSWORD": "p", "TOKEN": "t"}, basic("u:p")),
        ("", {"USERNAME": "u", "TOKEN": "t"}, "Bearer t"),
        ("", {"USERNAME": "u"}, None),
        ("me:p%40ss@", {"TOKEN": "t"}, basic("me:p@ss")),
        ("me@", {}, basic("me:")),
    ],
)
def test_the_caller_is_named_by_the_address_or_by_mlflows_variables(
    server: Server, monkeypatch: pytest.MonkeyPatch, user: str, variables: dict[str, str], sent: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    client = TrackingServer(f"http://{user}{server.host}")
    client.get("registered-models/get")
    assert server.authorizations == [sent]
    assert client.uri == f"http://{server.host}", "no error message may show a password"


def test_a_service_is_well_when_it_answers_200(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert healthcheck.is_healthy(f"http://{server.host}/readyz")
    server.rule = lambda _path, _body: (503, b"")
    assert not healthcheck.is_healthy(f"http://{server.host}/readyz")
    server.stop()
    assert not healthcheck.is_healthy(f"http://{server.host}/readyz")
