"""`sentiment db`: the schema and the proof that what it holds is consistent."""

import json
import sys

import click

from sentiment_core.database.connection import connect
from sentiment_core.database.schema import schema_status, wait_for_schema
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from sentiment_core.settings import settings

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@click.group()
def db() -> None:
    """Create, upgrade and verify the database schema."""


@db.command()
@as_json
def upgrade(as_json: bool) -> None:
    """Bring the schema to what this release needs. Safe to run again, and by several at once."""
    from sentiment_core.database import migrations  # noqa: PLC0415 -- `status` is also asked where there is no Alembic

    url = settings().require_database_url()
    migrations.upgrade(url)
    found = schema_status(url)
    if as_json:
        click.echo(json.dumps({"revision": found.found}))
        return
    ahead = f", which is newer than the {found.needed} of this release: nothing was done" if found.ahead else ""
    click.echo(f"The schema is at revision {found.found}{ahead}.")


@db.command()
@click.option("--wait", type=click.FloatRange(min=0), default=0, metavar="SECONDS", help="Wait until it is current.")
@click.option("--if-reachable", is_flag=True, help="Do not wait for a database that tells nothing; exit code 0.")
@as_json
def status(wait: float, if_reachable: bool, as_json: bool) -> None:
    """Tell whether the schema is what this release needs, or newer; exit code 1 when it is not."""
    url = settings().require_database_url()
    try:
        found = wait_for_schema(url, wait, if_reachable=if_reachable) if wait else schema_status(url)
    except (DatabaseUnavailable, DatabaseRefused) as error:
        if not if_reachable:
            raise
        click.echo(f"Not known: {error}", err=True)
        return
    if as_json:
        click.echo(json.dumps({"found": found.found, "needed": found.needed, "current": found.current}))
        sys.exit(not found.current)
    if not found.current:
        raise SchemaOutdated(found=found.found or "none", needed=found.needed)
    needed = f"newer than the {found.needed} of" if found.ahead else "as it is needed by"
    click.echo(f"The schema is at revision {found.found}, {needed} this release.")


@db.command()
@as_json
def verify(as_json: bool) -> None:
    """Prove that the ledger and the stored rows agree; exit code 1 with each finding when they do not."""
    from sentiment_core.ledger import verification  # noqa: PLC0415

    with connect(settings().require_database_url()) as connection:
        findings = verification.verify(connection)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings]))
    for finding in findings if not as_json else ():
        click.echo(f"Broken: {finding.check}: file {finding.source_file_id}: {finding.detail}")
    if not findings and not as_json:
        click.echo(f"All {len(verification.CHECKS)} checks hold.")
    sys.exit(bool(findings))
