"""`sentiment load`: files into PostgreSQL by the code that the DAG runs."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from sentiment_core import ledger
from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.database import Connection, connect, database_errors
from sentiment_core.drop import Drop
from sentiment_core.loading import Loader, Outcome, Status
from sentiment_core.model import Model, open_model
from sentiment_core.registry import Registry
from sentiment_core.settings import Settings, settings
from sentiment_core.storage import Storage, s3_client


@click.command()
@click.argument("sources", metavar="PATH_OR_S3_URI...", nargs=-1, required=True)
@click.option(
    "--model",
    "bundle",
    type=click.Path(path_type=Path),
    help="Bundle to score with; else the champion, or the starter model where no MLflow is set.",
)
@click.option("--replace", is_flag=True, help="Read and score again what is loaded, and try again what was rejected.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def load(sources: tuple[str, ...], bundle: Path | None, replace: bool, as_json: bool) -> None:
    """Load review files into PostgreSQL, each entirely or not at all, and once.

    An S3 URI that ends in a slash means everything below it. Exit code 1 when a file is rejected.
    """
    config = settings()
    quiet = as_json or not sys.stderr.isatty()
    needs_s3 = any(source.startswith("s3://") for source in sources)
    storage = Storage(s3_client(config.s3_endpoint_url) if needs_s3 else None)
    drops = [drop for source in sources for drop in find_drops(storage, source)]
    with connect(config.require_database_url()) as connection:
        loader = Loader(connection, storage, choose_model(connection, config, bundle), config, command_run_id())
        outcomes = [
            load_drop(loader, drop, replace)
            for drop in track(drops, "Loading", console=Console(stderr=True), disable=quiet)
        ]
    if as_json:
        click.echo(json.dumps([outcome._asdict() for outcome in outcomes]))
    for outcome in outcomes if not as_json else ():
        print_outcome(outcome)
    sys.exit(any(outcome.status in (Status.REJECTED, Status.KEPT) for outcome in outcomes))


def find_drops(storage: Storage, source: str) -> list[Drop]:
    """Return the drops that a path, a URI, or a URI ending in a slash means."""
    if source.startswith("s3://") and source.endswith("/"):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        return list(storage.list(bucket, prefix))
    return [storage.find(source)]


def choose_model(connection: Connection, config: Settings, bundle: Path | None) -> Model:
    """Open the named bundle, else the champion, else (without a registry) the starter model."""
    if bundle is None and config.mlflow_tracking_uri:
        registry = Registry(config.mlflow_tracking_uri, config.model_name, config.model_cache)
        version, _ = registry.resolve(None)
        return open_model(connection, Bundle.load(registry.fetch(version).path), version)
    return open_model(connection, Bundle.load(bundle or config.bundle or STARTER))


def load_drop(loader: Loader, drop: Drop, replace: bool) -> Outcome:
    """Enter a drop in the ledger and load it."""
    with database_errors():
        with loader.connection, loader.connection.cursor() as cursor:
            ledger.register(cursor, [drop], loader.settings.incoming_prefix)
            source_file_id = ledger.find(cursor, drop)
        return loader.load(source_file_id, replace)


def command_run_id() -> str:
    """Name this call as the run of its batches, as Airflow names its runs."""
    return f"load__{datetime.now(UTC).isoformat(timespec='seconds')}__{os.getpid()}"


def print_outcome(outcome: Outcome) -> None:
    """Print what became of one file."""
    click.echo(
        f"{outcome.status:<9} {outcome.uri}: {outcome.rows_in:,} rows, {outcome.rows_scored:,} scored, "
        f"{outcome.rows_rejected:,} rejected, {outcome.rows_duplicate:,} duplicate"
    )
    if outcome.reason:
        click.echo(f"{'':<9} {outcome.reason}")
