"""`sentiment load`: files into PostgreSQL by the code that the DAG runs."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

import click
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from sentiment_core import ledger
from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.database import Connection, connect, database_errors
from sentiment_core.drop import Drop
from sentiment_core.errors import TransientError
from sentiment_core.ledger import SourceFile
from sentiment_core.loading import Loader, Outcome, Status
from sentiment_core.model import Model, open_model
from sentiment_core.progress import Progress, StoredProgress
from sentiment_core.registry import Registry
from sentiment_core.settings import Settings, settings
from sentiment_core.storage import Storage, s3_client

DAY = click.DateTime(["%Y-%m-%d"])


class ChosenModel(NamedTuple):
    """A model to score with, and whether the views are to show its scores."""

    model: Model
    champion: bool


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

    An S3 URI that ends in a slash means everything below it. Exit code 1 when a file is rejected, or fails for now,
    which does not keep back the others.
    """
    config = settings()
    storage = open_storage(config, sources)
    drops = [drop for source in sources for drop in find_drops(storage, source)]
    run_id = command_run_id("load")
    url = config.require_database_url()
    with connect(url) as connection, LoadingBar(drops, shown=not as_json) as bar:
        model = choose_model(connection, config, bundle).model
        progress = Both(StoredProgress(lambda: connect(url, "sentiment progress"), run_id), bar)
        loader = Loader(connection, storage, model, config, run_id, progress)
        outcomes, failed = [], None
        for drop in drops:
            try:
                outcomes.append(load_drop(loader, drop, replace))
            except TransientError as error:  # does not keep back the others
                failed = failed or error
            bar.finish(drop)
    if as_json:
        click.echo(json.dumps([outcome._asdict() for outcome in outcomes]))
    for outcome in outcomes if not as_json else ():
        print_outcome(outcome)
    if failed is not None:
        raise failed
    sys.exit(any(outcome.status in (Status.REJECTED, Status.KEPT) for outcome in outcomes))


class LoadingBar:
    """A bar on a terminal: how many bytes of all drops are read, and how many rows a second are written."""

    def __init__(self, drops: Sequence[Drop], shown: bool) -> None:
        console = Console(stderr=True)
        self._bar = ProgressBar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self._task = self._bar.add_task("Loading", total=sum(drop.size for drop in drops) or 1, rate="")
        self._finished = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Move the bar; the rate is that of the file that is being loaded."""
        elapsed = self._bar.tasks[0].elapsed or 0
        name = file.key.rpartition("/")[2]
        rate = f"{rows / elapsed:,.0f} rows/s" if elapsed and not self._finished else ""
        self._bar.update(self._task, completed=self._finished + bytes_read, description=name, rate=rate)

    def done(self, file: SourceFile) -> None:
        """Do nothing: `finish` tells of files that were not read, too."""

    def finish(self, drop: Drop) -> None:
        """Count a drop as done."""
        self._finished += drop.size
        self._bar.update(self._task, completed=self._finished)


class Both:
    """Tells two of a load's progress."""

    def __init__(self, *told: Progress) -> None:
        self._told = told

    def tell(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Tell both."""
        for each in self._told:
            each.tell(file, bytes_read, rows)

    def done(self, file: SourceFile) -> None:
        """Tell both that the load ended."""
        for each in self._told:
            each.done(file)


def open_storage(config: Settings, sources: Sequence[str] = ("s3://",)) -> Storage:
    """Return what opens these sources; S3 is asked for credentials only where one of them lies there."""
    needs_s3 = any(source.startswith("s3://") for source in sources)
    return Storage(s3_client(config.s3_endpoint_url) if needs_s3 else None)


def find_drops(storage: Storage, source: str) -> list[Drop]:
    """Return the drops that a path, a URI, or a URI ending in a slash means."""
    if source.startswith("s3://") and source.endswith("/"):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        return list(storage.list(bucket, prefix))
    return [storage.find(source)]


def choose_model(
    connection: Connection, config: Settings, bundle: Path | None, version: str | None = None
) -> ChosenModel:
    """Open the named bundle, else the named version or the champion, else (without a registry) the starter model."""
    if bundle is None and (config.mlflow_tracking_uri or version):
        registry = Registry(config.require_mlflow_tracking_uri(), config.model_name, config.model_cache)
        number, digest = registry.resolve(version)
        champion = version is None or digest == registry.champion_digest()
        return ChosenModel(open_model(connection, Bundle.load(registry.fetch(number).path), number), champion)
    return ChosenModel(open_model(connection, Bundle.load(bundle or config.bundle or STARTER)), bundle is None)


def load_drop(loader: Loader, drop: Drop, replace: bool) -> Outcome:
    """Enter a drop in the ledger and load it."""
    with database_errors():
        with loader.connection, loader.connection.cursor() as cursor:
            ledger.register(cursor, [drop], loader.settings.incoming_prefix)
            source_file_id = ledger.find(cursor, drop)
        return loader.load(source_file_id, replace)


def command_run_id(verb: str) -> str:
    """Name this call as the run of its batches, as Airflow names its runs."""
    return f"{verb}__{datetime.now(UTC).isoformat(timespec='seconds')}__{os.getpid()}"


def print_outcome(outcome: Outcome) -> None:
    """Print what became of one file."""
    counts = (
        f": {outcome.rows_in:,} rows, {outcome.rows_scored:,} scored, {outcome.rows_rejected:,} rejected, "
        f"{outcome.rows_duplicate:,} duplicate"
    )
    click.echo(f"{outcome.status:<9} {outcome.uri}{counts if outcome.rows_in else ''}")
    if outcome.reason:
        click.echo(f"{'':<9} {outcome.reason}")
