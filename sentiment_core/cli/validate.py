"""`sentiment validate`: the whole contract on a file, and nothing written."""

import json
import sys

import click

from sentiment_core.cli.common import find_drops, open_storage
from sentiment_core.drops.dry_run import DryRunReport, dry_run
from sentiment_core.drops.reading import summary
from sentiment_core.settings import settings

SHOWN_BYTES = 120  # of a rejected row


@click.command()
@click.argument("sources", metavar="PATH_OR_S3_URI...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def validate(sources: tuple[str, ...], as_json: bool) -> None:
    """Check review files against the drop contract without loading them.

    An S3 URI that ends in a slash names every object below it. Exit code 1 if a file or a row would be rejected.
    """
    config = settings()
    storage = open_storage(config, sources)
    verdicts = [dry_run(storage, drop, config) for source in sources for drop in find_drops(storage, source)]
    if as_json:
        click.echo(json.dumps([as_document(verdict) for verdict in verdicts]))
    for verdict in verdicts if not as_json else ():
        print_verdict(verdict)
    sys.exit(not all(verdict.perfect for verdict in verdicts))


def as_document(verdict: DryRunReport) -> dict[str, object]:
    """Return a verdict as JSON has it: rejected rows by code, with the lines of the first few."""
    rejected = {
        code: {"rows": faults.rows, "lines": [row.line for row in faults.first], "reason": faults.first[0].reason}
        for code, faults in verdict.rejected.items()
    }
    return verdict._asdict() | {"rejected": rejected}


def print_verdict(verdict: DryRunReport) -> None:
    """Print what a load of one file would make of it."""
    if verdict.reject_code is not None:
        click.echo(f"rejected  {verdict.uri}: {verdict.reject_code}: {verdict.reject_reason}")
    else:
        click.echo(
            f"{'good' if verdict.perfect else 'has faults':<10} {verdict.uri}: {verdict.rows_in:,} rows,"
            f" {verdict.rows_good:,} good, {verdict.rows_duplicate:,} duplicate"
        )
    if verdict.reading is not None:
        click.echo(f"           read as: {summary(verdict.reading)}")
    if verdict.text_column:
        known, extra = (", ".join(names) or "none" for names in (verdict.known_columns, verdict.extra_columns))
        click.echo(f"           text: {verdict.text_column}; known: {known}; extra: {extra}")
    for warning in verdict.warnings:
        click.echo(f"           warning: {warning}")
    if verdict.rows_nulled:
        click.echo(f"           {verdict.rows_nulled:,} rows with a rating or time that would be null")
    for code, faults in verdict.rejected.items():
        click.echo(f"           {faults.rows:,} rows would be rejected: {code}")
        for row in faults.first:
            shown = (row.raw or b"").decode("utf-8", "backslashreplace")
            click.echo(f"             line {row.line}: {row.reason}: {shown[:SHOWN_BYTES]!r}")
