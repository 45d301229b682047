"""A closed-loop HTTP load generator: each connection sends its next request after the previous answer.

It runs as a separate program, so that it shares neither the event loop nor the interpreter with the measured server.
It must be faster than the servers: one that waits for it spends nothing on waking it. So it parses the head of an
answer only if its size differs from the last one's. Answers must have a Content-Length. Every answer other than 200
counts as an error.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import NamedTuple, cast

import uvloop

_GOOD = b"HTTP/1.1 200"


class Load(NamedTuple):
    """The results of one run; latencies in milliseconds."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, latencies: list[float], until: float) -> None:
        self.request = request
        self.latencies = latencies
        self.until = until
        self.errors = 0
        self.done = asyncio.get_running_loop().create_future()
        self.received = b""
        self.last_size = 0  # of the last good answer that kept the connection
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's class does not inherit from it
        self.send()

    def send(self) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if len(data) == self.last_size and not self.received and data.startswith(_GOOD):
            now = time.perf_counter()
            self.latencies.append(now - self.sent_at)
            if now < self.until:
                self.sent_at = now
                self.transport.write(self.request)
                return
            self.transport.close()
            return
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return
        lowered = head.lower()
        length = int(lowered.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self.latencies.append(now - self.sent_at)
        good = head.startswith(_GOOD)
        self.errors += not good
        if now < self.until and b"connection: close" not in lowered:
            self.last_size = len(self.received) if good else 0
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(exc)


async def run(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Load the server on a local port for some seconds and return the measurements."""
    start = time.perf_counter()
    latencies, errors = await latencies_of(port, request, connections, seconds)
    elapsed = time.perf_counter() - start
    return Load(
        len(latencies) / elapsed,
        1000 * latencies[len(latencies) // 2],
        1000 * latencies[int(len(latencies) * 0.99)],
        errors,
    )


async def latencies_of(port: int, request: bytes, connections: int, seconds: float) -> tuple[list[float], int]:
    """Load the server for some seconds.

    Return the latencies of all answers in seconds, sorted, and the number of errors. Connections that the server closes
    are replaced by new ones.
    """
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()

    async def keep_one() -> int:
        errors = 0
        while time.perf_counter() < until:
            _, connection = await loop.create_connection(
                lambda: _Connection(request, latencies, until), "127.0.0.1", port
            )
            await connection.done
            errors += connection.errors
        return errors

    errors = sum(await asyncio.gather(*(keep_one() for _ in range(connections))))
    return sorted(latencies), errors


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a complete POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def main() -> None:
    """Read the request body from a file, load the server, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("request", type=Path, help="file that contains a complete HTTP request")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(run(options.port, options.request.read_bytes(), options.connections, options.seconds))
    print(json.dumps(load._asdict()))


if __name__ == "__main__":
    main()
