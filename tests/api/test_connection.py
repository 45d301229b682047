"""What goes over the wire: whole requests and torn ones, quick clients and slow ones."""

import http.client
import json
import socket
import time

import pytest

TEXT = {"text": "An excellent kettle, I love it."}


def post(path, payload, *headers):
    body = json.dumps(payload).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: here", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode(), body


class Wire(socket.socket):
    """A connection on which a test decides when each byte is sent."""

    def __init__(self, service, seconds=30):
        super().__init__()
        self.settimeout(seconds)
        self.connect(("127.0.0.1", service.port))
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self):
        response = http.client.HTTPResponse(self, method="POST")
        response.begin()
        return response, json.loads(response.read())

    def is_closed(self):
        """Tell whether the service closes the connection before a test would time out."""
        try:
            return self.recv(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def wire(service):
    with Wire(service) as connection:
        yield connection


def torn(request, where):
    return [request[:where], request[where:]]


def test_a_request_is_answered_alike_however_it_arrives(wire):
    head, body = post("/predict", TEXT, "X-Request-Id: one")
    request = head + body
    arrivals = [
        [request],
        [head, body],
        torn(request, 5),
        torn(request, len(head) - 2),
        torn(request, len(request) - 1),
    ]
    seen = []
    for pieces in [*arrivals, [bytes([byte]) for byte in request], [request]]:
        for piece in pieces:
            wire.sendall(piece)
            if len(pieces) == 2:
                time.sleep(0.02)
        response, answer = wire.answer()
        headers = {name: value for name, value in response.getheaders() if name != "Date"}
        seen.append((response.status, headers, answer))
    assert seen[0][0] == 200
    assert all(other == seen[0] for other in seen)


def test_pipelined_requests_are_answered_in_their_order(wire):
    texts = [f"Kettle {number} is {'good' if number % 2 else 'awful'}." for number in range(40)]
    payloads = [
        {"text": text, "explain": True} if number % 7 == 3 else {"text": text} for number, text in enumerate(texts)
    ]
    wire.sendall(
        b"".join(b"".join(post("/predict", payload, f"X-Request-Id: {n}")) for n, payload in enumerate(payloads))
    )
    ids = []
    reader = wire.makefile("rb")
    for payload in payloads:
        assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
        headers = http.client.parse_headers(reader)
        answer = json.loads(reader.read(int(headers["Content-Length"])))
        assert ("explanation" in answer) == ("explain" in payload)
        ids.append(headers["X-Request-Id"])
    assert ids == [str(number) for number in range(40)]


@pytest.mark.parametrize(
    "headers",
    [
        ("Connection: close",),
        ("Content-Encoding: identity",),
        ("Accept: text/html",),
        ("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",),
        ("X-Request-Id: not fit for a log",),
    ],
)
def test_a_request_may_ask_for_more(wire, service, headers):
    wire.sendall(b"".join(post("/predict", TEXT, *headers)))
    response, answer = wire.answer()
    assert response.status == 200
    assert answer == service.post("/predict", TEXT).json()


def test_http_1_0_is_answered_and_closed(wire):
    head, body = post("/predict", TEXT)
    wire.sendall(head.replace(b"HTTP/1.1", b"HTTP/1.0") + body)
    response, answer = wire.answer()
    assert (response.status, answer["label"]) == (200, "positive")
    assert wire.is_closed()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client",
        b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: -5\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        b"hello\r\n\r\n",
    ],
    ids=["tls", "two lengths", "length and chunks", "negative length", "long header", "words"],
)
def test_malformed_http_is_answered_and_the_connection_closed(wire, service, garbage):
    wire.sendall(garbage)
    response, answer = wire.answer()
    assert (response.status, answer["code"]) == (400, "malformed_http")
    assert response.headers.get_content_type() == "application/problem+json"
    assert wire.is_closed()
    assert [line for line in service.log() if line.get("logger") == "api.http.server"] == []


def drip(slow, request):
    for byte in request:
        slow.send(bytes([byte]))
        time.sleep(0.05)


def test_a_head_that_drips_is_cut_off(start):
    service = start(REQUEST_TIMEOUT_S="0.4").wait_ready()
    with Wire(service) as slow, pytest.raises((BrokenPipeError, ConnectionResetError)):
        drip(slow, b"POST /predict HTTP/1.1\r\nX-Slow: " + b"a" * 1_000)
    assert service.post("/predict", TEXT).status == 200


def test_a_head_may_take_its_time_after_an_answer_but_not_for_ever(start):
    service = start(REQUEST_TIMEOUT_S="0.5").wait_ready()
    with Wire(service) as slow:
        request = b"".join(post("/predict", TEXT))
        for _ in range(4):  # each within the time, all of them beyond
            slow.sendall(request[:10])
            time.sleep(0.25)
            slow.sendall(request[10:])
            assert slow.answer()[0].status == 200
        slow.sendall(request[:10])
        assert slow.is_closed()


def test_a_body_that_does_not_come_is_given_up(start):
    service = start(REQUEST_TIMEOUT_S="0.4").wait_ready()
    with Wire(service) as slow:
        head, body = post("/predict", TEXT)
        slow.sendall(head + body[:-1])
        response, answer = slow.answer()
        assert (response.status, answer["code"]) == (408, "body_too_slow")
        assert slow.is_closed()


def test_an_answer_before_the_end_of_the_body_says_that_the_connection_is_closed(wire):
    head, body = post("/predict", {"text": "a" * 2_000_000})
    wire.sendall(head + body[:1_500_000])
    response, answer = wire.answer()
    assert (response.status, answer["code"]) == (413, "too_large")
    assert response.headers["Connection"] == "close"
    wire.sendall(body[1_500_000:])
    assert wire.is_closed()


def test_a_client_that_does_not_read_its_answers_is_cut_off(start):
    service = start(REQUEST_TIMEOUT_S="0.5").wait_ready()
    with Wire(service) as deaf:
        request = b"".join(post("/predict", {"text": "good and bad " * 500, "explain": True}))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            deaf.sendall(request * 10_000)
    assert service.metric("app_connections_open") == 1


def test_an_idle_connection_is_closed_and_each_answer_keeps_it_open(start):
    service = start(KEEPALIVE_S="1").wait_ready()
    with Wire(service) as client:
        for _ in range(4):
            client.sendall(b"".join(post("/predict", TEXT)))
            assert client.answer()[0].status == 200
            time.sleep(0.5)
        assert client.is_closed()


def test_a_connection_too_many_is_sent_away(start):
    service = start(MAX_CONNECTIONS="2").wait_ready()
    with Wire(service), Wire(service), Wire(service) as third:
        third.sendall(b"".join(post("/predict", TEXT)))
        response, answer = third.answer()
        assert (response.status, answer["code"]) == (503, "overloaded")
        assert response.headers["Retry-After"]
        assert third.is_closed()
    service.wait(lambda: service.get("/healthz").status == 200)


def test_no_answer_tells_versions(service):
    for answer in (service.get("/healthz"), service.post("/predict", TEXT), service.get("/nothing")):
        assert answer.headers["Server"] == "sentiment"
