"""Both processes behind a balancer are restarted, one after the other, under load: no request fails."""

import asyncio
import http.client
import json
import signal

import pytest

from sentiment_core.model.scorer import Scorer
from tests.api import balancers
from tests.api.conftest import Service

CLIENTS = 16
PAUSE_S = 0.005  # without a pause, the clients use all the time of both cores
DRAIN_S = 1.0  # a balancer notices within a tenth of it
TEXTS = [f"Kettle number {number} is {'good' if number % 2 else 'awful'}, I say." for number in range(50)]
BATCH = [f"{text} " * 40 for text in TEXTS] * 4

KINDS = [
    balancers.Connections,
    balancers.Requests,
    pytest.param(
        balancers.Nginx, marks=pytest.mark.skipif(not balancers.NGINX, reason="there is no nginx (Debian: nginx-light)")
    ),
]


class Client:
    """Sends request after request over one connection while its server keeps it, and notes each one that goes wrong."""

    def __init__(self, port, keeps, expected):
        self.port = port
        self.keeps = keeps
        self.expected = expected
        self.failures = []
        self.answered = 0

    async def run(self, stop):
        connection = None
        while not stop.is_set():
            path, payload, expected = self.expected[self.answered % len(self.expected)]
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self.port)
                status, closing, body = await asyncio.wait_for(self.ask(*connection, path, payload), 30)
            except (OSError, EOFError) as error:
                self.failures.append(f"{path}: {error!r}")
                connection = None
                await asyncio.sleep(0.05)
                continue
            if status != 200 or scores(body) != pytest.approx(expected, abs=1e-6):
                self.failures.append(f"{path}: {status} {body[:200]!r}")
            self.answered += 1
            await asyncio.sleep(PAUSE_S)
            if closing or not self.keeps:
                connection[1].close()
                connection = None
        if connection:
            connection[1].close()

    async def ask(self, reader, writer, path, payload):
        keep = "" if self.keeps else "Connection: close\r\n"
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{keep}Content-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
        return int(answer.split()[1]), "connection: close" in answer, await reader.readexactly(length)


def scores(body):
    answer = json.loads(body)
    return [result["score"] for result in answer.get("results", [answer])]


@pytest.fixture(scope="module")
def expected(starter):
    scorer = Scorer(starter)
    singles = [("/predict", json.dumps({"text": text}).encode(), [scorer.score_text(text).score]) for text in TEXTS]
    batch = ("/predict/batch", json.dumps({"texts": BATCH}).encode(), scorer.score_texts(BATCH).score.tolist())
    return [*singles, batch]


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_fails_while_both_processes_are_restarted(kind, expected, tmp_path):
    started = []

    def begin():
        started.append(Service(tmp_path, API_DRAIN_S=str(DRAIN_S)).wait_ready())
        return started[-1]

    async def in_rotation(balancer, service):
        balancer.ports.add(service.port)
        while service.port not in balancer.ready:
            await asyncio.sleep(0.01)

    async def restart():
        stop = asyncio.Event()
        async with kind(tmp_path) as balancer:
            for service in [begin(), begin()]:
                await in_rotation(balancer, service)
            clients = [Client(balancer.port, balancer.keeps_clients, expected) for _ in range(CLIENTS)]
            load = [asyncio.create_task(client.run(stop)) for client in clients]
            for old in started[:]:
                before = sum(client.answered for client in clients)
                assert await asyncio.to_thread(old.stop) == 0
                balancer.ports.remove(old.port)
                await in_rotation(balancer, await asyncio.to_thread(begin))
                assert sum(client.answered for client in clients) > before
            stop.set()
            await asyncio.gather(*load)
        return clients

    try:
        clients = asyncio.run(restart())
    finally:
        for service in started:
            service.stop(signal.SIGKILL)
    failures = [failure for client in clients for failure in client.failures]
    assert failures == []
    assert all(client.answered for client in clients)


def test_a_service_that_stops_ends_every_connection_with_an_answer_that_says_so(start):
    service = start(API_DRAIN_S="3600").wait_ready()
    asks = [
        ("POST", "/predict", b'{"text": "good"}'),
        ("POST", "/predict", b'{"text": "good", "explain": true}'),
        ("POST", "/predict/batch", b'{"texts": ["good"]}'),
        ("POST", "/predict", b"{"),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/nowhere", None),
    ]
    connections = [http.client.HTTPConnection("127.0.0.1", service.port, timeout=30) for _ in asks]
    try:
        for connection in connections:  # each has been used, and is kept
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, answer.read(), answer.will_close) == (200, b'{"status":"ok"}', False)
        service.process.send_signal(signal.SIGTERM)
        service.wait(lambda: service.get("/readyz").status == 503)
        for connection, (method, path, body) in zip(connections, asks, strict=True):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.headers["Connection"] == "close", (method, path, body)
            assert answer.read()
    finally:
        for connection in connections:
            connection.close()
    assert service.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        service.get("/healthz")
