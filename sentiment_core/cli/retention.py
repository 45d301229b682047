"""`sentiment erase` and `sentiment expire`: what must go, goes, and does not come back."""

import json

import click

from sentiment_core.cli.common import open_storage
from sentiment_core.database.connection import connect
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.ledger import erasure, retention
from sentiment_core.settings import settings

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
source_option = click.option(
    "--source", default="", help="Source that the id belongs to.  [default: the files without one]"
)
database_only_option = click.option(
    "--database-only", is_flag=True, help="Look for no snapshots: there is no object store, and so there are none."
)


@click.group()
def erase() -> None:
    """Erase reviews on request. Needs SENTIMENT_ERASURE_KEY, and so does every load from then on."""


@erase.command()
@click.argument("review_id")
@source_option
@database_only_option
@as_json
def review(review_id: str, source: str, database_only: bool, as_json: bool) -> None:
    """Erase the review REVIEW_ID, in all its versions, and keep it from coming back."""
    _erase("review", source, review_id, database_only, as_json)


@erase.command()
@click.argument("author_id")
@source_option
@database_only_option
@as_json
def author(author_id: str, source: str, database_only: bool, as_json: bool) -> None:
    """Erase all reviews of the author AUTHOR_ID, and keep them from coming back."""
    _erase("author", source, author_id, database_only, as_json)


def _erase(kind: erasure.ErasureKind, source: str, identifier: str, database_only: bool, as_json: bool) -> None:
    config = settings()
    with connect(config.require_database_url()) as connection:
        elsewhere = () if database_only else (SnapshotStore.of(open_storage(config), config).erase,)
        done = erasure.erase(connection, config, kind, source, identifier, *elsewhere)
    if as_json:
        click.echo(json.dumps(done._asdict()))
        return
    click.echo(
        f"Erased: {done.reviews:,} stored reviews, the bytes of {done.rejected_rows:,} rejected rows,"
        f" {done.feedback:,} corrections of the same texts."
    )
    if done.snapshots:
        click.echo(f"{done.snapshots:,} snapshots lost rows by it: models of them can no longer be rebuilt.")
    if done.other_sources:
        others = ", ".join(repr(name) for name in done.other_sources)
        click.echo(f"The same id also stands in other sources ({others}); nothing was erased there.")


@click.command()
@click.option("--before", metavar="YYYY-MM", required=True, help="First month that is kept.")
@click.option("--dry-run", is_flag=True, help="Only tell which months would be dropped.")
@as_json
def expire(before: str, dry_run: bool, as_json: bool) -> None:
    """Drop the reviews and scores of all months before a month. The ledger stays, and their files are not taken again.

    Needs the rights of the schema's owner. Waits for loads that are under way.
    """
    config = settings()
    month = retention.parse_month(before)
    with connect(config.require_database_url()) as connection:
        months = retention.months_before(connection, month)
        dropped = [] if dry_run else [retention.expire(connection, config, each) for each in months]
    if as_json:
        told = [entry._asdict() | {"month": f"{entry.month:%Y-%m}"} for entry in dropped]
        click.echo(json.dumps({"months": [f"{each:%Y-%m}" for each in months], "dropped": told}))
        return
    for each in months if dry_run else ():
        click.echo(f"{each:%Y-%m} would be dropped")
    for entry in dropped:
        click.echo(f"{entry.month:%Y-%m} dropped: {entry.rows:,} reviews of {entry.files:,} files")
    if not months:
        click.echo(f"There are no reviews from before {before}.")
