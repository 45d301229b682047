"""Run the insights page: `python -m insights`. SIGTERM and Ctrl-C finish the requests in progress and end it."""

import asyncio
import logging
import signal
import sys

from aiohttp import web

from insights.app import Insights
from insights.settings import InsightsSettings, settings
from sentiment_core.errors import AddressTaken, SettingInvalid, SettingMissing
from sentiment_core.json_logs import JsonFormatter

log = logging.getLogger("insights")


async def serve(chosen: InsightsSettings, stopping: asyncio.Event) -> None:
    """Serve until the event is set. Raises `AddressTaken` and `SettingMissing`."""
    insights = Insights(chosen)
    runner = web.AppRunner(insights.app(), access_log=None, shutdown_timeout=2 * chosen.insights_statement_timeout_s)
    try:
        await runner.setup()
        await _listen(runner, chosen.insights_host, chosen.insights_port)
        log.info("listening", extra={"address": [f"{host}:{port}" for host, port, *_ in runner.addresses]})
        await stopping.wait()
    finally:
        await runner.cleanup()
        insights.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise AddressTaken(address=f"{host}:{port}", why=error.strerror or str(error)) from error


async def _serve_until_signalled(chosen: InsightsSettings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(chosen, stopping)


def main() -> int:
    """Run the page and return its exit code."""
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[output], force=True)
    try:
        asyncio.run(_serve_until_signalled(settings()))
    except (AddressTaken, SettingInvalid, SettingMissing) as error:
        log.error("cannot start", extra={"code": error.code, "detail": str(error)})  # noqa: TRY400 -- the message is complete
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
