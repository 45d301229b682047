"""`sentiment label`: export reviews for labelling, and import their labels."""

import csv
import json
from datetime import datetime
from pathlib import Path

import click

from sentiment_core.cli.common import DAY, open_storage
from sentiment_core.cli.snapshot import as_json, params_option
from sentiment_core.database.connection import connect
from sentiment_core.datasets.active_learning import import_labels, least_certain, to_label
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.source_contract import NO_CONTRACT, Rules, read_contract_file
from sentiment_core.errors import OutputUnsupported
from sentiment_core.settings import settings

source_option = click.option("--source", default="", help="Source of the reviews.  [default: files without a source]")


@click.group()
def label() -> None:
    """Export uncertain reviews for labelling, and import their labels."""


@label.command()
@click.option("--since", type=DAY, required=True, help="First day of the reviews.")
@click.option("--until", type=DAY, help="Last day of the reviews.  [default: the first]")
@source_option
@click.option("--product", help="Product of the reviews.  [default: all]")
@click.option("--each", type=click.IntRange(1), default=10, show_default=True, help="Reviews per day and product.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="CSV file to write.")
@params_option
@as_json
def export(
    since: datetime,
    until: datetime | None,
    source: str,
    product: str | None,
    each: int,
    out: Path,
    params: Path | None,
    as_json: bool,
) -> None:
    """Write the reviews that the model is least certain about into a CSV file with an empty label column."""
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415 - only the extra `train` can read it

    config = settings()
    configuration = Params.load(params or DEFAULTS)
    days = since.date(), (until or since).date()
    with connect(config.require_database_url()) as connection, connection, connection.cursor() as cursor:
        found = least_certain(cursor, source, *days, product, each, configuration.snapshot.group_column)
    try:
        with out.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows(to_label(found, config, configuration))
    except OSError as error:
        raise OutputUnsupported(path=out, why=error.strerror or str(error)) from error
    click.echo(json.dumps({"reviews": len(found)}) if as_json else f"{len(found):,} reviews to label: {out}")


@label.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@source_option
@params_option
@click.option(
    "--contract", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Contract of the file, as YAML."
)
@as_json
def import_file(file: Path, source: str, params: Path | None, contract: Path | None, as_json: bool) -> None:
    """Store the labelled rows of the CSV file FILE below the training prefix. Exit code 1 when a row is rejected."""
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415 - only the extra `train` can read it

    config = settings()
    configuration = Params.load(params or DEFAULTS)
    rules = Rules(config, read_contract_file(contract) if contract else NO_CONTRACT)
    with connect(config.require_database_url()) as connection:
        done = import_labels(connection, open_storage(config), rules, configuration, local_drop(file), source)
    if as_json:
        click.echo(json.dumps(done._asdict()))
    else:
        where = (
            "nothing was stored"
            if done.uri is None
            else f"{'stored as' if done.new else 'already stored as'} {done.uri}"
        )
        click.echo(f"{done.labelled:,} of {done.rows:,} rows are labelled: {where}")
        for code, rows in done.rejected.items():
            click.echo(f"{rows:,} rows rejected: {code}")
    if done.rejected:
        raise SystemExit(1)
