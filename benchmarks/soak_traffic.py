"""The traffic of the soak, from well-behaved, broken and hostile clients.

Each kind is a coroutine that sends one request and returns its outcome as a word: the status of the response, or how
the connection ended. An outcome that the kind does not allow is a failure. All user input contains `MARK`, so that the
log can be searched for it.
"""

import asyncio
import gzip
import json
import math
import random
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlencode

import aiohttp

from sentiment_core.model.scorer import Scorer

MARK = "qzxmark"
PATIENCE_S = 30.0
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_WORDS = [
    "good",
    "bad",
    "awful",
    "lovely",
    "kettle",
    "the",
    "a",
    "not",
    "never",
    "again",
    "works",
    "broken",
    "ünïcödé",
    "💛",
    "great",
    "waste",
    "<br",
    "/>",
    "I'd",
    "naïve",
]


class Target:
    """The service under test, and the expected responses."""

    def __init__(self, port: int, scorer: Scorer, session: aiohttp.ClientSession) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.scorer = scorer
        self.session = session
        self.dice = random.Random(7)

    def text(self, longest: int = 400) -> str:
        """Return a text of up to the given number of words."""
        return " ".join([MARK, *self.dice.choices(_WORDS, k=self.dice.randint(1, longest))])

    def right(self, text: str, answer: dict[str, object]) -> bool:
        """Return whether a response contains the library's score and label."""
        expected = self.scorer.score_text(text)
        found = answer["score"]
        return isinstance(found, float) and abs(found - expected.score) < 1e-6 and answer["label"] == expected.label

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send a request as a well-behaved client does."""
        headers = headers | {"User-Agent": f"{MARK}/1"}
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.read()


class Kind(NamedTuple):
    """One kind of traffic: its frequency and its allowed outcomes."""

    send: Callable[[Target], Awaitable[str]]
    outcomes: tuple[str, ...]
    pause_s: float
    clients: int = 1


async def predict(target: Target) -> str:
    """Send one text."""
    text = target.text()
    status, body = await target.post("/predict", json.dumps({"text": text}).encode(), _JSON)
    return _scored(status, target.right(text, json.loads(body)))


async def explain(target: Target) -> str:
    """Send one text, sometimes a long one, and request an explanation."""
    text = target.text(target.dice.choice((100, 100, 10_000)))
    status, body = await target.post("/predict", json.dumps({"text": text, "explain": True}).encode(), _JSON)
    answer = json.loads(body)
    parts = answer["explanation"]
    logit = parts["bias"] + math.fsum(part["weight"] for part in parts["contributions"])
    odds = answer["probabilities"]
    share = odds["positive"] / (odds["positive"] + odds["negative"])
    return _scored(status, target.right(text, answer) and abs(1 / (1 + math.exp(-logit)) - share) < 1e-6)


async def form(target: Target) -> str:
    """Send a form, and accept JSON."""
    text = target.text()
    status, body = await target.post("/predict", urlencode({"text": text}).encode(), _FORM)
    return _scored(status, target.right(text, json.loads(body)))


async def page_form(target: Target) -> str:
    """Send a form, and accept HTML."""
    headers = _FORM | {"Accept": "text/html"}
    status, body = await target.post("/predict", urlencode({"text": target.text(50)}).encode(), headers)
    return _scored(status, MARK.encode() in body)


async def zipped(target: Target) -> str:
    """Send a compressed body."""
    text = target.text()
    body = gzip.compress(json.dumps({"text": text}).encode())
    status, answer = await target.post("/predict", body, _JSON | {"Content-Encoding": "gzip"})
    return _scored(status, target.right(text, json.loads(answer)))


async def batch(target: Target) -> str:
    """Send some texts, one of them invalid."""
    return await _batch(target, [*(target.text(50) for _ in range(target.dice.randint(1, 30))), " "])


async def large_batch(target: Target) -> str:
    """Send the maximum number of texts of a batch."""
    return await _batch(target, [target.text(60) for _ in range(999)] + [""])


async def _batch(target: Target, texts: list[str]) -> str:
    status, body = await target.post("/predict/batch", json.dumps({"texts": texts}).encode(), _JSON)
    answer = json.loads(body)
    results = answer["results"]
    right = all(target.right(text, result) for text, result in zip(texts[:-1], results[:-1], strict=True))
    return _scored(status, right and results[-1] is None and len(answer["errors"]) == 1)


async def stream(target: Target) -> str:
    """Send texts over a WebSocket, with invalid messages between them."""
    async with target.session.ws_connect(f"{target.url}/ws") as talk:
        for bad in ("{", '{"text": ""}', f'{{"{MARK}": 1}}', None):
            text = target.text(60)
            await talk.send_str(json.dumps({"text": text}))
            if not target.right(text, json.loads(await talk.receive_str(timeout=PATIENCE_S))):
                return "wrong"
            if bad is None:
                await talk.send_bytes(b"\xff\x00")
            else:
                await talk.send_str(bad)
            if "code" not in json.loads(await talk.receive_str(timeout=PATIENCE_S)):
                return "wrong"
    return "200"


async def read_only(target: Target) -> str:
    """Get the pages, the probes and the metrics."""
    path = target.dice.choice(("/", "/docs", "/openapi.json", "/model", "/healthz", "/readyz", "/metrics"))
    async with target.session.get(target.url + path, headers={"User-Agent": MARK}) as answer:
        await answer.read()
        return str(answer.status)


def _scored(status: int, right: bool) -> str:
    return str(status) if right or status != 200 else "wrong"


async def malformed(target: Target) -> str:
    """Send invalid JSON, invalid UTF-8 and non-text values in turn."""
    body = target.dice.choice(
        (
            f'{{"text": "{MARK}'.encode(),
            b'{"text": "' + MARK.encode() + b' caf\xe9"}',
            b"[" * 100_000,
            b'{"text": 5}',
            b"",
        )
    )
    status, _ = await target.post(target.dice.choice(("/predict", "/predict/batch")), body, _JSON)
    return str(status)


async def elsewhere(target: Target) -> str:
    """Send requests with wrong methods or paths."""
    method = target.dice.choice(("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"))
    path = target.dice.choice(("/predict", f"/{MARK}", f"/static/../{MARK}", f"/predict?text={MARK}"))
    async with target.session.request(method, target.url + path, headers={"X-Request-Id": f"{MARK} {MARK}"}) as answer:
        await answer.read()
        return str(answer.status)


async def wrong_type(target: Target) -> str:
    """Send an unsupported content type."""
    status, _ = await target.post("/predict", MARK.encode(), {"Content-Type": f"text/{MARK}"})
    return str(status)


async def oversize(target: Target) -> str:
    """Send a body above the maximum size."""
    return await _raw(target, _head(f"Content-Length: {3_000_000}") + b"a" * 3_000_000)


async def bomb(target: Target) -> str:
    """Send a small body that expands to 100 MB."""
    squeezer = zlib.compressobj(9, wbits=31)
    zeros = b"a" * 1_000_000
    body = b"".join(squeezer.compress(zeros) for _ in range(100)) + squeezer.flush()
    status, _ = await target.post("/predict", body, _JSON | {"Content-Encoding": "gzip"})
    return str(status)


async def slow(target: Target) -> str:
    """Send one byte per second, of the header or of the body."""
    whole = _head("Content-Length: 500") + b'{"text": "' + b"a" * 490
    sent = target.dice.choice((20, len(whole) - 500))
    reader, writer = await target_connection(target)
    try:
        writer.write(whole[:sent])
        for byte in whole[sent : sent + int(PATIENCE_S)]:
            writer.write(bytes([byte]))
            await writer.drain()
            with suppress(TimeoutError):
                return _outcome(await asyncio.wait_for(reader.read(65_536), 1))
    except ConnectionError:
        return "closed"
    finally:
        writer.transport.abort()
    return "endured"


async def deaf(target: Target) -> str:
    """Request a large response and read nothing."""
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50
    _, writer = await target_connection(target)
    writer.transport.pause_reading()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                writer.write(asked)
                await writer.drain()
    except ConnectionError:
        return "closed"
    except TimeoutError:
        return "endured"
    finally:
        writer.transport.abort()


async def leaves(target: Target) -> str:
    """Disconnect in the middle of a body or before the response, with or without a reset."""
    body = json.dumps({"texts": [target.text(60) for _ in range(100)]}).encode()
    whole = _head(f"Content-Length: {len(body)}", "/predict/batch") + body
    _, writer = await target_connection(target)
    writer.write(whole[: target.dice.choice((40, 200, len(whole)))])
    await writer.drain()
    if target.dice.random() < 0.5:
        # Without lingering, closing resets the connection.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
    return "left"


async def half_open(target: Target) -> str:
    """Connect, send nothing for a while, and disconnect."""
    _, writer = await target_connection(target)
    await asyncio.sleep(target.dice.random() * 5)
    writer.transport.abort()
    return "left"


async def pipelined(target: Target) -> str:
    """Pipeline ten requests. Ten responses must arrive in order."""
    texts = [target.text(30) for _ in range(10)]
    bodies = [json.dumps({"text": text}).encode() for text in texts]
    reader, writer = await target_connection(target)
    try:
        writer.write(b"".join(_head(f"Content-Length: {len(body)}") + body for body in bodies))
        for text in texts:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await asyncio.wait_for(reader.readexactly(length), PATIENCE_S)
            if not head.startswith(b"HTTP/1.1 200") or not target.right(text, json.loads(body)):
                return "wrong"
    finally:
        writer.transport.abort()
    return "200"


async def chunked(target: Target) -> str:
    """Send a body in chunks."""
    body = json.dumps({"text": target.text(100)}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    return await _raw(target, _head("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")


async def old_protocol(target: Target) -> str:
    """Send an HTTP/1.0 request."""
    body = json.dumps({"text": target.text(100)}).encode()
    return await _raw(target, _head(f"Content-Length: {len(body)}").replace(b"HTTP/1.1", b"HTTP/1.0") + body)


async def not_http(target: Target) -> str:
    """Send random bytes, the first bytes of TLS, invalid chunks, and endless headers."""
    noise = target.dice.randbytes(300)
    return await _raw(
        target,
        target.dice.choice(
            (
                noise + b"\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise + b"\r\n",
                _head("Transfer-Encoding: chunked") + b"zz\r\n" + MARK.encode(),
                _head(f"X-{MARK}: " + "a" * 100_000),
                _head("\r\n".join(f"X-{MARK}-{number}: {MARK}" for number in range(2_000))),
                _head(f"{MARK} without a colon"),
                b"GET /" + MARK.encode() * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            )
        ),
    )


async def smuggled(target: Target) -> str:
    """Hide a second request in a body with two conflicting lengths (request smuggling)."""
    hidden = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    lengths = target.dice.choice(
        (
            f"Content-Length: {len(hidden)}\r\nTransfer-Encoding: chunked",
            f"Transfer-Encoding: chunked\r\nContent-Length: {len(hidden)}",
            f"Content-Length: 5\r\nContent-Length: {len(hidden)}",
            "Content-Length: +5",
            "Content-Length: 5, 6",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding:\x0bchunked",
        )
    )
    return await _raw(target, _head(lengths) + hidden)


async def target_connection(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a plain TCP connection."""
    return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", target.port), PATIENCE_S)


def _head(header: str, path: str = "/predict") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: {MARK}\r\nContent-Type: application/json\r\n{header}\r\n\r\n".encode()


async def _raw(target: Target, sent: bytes) -> str:
    """Send bytes and return the outcome. A second response, or none on an open connection, is one too."""
    reader, writer = await target_connection(target)
    received = b""
    try:
        writer.write(sent)
        async with asyncio.timeout(PATIENCE_S):
            while b"\r\n\r\n" not in received:
                more = await reader.read(65_536)
                if not more:
                    break
                received += more
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while more := await reader.read(65_536):
                    received += more
    except ConnectionError:
        pass
    except TimeoutError:
        return "endured"
    finally:
        writer.transport.abort()
    return "two answers" if received.count(b"HTTP/1.") > 1 else _outcome(received)


def _outcome(received: bytes) -> str:
    return received[9:12].decode("latin-1") if received.startswith(b"HTTP/1.") else "closed"


REFUSED = ("400", "closed")
ONE_TEXT: dict[str, Kind] = {"one text": Kind(predict, ("200",), 0.005, 4)}
VALID: dict[str, Kind] = {
    "explanation": Kind(explain, ("200",), 0.1),
    "form": Kind(form, ("200",), 0.05),
    "form on the page": Kind(page_form, ("200",), 0.1),
    "gzip body": Kind(zipped, ("200",), 0.05),
    "batch": Kind(batch, ("200",), 0.05),
    "batch of 1,000": Kind(large_batch, ("200",), 0.5),
    "WebSocket": Kind(stream, ("200",), 0.1),
    "pages, probes, metrics": Kind(read_only, ("200",), 0.05),
    "pipelined": Kind(pipelined, ("200",), 0.1),
    "chunked": Kind(chunked, ("200",), 0.1),
    "HTTP/1.0": Kind(old_protocol, ("200",), 0.1),
}
HOSTILE: dict[str, Kind] = {
    "malformed body": Kind(malformed, ("400", "422"), 0.02),
    "wrong method or path": Kind(elsewhere, ("404", "405"), 0.05),
    "wrong content type": Kind(wrong_type, ("415",), 0.05),
    "body of 3 MB": Kind(oversize, ("413",), 0.2),
    "gzip bomb": Kind(bomb, ("413",), 1),
    "a byte a second": Kind(slow, ("408", "closed"), 0, 10),
    "reads nothing": Kind(deaf, ("closed",), 0, 2),
    "leaves early": Kind(leaves, ("left",), 0.02),
    "connects only": Kind(half_open, ("left",), 0, 10),
    "not HTTP": Kind(not_http, (*REFUSED, "431"), 0.05),
    "smuggling": Kind(smuggled, REFUSED, 0.05),
}
