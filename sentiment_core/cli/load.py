"""`sentiment load`: files into PostgreSQL by the code that the DAG runs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from sentiment_core.cli.common import choose_model, command_run_id, find_drops, open_storage, print_outcome
from sentiment_core.database.connection import connect
from sentiment_core.drops.contract import NO_DROPS
from sentiment_core.drops.drop import Drop
from sentiment_core.errors import TransientError
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading.loader import Loader, LoadOutcome, LoadStatus, load_drop
from sentiment_core.loading.progress import Progress, StoredProgress
from sentiment_core.settings import settings


@click.command()
@click.argument("sources", metavar="PATH_OR_S3_URI...", nargs=-1, required=True)
@click.option(
    "--model",
    "bundle",
    type=click.Path(path_type=Path),
    help="Bundle to score with.  [default: the champion, or the starter model without MLflow]",
)
@click.option("--replace", is_flag=True, help="Reload and rescore loaded files, and retry rejected ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def load(sources: tuple[str, ...], bundle: Path | None, replace: bool, as_json: bool) -> None:
    """Load review files into PostgreSQL, each file exactly once.

    A file is loaded entirely or not at all. A folder, or an S3 URI that ends in a slash, names every file below it.
    Exit code 1 if a file is rejected or a retry can succeed. The other files are loaded.
    """
    config = settings()
    storage = open_storage(config, sources)
    drops = [drop for source in sources for drop in find_drops(storage, source)]
    run_id = command_run_id("load")
    url = config.require_database_url()
    with connect(url) as connection, LoadingBar(drops, shown=not as_json) as bar:
        model = choose_model(connection, config, bundle).model
        progress = CombinedProgress(StoredProgress(lambda: connect(url, "sentiment progress"), run_id), bar)
        loader = Loader(connection, storage, model, config, run_id, progress)
        outcomes, failed = [], None
        for drop in drops:
            try:
                outcomes.append(load_drop(loader, drop, replace))
            except TransientError as error:  # the other files are loaded
                failed = failed or error
            bar.finish(drop)
    if as_json:
        click.echo(json.dumps([outcome._asdict() for outcome in outcomes]))
    for outcome in outcomes if not as_json else ():
        print_outcome(outcome)
    if failed is not None:
        raise failed
    if not outcomes and not as_json:
        click.echo(f"There is no file below {', '.join(sources)}.")
    sys.exit(any(map(failed_to_load, outcomes)))


def failed_to_load(outcome: LoadOutcome) -> bool:
    """Return whether a file has not become rows. An object that is no drop, such as a marker, does not count."""
    if outcome.status is LoadStatus.KEPT:
        return True
    return outcome.status is LoadStatus.REJECTED and outcome.reason.partition(":")[0] not in NO_DROPS


class LoadingBar:
    """A progress bar on a terminal: bytes read of all drops, and rows written per second."""

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

    def report(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Move the bar. The rate is that of the current file."""
        elapsed = self._bar.tasks[0].elapsed or 0
        name = file.key.rpartition("/")[2]
        rate = f"{rows / elapsed:,.0f} rows/s" if elapsed and not self._finished else ""
        self._bar.update(self._task, completed=self._finished + bytes_read, description=name, rate=rate)

    def done(self, file: SourceFile) -> None:
        """Do nothing. `finish` also counts files that were not read."""

    def finish(self, drop: Drop) -> None:
        """Count a drop as done."""
        self._finished += drop.size
        self._bar.update(self._task, completed=self._finished)


class CombinedProgress:
    """Forwards the progress of a load to several receivers."""

    def __init__(self, *receivers: Progress) -> None:
        self._receivers = receivers

    def report(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Forward the report."""
        for each in self._receivers:
            each.report(file, bytes_read, rows)

    def done(self, file: SourceFile) -> None:
        """Forward the end of the load."""
        for each in self._receivers:
            each.done(file)
