"""A proxy in front of PostgreSQL that cuts or holds connections on request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

STEP = 1 << 16
COMMIT = b"COMMIT\0"


class PostgresProxy:
    """Forward everything, unencrypted; a context manager.

    After `cut_commits(n)` the next n commits reach the server, but its answers to them are lost: the proxy closes the
    connection as soon as the server has answered. After `hold()` the proxy forwards nothing until `release()`.
    """

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        netloc = f"{self._server.username}:{self._server.password}@127.0.0.1:{port}"
        self.url = self._server._replace(netloc=netloc).geturl()
        self.cut = 0
        self._to_cut = 0
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.release()
        for one in self._open:
            one.close()

    def cut_commits(self, number: int) -> None:
        self._to_cut = number

    def hold(self) -> None:
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server.port))
                self._open += [client, server]
                committing = threading.Event()
                for pump in (self._upwards, self._downwards):
                    threading.Thread(target=pump, args=(client, server, committing), daemon=True).start()

    def _upwards(self, client: socket.socket, server: socket.socket, committing: threading.Event) -> None:
        with _closing(client, server):
            while data := client.recv(STEP):
                self._flowing.wait()
                if COMMIT in data and self._to_cut > 0:
                    self._to_cut -= 1
                    committing.set()
                server.sendall(data)

    def _downwards(self, client: socket.socket, server: socket.socket, committing: threading.Event) -> None:
        with _closing(client, server):
            while data := server.recv(STEP):
                self._flowing.wait()
                if committing.is_set():
                    self.cut += 1
                    return
                client.sendall(data)


@contextmanager
def _closing(*sockets: socket.socket) -> Iterator[None]:
    """Close both sides when one has closed."""
    with suppress(OSError):
        yield
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
