"""A minimal aiohttp service: it parses the JSON and answers with a constant."""

import asyncio
import sys

import orjson
import uvloop
from aiohttp import web

ANSWER = orjson.dumps(
    {
        "label": "positive",
        "sentiment": 1,
        "score": 0.9712345678901234,
        "probabilities": {"negative": 0.0287654321098766, "positive": 0.9712345678901234},
        "unfamiliar": False,
        "mixed": False,
        "language": {"detected": "en", "certainty": 0.9999283, "standing": "supported"},
        "model": {"name": "sentiment", "version": None, "digest": "0" * 64},
        "truncated": False,
    }
)


async def predict(request: web.Request) -> web.Response:
    """Parse the body and answer."""
    orjson.loads(await request.read())
    return web.Response(body=ANSWER, content_type="application/json")


async def serve(port: int) -> None:
    """Serve until the process ends."""
    app = web.Application()
    app.add_routes([web.post("/predict", predict)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
