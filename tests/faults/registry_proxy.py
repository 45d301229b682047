"""A proxy in front of MLflow that fails a chosen call, either before the server sees it or with its answer lost."""

import http.client
import http.server
import threading
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

ALIAS = "/registered-models/alias"
TAG = "/model-versions/set-tag"


class RegistryProxy:
    """Forward calls; a context manager.

    After `fail(path, when)` the proxy closes the connection of each POST to that path: `before` the server sees it, or
    `after` the server has executed it. After `close()` every call fails in this way, until `open()`. With `then_close`
    a failed call also closes the registry for all later calls.
    """

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._failing = ("", "before")
        self._then_close = False
        self._closed = False
        self.posts: list[str] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy._pass(self, None)

            def do_POST(self) -> None:
                proxy._pass(self, self.rfile.read(int(self.headers["Content-Length"])))

            def do_PUT(self) -> None:
                self.do_POST()

            def do_PATCH(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                pass

        self._listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def fail(self, path: str, when: Literal["before", "after"], *, then_close: bool = False) -> None:
        self._failing, self._then_close = (path, when), then_close

    def close(self) -> None:
        self._closed = True

    def open(self) -> None:
        self._failing, self._closed = ("", "before"), False

    def _pass(self, request: http.server.BaseHTTPRequestHandler, body: bytes | None) -> None:
        path, when = self._failing
        failing = body is not None and bool(path) and request.path.endswith(path)
        if self._closed or (failing and when == "before"):
            self._closed = self._closed or self._then_close
            request.close_connection = True
            return
        if body is not None:
            self.posts.append(request.path)
        server = http.client.HTTPConnection(str(self._server.hostname), self._server.port, timeout=30)
        content_type = request.headers.get("Content-Type", "application/json")
        server.request(request.command, request.path, body, {"Content-Type": content_type})
        answer = server.getresponse()
        content = answer.read()
        server.close()
        if failing:
            self._closed = self._closed or self._then_close
            request.close_connection = True
            return
        request.send_response(answer.status)
        request.send_header("Content-Type", str(answer.headers["Content-Type"]))
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
