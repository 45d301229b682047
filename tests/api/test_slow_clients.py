"""Clients that stall are cut off at every point of a request, many at the same time; slow honest ones are not."""

import asyncio
import json
import socket
import time
from contextlib import ExitStack, suppress
from functools import partial

import aiohttp
import pytest

from tests.api.conftest import Service
from tests.api.test_connection import post

MANY = 300
TIMEOUT_S = 0.5
# A client must be cut off after the timeout; the machine may be busy with all the others.
LATEST_S = 40 * TIMEOUT_S
TEXT = {"text": "An excellent kettle, I love it."}
HEAD, BODY = post("/predict", TEXT)
REQUEST = HEAD + BODY
LARGE_HEAD, LARGE_BODY = post("/predict", {"text": "good and bad " * 100})
# Enough answers to fill the buffers of both kernels: more than 5 MB.
UNREAD = b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 400
STALLED = {
    "silent": b"",
    "after one byte": HEAD[:1],
    "in the head": HEAD[:40],
    "before the last byte of the head": HEAD[:-1],
    "between head and body": HEAD,
    "in the body": LARGE_HEAD + LARGE_BODY[:600],
}
FRESH = {name: [sent] for name, sent in STALLED.items()}
# After an answer, silence is an idle connection, which is kept: it has no entry here.
KEPT = {f"kept, {name}": [REQUEST, sent] for name, sent in STALLED.items() if sent}
KEPT_SAME_SEGMENT = {
    f"kept, same segment, {name}": [REQUEST + STALLED[name]]
    for name in ("after one byte", "in the head", "before the last byte of the head", "between head and body")
}
UNCERTAIN = {
    "kept, after pipelined requests": [REQUEST + REQUEST + HEAD[:40]],
    "kept, empty lines before the request": [b"\r\n\r\n" + REQUEST, HEAD[:40]],
    "kept, after a chunked body": [
        HEAD.replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
        + HEAD[:40]
    ],
    "kept, after a refused upgrade": [
        b"GET /model HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + HEAD[:40]
    ],
}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A service with short timeouts, whose idle connections live long."""
    running = Service(tmp_path_factory.mktemp("api"), REQUEST_TIMEOUT_S=str(TIMEOUT_S), KEEPALIVE_S="60")
    yield running.wait_ready()
    assert running.stop() == 0


class SlowClient(asyncio.Protocol):
    """Sends each part when the previous one is answered, and then waits for the end of the connection."""

    def __init__(self, parts, connecting_at):
        self.parts = list(parts)
        self.closed = asyncio.get_running_loop().create_future()
        self.connecting_at = connecting_at
        self.stalled_at = None

    def connection_made(self, transport):
        self.transport = transport
        self.send()

    def send(self):
        part = self.parts.pop(0)
        if not self.parts:
            self.stalled_at = time.monotonic()
        self.transport.write(part)

    def data_received(self, _data):
        if self.parts:
            self.send()

    def connection_lost(self, _exc):
        now = time.monotonic()
        # None: this process was so busy that the service had cut off the client before it sent its first request.
        cut_early = self.stalled_at is None
        self.closed.set_result(None if cut_early else (now - self.connecting_at, now - self.stalled_at))


async def stall(port, parts):
    """Return how long each of many clients was connected, and how long it was kept after its last bytes.

    The first bounds the service's patience from below even if this process paused before it sent anything.
    """
    loop = asyncio.get_running_loop()

    async def one():
        while True:
            connecting_at = time.monotonic()  # the loop makes the protocol when the service has the connection already
            connected = partial(SlowClient, parts, connecting_at)
            _, client = await loop.create_connection(connected, "127.0.0.1", port)
            try:
                if times := await asyncio.wait_for(client.closed, LATEST_S):
                    return times
            finally:
                client.transport.abort()

    return zip(*await asyncio.gather(*(one() for _ in range(MANY))), strict=True)


@pytest.mark.parametrize("parts", [pytest.param(parts, id=name) for name, parts in (FRESH | KEPT).items()])
def test_a_client_that_stalls_is_cut_off_in_time(impatient, parts):
    _, kept_s = asyncio.run(stall(impatient.port, parts))
    assert max(kept_s) < LATEST_S
    impatient.wait(lambda: impatient.metric("app_connections_open") == 1, 10)


def connected(port, held):
    client = held.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    return client


def answered(port, held):
    """Return a client with one answer. The service may cut off a client that this busy process sends for too late."""
    while True:
        client = connected(port, held)
        with suppress(ConnectionError):
            client.sendall(REQUEST)
            if answer := client.recv(12):
                assert answer == b"HTTP/1.1 200"
                return client


@pytest.mark.parametrize("connect", [connected, answered], ids=["fresh", "kept"])
def test_a_client_that_does_not_read_its_answers_is_cut_off_in_time(impatient, connect):
    with ExitStack() as held:
        for _ in range(MANY):
            connect(impatient.port, held).sendall(UNREAD)
        impatient.wait(lambda: impatient.metric("app_connections_open") == 1, LATEST_S)


@pytest.mark.parametrize(
    "parts", [pytest.param(parts, id=name) for name, parts in (KEPT_SAME_SEGMENT | UNCERTAIN).items()]
)
def test_bytes_of_a_next_request_do_not_make_a_connection_idle(impatient, parts):
    connected_s, kept_s = asyncio.run(stall(impatient.port, parts))
    assert min(connected_s) > TIMEOUT_S / 2
    assert max(kept_s) < LATEST_S


def test_a_client_that_is_slow_within_the_limits_is_served(impatient):
    async def talk():
        reader, writer = await asyncio.open_connection("127.0.0.1", impatient.port)
        for _ in range(3):
            for part in (HEAD[:30], HEAD[30:], BODY[:10], BODY[10:]):
                writer.write(part)
                await asyncio.sleep(TIMEOUT_S / 4)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert json.loads(await reader.readexactly(length))["label"] == "positive"
            await asyncio.sleep(3 * TIMEOUT_S)  # idle between two requests
        writer.close()

    async def all_at_once():
        await asyncio.gather(*(talk() for _ in range(50)))

    asyncio.run(all_at_once())


def test_a_large_answer_that_is_read_slowly_but_in_time_arrives(impatient):
    head, body = post("/predict/batch", {"texts": ["good and bad " * 20] * 1_000})

    async def talk():
        reader, writer = await asyncio.open_connection("127.0.0.1", impatient.port, limit=4_096)
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        got = 0
        while got < length:
            got += len(await reader.read(16_384))
            await asyncio.sleep(TIMEOUT_S / 100)
        writer.close()

    asyncio.run(talk())


def test_a_websocket_outlives_the_timeout(impatient):
    async def talk():
        async with aiohttp.ClientSession() as session:
            stream = await session.ws_connect(f"http://127.0.0.1:{impatient.port}/ws")
            for _ in range(3):
                await asyncio.sleep(2 * TIMEOUT_S)
                await stream.send_json(TEXT)
                assert (await stream.receive_json(timeout=10))["label"] == "positive"
            await stream.close()

    asyncio.run(talk())
