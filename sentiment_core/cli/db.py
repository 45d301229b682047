"""`sentiment db`: create, upgrade and verify the schema."""

import json
import sys

import click

from sentiment_core.database.connection import connect
from sentiment_core.database.schema import schema_status, wait_for_schema
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from sentiment_core.settings import settings

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group()
def db() -> None:
    """Create, upgrade and verify the database schema."""


@db.command()
@as_json
def upgrade(as_json: bool) -> None:
    """Upgrade the schema to the revision that this release needs, and rebuild the sums of the views if they are stale.

    The command is idempotent. Several processes can run it at the same time.
    """
    from sentiment_core.database import migrations  # noqa: PLC0415 -- `status` must run without Alembic
    from sentiment_core.ledger.rollup_rebuild import rebuild_stale_rollups  # noqa: PLC0415

    url = settings().require_database_url()
    migrations.upgrade(url)
    found = schema_status(url)
    if not found.ahead:
        with connect(url) as connection:
            rebuild_stale_rollups(connection, settings())
    if as_json:
        click.echo(json.dumps({"revision": found.found}))
        return
    ahead = f". This release needs {found.needed}, which is older, so nothing was changed" if found.ahead else ""
    click.echo(f"The schema is at revision {found.found}{ahead}.")


@db.command()
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Wait up to this long until the schema is current.",
)
@click.option("--if-reachable", is_flag=True, help="Exit with code 0 if the database does not answer.")
@as_json
def status(wait: float, if_reachable: bool, as_json: bool) -> None:
    """Show whether the schema has the revision that this release needs, or a newer one. Exit code 1 if not."""
    url = settings().require_database_url()
    try:
        found = wait_for_schema(url, wait, if_reachable=if_reachable) if wait else schema_status(url)
    except (DatabaseUnavailable, DatabaseRefused) as error:
        if not if_reachable:
            raise
        click.echo(f"Schema revision unknown: {error}", err=True)
        return
    if as_json:
        click.echo(json.dumps({"found": found.found, "needed": found.needed, "current": found.current}))
        sys.exit(not found.current)
    if not found.current:
        raise SchemaOutdated(found=found.found or "none", needed=found.needed)
    needed = f"This release needs {found.needed} or newer." if found.ahead else "This release needs this revision."
    click.echo(f"The schema is at revision {found.found}. {needed}")


@db.command()
@as_json
def verify(as_json: bool) -> None:
    """Check that the ledger and the stored rows agree, and list all violations. Exit code 1 if any."""
    from sentiment_core.ledger import verification  # noqa: PLC0415

    with connect(settings().require_database_url()) as connection:
        findings = verification.verify(connection)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings]))
    for finding in findings if not as_json else ():
        where = "" if finding.source_file_id is None else f"file {finding.source_file_id}: "
        click.echo(f"Broken: {finding.check}: {where}{finding.detail}")
    if not findings and not as_json:
        click.echo(f"All {len(verification.CHECKS)} checks hold.")
    sys.exit(bool(findings))
