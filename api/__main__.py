"""Run the service: `python -m api`.

SIGTERM first fails the readiness and continues to serve for `SENTIMENT_API_DRAIN_S`, so that a balancer sends no more
requests. Then requests in progress are finished. Ctrl-C, or a second SIGTERM, skips the wait.
"""

import asyncio
import logging
import signal
import sys
from contextlib import suppress

from api.contract.settings import ServiceSettings, settings
from api.observability import logs
from api.server.service import Service
from sentiment_core.errors import AddressTaken, SettingInvalid

log = logging.getLogger("api")

# Longest wait of the event loop for the thread of large requests to release the interpreter. Python waits 5 ms: longer
# than a hundred predictions take.
_SWITCH_S = 0.0001


async def serve(chosen: ServiceSettings, output: logs.LogOutput) -> None:
    """Serve until a signal says to stop."""
    service = Service(chosen, output)
    try:
        await service.start()
        await _until_stopped(service.stopping, chosen.api_drain_s)
    finally:
        await service.stop()


async def _until_stopped(stopping: asyncio.Event, drain_s: float) -> None:
    skip_drain = asyncio.Event()

    def terminate() -> None:
        (skip_drain if stopping.is_set() else stopping).set()

    def interrupt() -> None:
        stopping.set()
        skip_drain.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, terminate)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    await stopping.wait()
    log.info("stopping", extra={"drain_s": drain_s})
    with suppress(TimeoutError):
        await asyncio.wait_for(skip_drain.wait(), drain_s)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 -- not available on some systems
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main() -> int:
    """Run the service and return its exit code."""
    with logs.set_up() as output:
        sys.setswitchinterval(_SWITCH_S)
        try:
            chosen = settings()
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(serve(chosen, output))
        except (AddressTaken, SettingInvalid) as error:
            log.error("cannot start", extra={"code": error.code, "detail": str(error)})  # noqa: TRY400 -- the message is complete
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
