"""Each limit, by a caller that goes beyond it."""

import asyncio
import json
import threading
import time

import aiohttp
import pytest

from api.access.rate_limit import RateLimit
from api.contract.errors import AnswerTooSlow, RateLimited
from api.contract.text_limit import TextLimit
from api.models.scoring import Predictor
from api.models.served_model import ServedModel
from sentiment_core.columnar.missing_texts import MissingTexts
from tests.api.test_connection import Wire, post

TEXT = {"text": "An excellent kettle, I love it."}
EXPLAINED = TEXT | {"explain": True}


@pytest.mark.parametrize("payload", [TEXT, EXPLAINED], ids=["at once", "through aiohttp"])
def test_a_client_beyond_its_rate_is_told_when_to_go_on(start, payload):
    service = start(RATE_LIMIT_PER_S="0.5", RATE_LIMIT_BURST="3").wait_ready()
    answers = [service.post("/predict", payload) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].code == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
    time.sleep(int(answers[-1].headers["Retry-After"]))
    assert service.post("/predict", payload).status == 200
    assert service.get("/readyz").status == 200
    assert service.metric('app_problem_count_total{code="rate_limited"}') == 1


def test_clients_behind_proxies_are_told_apart_and_cannot_pretend(start):
    service = start(RATE_LIMIT_PER_S="0.01", RATE_LIMIT_BURST="1", FORWARDED_HOPS="1").wait_ready()
    forwarded = [
        "192.0.2.1",
        "192.0.2.2",
        "10.9.9.9, 192.0.2.1",
        "2001:db8:1:1::1",
        "2001:db8:1:1::2",
        "2001:db8:1:2::1",
    ]
    statuses = [service.post("/predict", TEXT, X_Forwarded_For=address).status for address in forwarded]
    assert statuses == [200, 200, 429, 200, 429, 200]


def test_a_rate_lets_its_burst_through_and_then_its_pace(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    limit = RateLimit(10, 5)
    passed = 0
    for step in range(1_000):
        now = step * 0.01
        try:
            limit.take("client")
            passed += 1
        except RateLimited as refusal:
            assert 0 < refusal.details["wait"] <= 0.1
    assert passed == 5 + 99


def test_each_message_of_a_stream_counts(start):
    service = start(RATE_LIMIT_PER_S="0.01", RATE_LIMIT_BURST="3").wait_ready()

    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{service.port}/ws") as ws:
            for _ in range(4):
                await ws.send_str(json.dumps(TEXT))
            return [json.loads(await ws.receive_str(timeout=10)).get("code") for _ in range(4)]

    assert asyncio.run(talk()) == [None, None, "rate_limited", "rate_limited"]


def test_a_request_too_many_is_sent_away_and_those_in_progress_go_on(start):
    service = start(MAX_REQUESTS="1").wait_ready()
    head, body = post("/predict", EXPLAINED)
    with Wire(service) as first:
        first.sendall(head + body[:5])
        service.wait(lambda: service.metric("app_requests_in_progress") == 1)
        second = service.post("/predict", EXPLAINED)
        assert (second.status, second.code) == (503, "overloaded")
        assert second.headers["Retry-After"]
        assert service.get("/healthz").status == 200
        first.sendall(body[5:])
        assert first.answer()[0].status == 200
    assert service.post("/predict", EXPLAINED).status == 200


def test_a_stream_too_many_is_sent_away(start):
    service = start(MAX_SOCKETS="1").wait_ready()

    async def talk():
        address = f"http://127.0.0.1:{service.port}/ws"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as first:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(address)
            await first.send_str(json.dumps(TEXT))
            await first.receive_str(timeout=10)
            return refusal.value.status

    assert asyncio.run(talk()) == 503


def test_a_silent_stream_is_closed(start):
    service = start(SOCKET_IDLE_S="0.3").wait_ready()

    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{service.port}/ws") as ws:
            await ws.send_str(json.dumps(TEXT))
            await ws.receive_str(timeout=10)
            message = await ws.receive(timeout=10)
            return message.type, message.data

    assert asyncio.run(talk()) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.POLICY_VIOLATION)


async def send_for_ever(ws, message):
    while True:
        await ws.send_str(message)


def test_a_client_that_does_not_read_its_stream_is_not_read_and_then_cut_off(start):
    service = start(REQUEST_TIMEOUT_S="0.5").wait_ready()

    async def talk():
        async with aiohttp.ClientSession() as session:
            ws = await session.ws_connect(f"http://127.0.0.1:{service.port}/ws", heartbeat=None)
            ws._response.connection.transport.pause_reading()
            message = json.dumps({"text": "good and bad " * 500, "explain": True})
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(send_for_ever(ws, message), 60)

    asyncio.run(talk())
    service.wait(lambda: service.metric("app_sockets_open") == 0)


@pytest.mark.parametrize("explain", [False, True])
def test_of_a_long_text_the_beginning_is_scored(start, explain):
    service = start(MAX_TEXT_CHARACTERS="31").wait_ready()
    short = service.post("/predict", TEXT | {"explain": explain}).json()
    longer = {"text": TEXT["text"] + " Awful, a waste of money.", "explain": explain}
    answer = service.post("/predict", longer).json()
    assert answer == short | {"truncated": True}
    batch = service.post("/predict/batch", {"texts": [TEXT["text"], longer["text"]]}).json()
    assert [result["truncated"] for result in batch["results"]] == [False, True]
    assert batch["results"][0]["score"] == batch["results"][1]["score"] == short["score"]
    assert service.metric("app_truncated_count_total") == 2
    assert service.metric("app_text_characters_sum") == 2 * 31 + 2 * len(longer["text"])


def test_a_long_text_is_refused_where_that_is_wanted(start):
    service = start(MAX_TEXT_CHARACTERS="31", LONG_TEXTS="reject").wait_ready()
    assert service.post("/predict", TEXT).status == 200
    answer = service.post("/predict", {"text": TEXT["text"] + "!"})
    assert (answer.status, answer.code) == (413, "text_too_long")
    batch = service.post("/predict/batch", {"texts": [TEXT["text"], TEXT["text"] + "!"]}).json()
    assert [error["code"] for error in batch["errors"]] == ["text_too_long"]
    assert batch["results"][0] is not None


def test_an_answer_that_takes_too_long_is_given_up():
    released = threading.Event()

    class SlowScorer:
        def score_text(self, _text):
            released.wait(30)
            return 0.5, "neutral"

    model = ServedModel({"name": "slow", "version": None, "digest": "0" * 64}, "starter", SlowScorer())
    predictor = Predictor(TextLimit(100_000, "truncate", MissingTexts(())), timeout_s=0.05)
    try:
        with pytest.raises(AnswerTooSlow):
            asyncio.run(predictor.predict(model, "long " * 10_000, explain=False))
    finally:
        released.set()
