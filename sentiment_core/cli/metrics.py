"""`sentiment metrics`: Prometheus metrics of the ledger, over HTTP."""

import signal
import sys
import threading

import click
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.exposition import generate_latest

from sentiment_core.ledger.metrics import LedgerMetrics
from sentiment_core.settings import settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=9187, show_default=True, help="Port to listen on.")
@click.option(
    "--verify-every",
    type=click.FloatRange(min=0),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="Time between two verifications of the ledger, which read every stored row. 0: none.",
)
@click.option("--once", is_flag=True, help="Print the metrics and exit.")
def metrics(host: str, port: int, verify_every: float, once: bool) -> None:
    """Serve Prometheus metrics of the database.

    They cover files and rows by outcome, deadlines, drift, sizes and the verification of the ledger. The user of
    SENTIMENT_DATABASE_URL needs only the role sentiment_reader.
    """
    collector = LedgerMetrics(settings().require_database_url())
    registry = CollectorRegistry()
    registry.register(collector)
    if once:
        if verify_every:
            collector.verify()
        click.echo(generate_latest(registry).decode(), nl=False)
        return
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise click.ClickException(
            f"Port {port} of {host} is not available: {error.strerror}. Choose --port."
        ) from error
    click.echo(f"Metrics: http://{host}:{port}/metrics", err=True)
    _verify_until(stopped, collector, verify_every * 3600)
    server.shutdown()
    thread.join()
    sys.exit(0)


def _verify_until(stopped: threading.Event, collector: LedgerMetrics, every_s: float) -> None:
    """Verify immediately and then every so many seconds, in a thread that the end of the process does not wait for."""

    def verify() -> None:
        collector.verify()
        while not stopped.wait(every_s):
            collector.verify()

    if every_s:
        threading.Thread(target=verify, daemon=True).start()
    stopped.wait()
