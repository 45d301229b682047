import asyncio
import json

import aiohttp

GOOD = {"text": "An excellent kettle, I love it."}


def stream(service, messages):
    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{service.port}/ws") as ws:
            for message in messages:
                await (ws.send_bytes if isinstance(message, bytes) else ws.send_str)(message)
            return [json.loads(await ws.receive_str(timeout=10)) for _ in messages]

    return asyncio.run(talk())


def test_results_come_in_order_and_equal_those_of_predict(service):
    texts = [{"text": f"Kettle number {number} is {'good' if number % 2 else 'awful'}."} for number in range(50)]
    expected = [service.post("/predict", text).json() for text in texts]
    assert stream(service, [json.dumps(text) for text in texts]) == expected


def test_a_bad_message_is_answered_and_the_stream_goes_on(service):
    good = json.dumps(GOOD)
    bad = ["{", '{"text": ""}', '{"text": "nan"}', '{"text": "\\ud83d"}', "[]", '{"words": "a"}', b'{"text": "binary"}']
    answers = stream(service, [good, *bad, good])
    assert [answer.get("code") for answer in answers] == [
        None,
        "malformed_json",
        "empty_text",
        "empty_text",
        "invalid_text",
        "wrong_type",
        "missing_text",
        "wrong_type",
        None,
    ]
    assert answers[0] == answers[-1] == service.post("/predict", GOOD).json()


def test_an_explanation_comes_over_the_stream_too(service):
    assert "explanation" in stream(service, [json.dumps(GOOD | {"explain": True})])[0]


def test_a_message_over_the_limit_closes_the_stream_with_its_code(service):
    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{service.port}/ws") as ws:
            await ws.send_str(json.dumps({"text": "a" * 1_100_000}))
            message = await ws.receive(timeout=10)
            return message.type, message.data

    # The service does not read the rest of the message. If the client is still sending it, TCP's reset can overtake
    # the code, so the client tries again.
    for _ in range(5):
        try:
            closed = asyncio.run(talk())
            break
        except ConnectionError:
            continue
    assert closed == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)


def test_a_stopping_service_says_good_bye(start):
    service = start().wait_ready()

    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{service.port}/ws") as ws:
            await ws.send_str(json.dumps(GOOD))
            await ws.receive_str(timeout=10)
            service.process.terminate()
            message = await ws.receive(timeout=10)
            return message.type, message.data

    assert asyncio.run(talk()) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
    assert service.process.wait(30) == 0
