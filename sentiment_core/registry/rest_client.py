"""A client for the part of MLflow's REST API that reading models needs, with the standard library only.

The API's image does not contain MLflow. Aliases, versions and files are read by plain HTTP calls to the tracking
server, which also serves the artifacts (`mlflow server --serve-artifacts`).
"""

import base64
import http.client
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from sentiment_core.errors import RegistryRefused, RegistryUnavailable, RegistryUnsupported
from sentiment_core.registry.names import LEAST_MLFLOW

_API = "/api/2.0/mlflow"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
RETRYABLE_STATUSES = (408, 425, 429)
_NO_SUCH_CALL = (404, 405)
_VERSION = re.compile(r"\d+\.\d+[\w.+-]{,20}")
_MAX_DEPTH = 4
_CHUNK = 1 << 20


class TrackingServer:
    """One MLflow tracking server.

    The URI may contain user and password. Otherwise user and password, or a token, come from the environment variables
    that MLflow's client reads: `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`.

    Every call raises `RegistryUnavailable` for a temporary failure (retryable), and `RegistryRefused` for a permanent
    one. The details `status` and `error_code` of the latter come from the server's response. Calls of MLflow's API
    raise `RegistryUnsupported` when the server does not have the call.
    """

    def __init__(self, uri: str, timeout_s: float = 10.0) -> None:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
        self.uri = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        if parts.scheme not in ("http", "https") or not host:
            raise RegistryRefused(uri=self.uri, why="its address must begin with http:// or https://", status=0)
        self._timeout_s = timeout_s
        self._authorization = _authorization(unquote(parts.username or ""), unquote(parts.password or ""))

    def get(self, call: str, **query: str) -> dict[str, Any]:
        """Return the JSON response of `GET /api/2.0/mlflow/{call}`."""
        return self._call(call, self._request(f"{_API}/{call}?{urlencode(query)}"))

    def post(self, call: str, **body: object) -> dict[str, Any]:
        """Return the JSON response of `POST /api/2.0/mlflow/{call}`."""
        return self._call(call, self._request(f"{_API}/{call}", json.dumps(body).encode()))

    def version(self) -> str | None:
        """Return the release of MLflow that the server runs, or None if it does not say."""
        try:
            found = b"".join(self._chunks(self._request("/version"))).decode(errors="replace").strip()
        except RegistryRefused:
            return None
        return found if _VERSION.fullmatch(found) else None

    def _call(self, call: str, request: Request) -> dict[str, Any]:
        try:
            return self._json(request)
        except RegistryRefused as refusal:
            # MLflow describes each refusal of a call that it has. A path that it does not have gets an HTML page.
            if refusal.details["status"] in _NO_SUCH_CALL and not refusal.details.get("error_code"):
                raise RegistryUnsupported(uri=self.uri, call=call, least=LEAST_MLFLOW, status=0) from refusal
            raise

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders directly below an artifact path."""
        return [name for name, size in self._list(path) if size is None]

    def download(self, root: str, folder: Path) -> None:
        """Copy all files below the artifact path `root` into `folder`."""
        for path, size in self._walk(root, _MAX_DEPTH):
            target = folder / PurePosixPath(path).relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for chunk in self._chunks(self._request(f"{_ARTIFACTS}/{quote(path)}")):
                    file.write(chunk)
            if target.stat().st_size != size:
                raise RegistryUnavailable(uri=self.uri, why=f"the download of {path} ended early")

    def read(self, path: str) -> bytes:
        """Return the bytes of the file at an artifact path."""
        return b"".join(self._chunks(self._request(f"{_ARTIFACTS}/{quote(path)}")))

    def _walk(self, path: str, depth: int) -> Iterator[tuple[str, int]]:
        for name, size in self._list(path):
            if size is not None:
                yield f"{path}/{name}", size
            elif depth > 0:
                yield from self._walk(f"{path}/{name}", depth - 1)

    def _list(self, path: str) -> list[tuple[str, int | None]]:
        files = self._json(self._request(f"{_ARTIFACTS}?{urlencode({'path': path})}")).get("files", [])
        entries = [(file["path"], None if file["is_dir"] else int(file["file_size"])) for file in files]
        for name, _ in entries:
            if name in ("", ".", "..") or "/" in name or "\\" in name:
                raise RegistryRefused(uri=self.uri, why=f"it lists a file with the unsafe name {name!r}", status=0)
        return entries

    def _request(self, path: str, body: bytes | None = None) -> Request:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.uri + path, body, headers)  # noqa: S310 -- __init__ allows no other scheme
        if self._authorization:
            # If the server redirects to its file store, the credentials must not reach that store.
            request.add_unredirected_header("Authorization", self._authorization)
        return request

    def _chunks(self, request: Request) -> Iterator[bytes]:
        with self._translated_errors():
            answer = urlopen(request, timeout=self._timeout_s)  # noqa: S310
        with answer:
            while True:
                with self._translated_errors():
                    chunk: bytes = answer.read(_CHUNK)
                if not chunk:
                    return
                yield chunk

    def _json(self, request: Request) -> dict[str, Any]:
        try:
            parsed = json.loads(b"".join(self._chunks(request)))
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise RegistryUnavailable(uri=self.uri, why="its answer is not a JSON object; is this an MLflow server?")
        return parsed

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            with error:
                self._raise_status(error)
        except (http.client.HTTPException, OSError) as error:
            why = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise RegistryUnavailable(uri=self.uri, why=why) from error

    def _raise_status(self, error: HTTPError) -> NoReturn:
        try:
            answer = json.loads(error.read(_CHUNK))
            message, error_code = str(answer["message"]), str(answer["error_code"])
        except (ValueError, LookupError, TypeError, OSError):
            message, error_code = error.reason, ""
        why = f"HTTP {error.code}, {message}"
        if error.code >= 500 or error.code in RETRYABLE_STATUSES:
            raise RegistryUnavailable(uri=self.uri, why=why) from error
        raise RegistryRefused(uri=self.uri, why=why, status=error.code, error_code=error_code) from error


def _authorization(username: str, password: str) -> str | None:
    """Return the Authorization header, from the URI's credentials or from the environment variables, or None."""
    if not username:
        username = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
        password = os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        if not (username and password):
            return f"Bearer {token}" if token else None
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
