"""The verb `sentiment score`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from sentiment_core.cli.contract_options import ContractChoice, contract_options
from sentiment_core.loading import score_file
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import settings


@click.command
@click.argument("path", metavar="IN.csv", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A .csv or .parquet file.")
@click.option(
    "--model",
    type=click.Path(path_type=Path, file_okay=False),
    default=STARTER,
    help="Bundle to score with.  [default: the starter model]",
)
@click.option(
    "--explain",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Add the N n-grams that contributed most to each score.",
)
@click.option("--threads", type=click.IntRange(1), default=os.cpu_count(), help="[default: one per processor]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@contract_options
def score(
    path: Path, out: Path, model: Path, explain: int, threads: int, as_json: bool, choice: ContractChoice
) -> None:
    """Score a file of reviews into a CSV or Parquet file that keeps all its columns."""
    scorer = Scorer(Bundle.load(model))
    with _progress(path) as progress:
        done = score_file.score_file(path, out, scorer, choice.rules(settings()), explain, threads, progress)
    if as_json:
        counts = done._asdict() | {"rejected_path": done.rejected_path and str(done.rejected_path)}
        click.echo(json.dumps(counts | {"digest": scorer.bundle.digest, "out": str(out)}))
        return
    click.echo(f"{done.rows_scored:,} of {done.rows_in:,} rows scored into {out}")
    if done.rejected_path:
        codes = ", ".join(f"{count:,} {code}" for code, count in done.rejected.items())
        click.echo(
            f"{sum(done.rejected.values()):,} rows rejected ({codes}); they are in {done.rejected_path}", err=True
        )


@contextmanager
def _progress(source: Path) -> Iterator[score_file.ProgressCallback]:
    """Show how much of the file is done, on a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(source.name, total=source.stat().st_size, rate="")

        def show(read: int, rows: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            rate = f"{rows / elapsed:,.0f} rows/s" if elapsed else ""
            bar.update(task, completed=read, rate=rate)

        yield show
