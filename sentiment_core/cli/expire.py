"""`sentiment expire`: old months dropped."""

import json

import click

from sentiment_core.database.connection import connect
from sentiment_core.ledger import retention
from sentiment_core.settings import settings


@click.command()
@click.option("--before", metavar="YYYY-MM", required=True, help="First month to keep.")
@click.option("--dry-run", is_flag=True, help="Only list the months that would be dropped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def expire(before: str, dry_run: bool, as_json: bool) -> None:
    """Drop the reviews and scores of all months before a month. The ledger is kept.

    Later loads reject files of these months. The database user must own the schema. The command waits for running
    loads.
    """
    config = settings()
    month = retention.parse_month(before)
    with connect(config.require_database_url()) as connection:
        months = retention.months_before(connection, month)
        dropped = [] if dry_run else [retention.expire(connection, config, each) for each in months]
    if as_json:
        documents = [entry._asdict() | {"month": f"{entry.month:%Y-%m}"} for entry in dropped]
        click.echo(json.dumps({"months": [f"{each:%Y-%m}" for each in months], "dropped": documents}))
        return
    for each in months if dry_run else ():
        click.echo(f"{each:%Y-%m} would be dropped")
    for entry in dropped:
        click.echo(f"{entry.month:%Y-%m} dropped: {entry.rows:,} reviews of {entry.files:,} files")
    if not months:
        click.echo(f"There are no reviews of months before {before}.")
