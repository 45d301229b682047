"""`sentiment erase`: reviews erased on request, for good."""

import json

import click

from sentiment_core.cli.common import open_storage
from sentiment_core.database.connection import connect
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.ledger import erasure
from sentiment_core.settings import settings

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
source_option = click.option("--source", default="", help="Source of the id.  [default: files without a source]")
database_only_option = click.option(
    "--database-only", is_flag=True, help="Skip snapshots. Use this only if there is no object store."
)


@click.group()
def erase() -> None:
    """Erase reviews on request. Requires SENTIMENT_ERASURE_KEY, and so do all later loads."""


@erase.command()
@click.argument("review_id")
@source_option
@database_only_option
@as_json
def review(review_id: str, source: str, database_only: bool, as_json: bool) -> None:
    """Erase all versions of the review REVIEW_ID. Later loads reject it."""
    _erase("review", source, review_id, database_only, as_json)


@erase.command()
@click.argument("author_id")
@source_option
@database_only_option
@as_json
def author(author_id: str, source: str, database_only: bool, as_json: bool) -> None:
    """Erase all reviews of the author AUTHOR_ID. Later loads reject them."""
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
        click.echo(f"{done.snapshots:,} snapshots lost rows. Their models can no longer be rebuilt.")
    if done.other_sources:
        others = ", ".join(repr(name) for name in done.other_sources)
        click.echo(f"The same id also exists in other sources ({others}). Nothing was erased there.")
