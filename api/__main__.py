"""Run the service: `python -m api`.

SIGTERM fails the readiness first and serves on for `SENTIMENT_API_DRAIN_S`, so that a balancer sends no more; then
requests in flight are finished. Ctrl-C, or a second SIGTERM, skips the wait.
"""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack, suppress

from aiohttp import web

from api.contract.errors import AddressTaken
from api.contract.settings import ServiceSettings, settings
from api.endpoints.probes import STOPPING
from api.http.connection import Runner
from api.observability import logs
from api.observability.metrics import METRICS
from api.server.app import create_app, create_probes
from api.server.fast_path import USUAL
from sentiment_core.errors import SettingInvalid

log = logging.getLogger("api")

# The event loop waits at most so long for the thread of large requests to hand the interpreter over; Python's 5 ms are
# longer than a hundred predictions take.
_SWITCH_S = 0.0001


async def serve(chosen: ServiceSettings) -> None:
    """Serve until a signal says to stop."""
    app = create_app(chosen)
    runner = Runner(app, app[USUAL], chosen, app[METRICS])
    async with AsyncExitStack() as running:
        running.push_async_callback(runner.cleanup)
        await runner.setup()
        if chosen.api_probes_port is not None:
            probes = web.AppRunner(create_probes(app), access_log=None)
            running.push_async_callback(probes.cleanup)
            await probes.setup()
            await _listen(probes, chosen.api_host, chosen.api_probes_port, "probes listening")
        await _listen(runner, chosen.api_host, chosen.api_port, "listening")
        await _until_stopped(app[STOPPING], chosen.api_drain_s)


async def _listen(runner: web.AppRunner, host: str, port: int, event: str) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise AddressTaken(address=f"{host}:{port}", why=error.strerror or str(error)) from error
    log.info(event, extra={"address": [f"{host}:{port}" for host, port, *_ in runner.addresses]})


async def _until_stopped(stopping: asyncio.Event, drain_s: float) -> None:
    at_once = asyncio.Event()

    def terminate() -> None:
        (at_once if stopping.is_set() else stopping).set()

    def interrupt() -> None:
        stopping.set()
        at_once.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, terminate)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    await stopping.wait()
    log.info("stopping", extra={"drain_s": drain_s})
    with suppress(TimeoutError):
        await asyncio.wait_for(at_once.wait(), drain_s)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 -- there is none for some systems
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main() -> int:
    """Run the service and return its exit code."""
    logs.set_up()
    sys.setswitchinterval(_SWITCH_S)
    try:
        chosen = settings()
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(serve(chosen))
    except (AddressTaken, SettingInvalid) as error:
        log.error("cannot start", extra={"code": error.code, "detail": str(error)})  # noqa: TRY400 -- it says all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
