"""`sentiment rescore`: another model's scores for stored reviews, without the object store."""

import json
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from sentiment_core.cli.common import DAY, choose_model, command_run_id, print_outcome
from sentiment_core.database.connection import connect, database_errors
from sentiment_core.ledger.source_files import loaded_files
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.settings import settings


@click.command()
@click.option("--model-version", help="Version or alias of the registered model.  [default: the champion]")
@click.option("--model", "bundle", type=click.Path(path_type=Path), help="Bundle instead of a registered version.")
@click.option("--since", type=DAY, required=True, help="First day of the files.")
@click.option("--until", type=DAY, required=True, help="Last day of the files.")
@click.option(
    "--make-current", is_flag=True, help="Let the views show these scores even if the model is not the champion."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def rescore(
    model_version: str | None,
    bundle: Path | None,
    since: datetime,
    until: datetime,
    make_current: bool,
    as_json: bool,
) -> None:
    """Score stored reviews with another model, from their stored text.

    Rows that the model has already scored are skipped. The scores of all models are kept. The views show the champion's
    scores as soon as it has scored the file.
    """
    config = settings()
    quiet = as_json or not Console(stderr=True).is_terminal
    with connect(config.require_database_url()) as connection, database_errors():
        chosen = choose_model(connection, config, bundle, model_version)
        rescorer = Rescorer(connection, chosen.model, config, command_run_id("rescore"))
        files = loaded_files(connection, since.date(), until.date())
        outcomes = [
            rescorer.rescore(source_file_id, make_current or chosen.champion)
            for source_file_id in track(files, "Rescoring", console=Console(stderr=True), disable=quiet)
        ]
    if as_json:
        click.echo(json.dumps([outcome._asdict() for outcome in outcomes]))
        return
    for outcome in outcomes:
        print_outcome(outcome)
    if not outcomes:
        click.echo("No file of these days has been loaded.")
