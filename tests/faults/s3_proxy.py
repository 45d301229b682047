"""A reverse proxy in front of an S3 server that reproduces faults of networks and stores on request.

Requests without a fault are forwarded unchanged, including the Host header. The signature covers the address that the
client knows, which is the proxy's address.
"""

import http.client
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

STEP = 1 << 16
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
HOP_BY_HOP = {"connection", "transfer-encoding"}


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Fault:
    """A fault in the body of one GET, after `after` bytes of it were forwarded.

    The proxy first calls `act`. Then it closes the connection, resets it, or keeps it open and silent until the proxy
    ends. Alternatively it continues, in pieces of `step` bytes with pauses of `pause_s` seconds. `bare` omits length
    and checksum, so the end of the connection is the end of the body. `as_whole` makes a part look like the whole
    object.
    """

    after: int = 0
    then: Literal["close", "reset", "stall", "go on"] = "go on"
    act: Callable[[], object] = nothing
    step: int = STEP
    pause_s: float = 0.0
    bare: bool = False
    as_whole: bool = False


class S3Proxy:
    """The proxy; a context manager. `requests` lists the method, path and Range header of every request."""

    def __init__(self, origin: str) -> None:
        self.origin = urlsplit(origin).netloc
        self.requests: list[tuple[str, str, str | None]] = []
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._refusals = 0.0
        self._faults: deque[Fault] = deque()
        self._lasting: Fault | None = None
        handler = type("BoundHandler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address to give to clients."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range headers of all GETs of objects, in order."""
        return [asked for method, path, asked in self.requests if method == "GET" and "/incoming/" in path]

    def refuse(self, times: float) -> None:
        """Answer the next `times` requests with 503 SlowDown."""
        with self._lock:
            self._refusals = times

    def spoil(self, *faults: Fault, later: Fault | None = None) -> None:
        """Apply one of the faults to each of the next GETs of an object, and `later` to all GETs after them."""
        with self._lock:
            self._faults.extend(faults)
            self._lasting = later

    def heal(self) -> None:
        """Stop all faults."""
        with self._lock:
            self._refusals = 0
            self._faults.clear()
            self._lasting = None

    def note(self, method: str, path: str, asked: str | None) -> bool:
        """Record a request, and return whether to reject it."""
        with self._lock:
            self.requests.append((method, path, asked))
            refused = self._refusals > 0
            self._refusals -= refused
            return refused

    def next_fault(self) -> Fault | None:
        """Return the fault of the next body."""
        with self._lock:
            return self._faults.popleft() if self._faults else self._lasting


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: S3Proxy

    def do_GET(self) -> None:
        self._relay()

    def do_HEAD(self) -> None:
        self._relay()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def _relay(self) -> None:
        if self.proxy.note(self.command, self.path, self.headers["Range"]):
            self._refuse()
            return
        origin = http.client.HTTPConnection(self.proxy.origin, timeout=60)
        try:
            origin.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                origin.putheader(name, value)
            origin.endheaders()
            answer = origin.getresponse()
            is_object = self.command == "GET" and answer.status in (200, 206) and answer.headers["ETag"] is not None
            fault = self.proxy.next_fault() if is_object else None
            self._answer(answer, fault or Fault())
        except ConnectionError:
            self.close_connection = True  # the client disconnected, as it does after a long stall
        finally:
            origin.close()

    def _refuse(self) -> None:
        self.send_response(503)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(SLOW_DOWN)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(SLOW_DOWN)

    def _answer(self, answer: http.client.HTTPResponse, fault: Fault) -> None:
        if fault.bare:
            del answer.headers["Content-Length"]
            del answer.headers["x-amz-checksum-crc32"]
        if fault.as_whole:
            del answer.headers["Content-Range"]
        self.send_response_only(200 if fault.as_whole else answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Connection", "close")
        self.end_headers()
        self._send(answer, fault.after, STEP)
        fault.act()
        self.close_connection |= fault.then != "go on"
        if fault.then == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        elif fault.then == "stall":
            self.proxy.ended.wait()
        elif fault.then == "go on":
            self._send(answer, None, fault.step, fault.pause_s)

    def _send(self, answer: http.client.HTTPResponse, limit: int | None, step: int, pause_s: float = 0.0) -> None:
        """Forward up to `limit` bytes of the origin's body."""
        sent = 0
        while limit is None or sent < limit:
            piece = answer.read(step if limit is None else min(step, limit - sent))
            if not piece:
                return
            self.wfile.write(piece)
            sent += len(piece)
            if pause_s:
                self.proxy.ended.wait(pause_s)
