"""`sentiment validate`: the whole contract on files, and nothing written."""

import json
import sys
from pathlib import Path

import click

from sentiment_core.cli.common import find_drops, is_folder, open_storage, write_output
from sentiment_core.cli.contract_options import ContractChoice, contract_options
from sentiment_core.cli.index_page import html_page, print_index
from sentiment_core.drops.drop_index import index_of, shown_review
from sentiment_core.drops.dry_run import DryRunReport, dry_run
from sentiment_core.drops.reading import summary
from sentiment_core.settings import settings

SHOWN_BYTES = 120  # of a rejected row


@click.command()
@click.argument("sources", metavar="PATH_OR_S3_URI...", nargs=-1, required=True)
@contract_options
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write the index as an HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def validate(sources: tuple[str, ...], html: Path | None, as_json: bool, choice: ContractChoice) -> None:
    """Check review files against the drop contract without loading them.

    A folder names all files in it, and an S3 URI that ends in a slash every object below it. The report is then an
    index: files, rows, columns as understood, warnings and sample rows. Exit code 1 if a file or a row would be
    rejected.
    """
    config = settings()
    storage = open_storage(config, sources)
    drops = [drop for source in sources for drop in find_drops(storage, source)]
    reports = [dry_run(storage, drop, choice.rules(config, drop)) for drop in drops]
    index = index_of(reports)
    if html is not None:
        write_output(html, html_page(index))
    indexed = any(map(is_folder, sources))
    if as_json:
        documents = [as_document(report) for report in reports]
        click.echo(json.dumps({"index": index.document(), "files": documents} if indexed else documents))
    elif indexed:
        print_index(index)
    else:
        for report in reports:
            print_verdict(report)
    sys.exit(bool(index.rejected or index.faulty))


def as_document(verdict: DryRunReport) -> dict[str, object]:
    """Return a verdict as JSON has it: rejected rows by code, with the lines of the first few."""
    rejected = {
        code: {"rows": faults.rows, "lines": [row.line for row in faults.first], "reason": faults.first[0].reason}
        for code, faults in verdict.rejected.items()
    }
    return verdict._asdict() | {"rejected": rejected, "rows": [shown_review(row) for row in verdict.rows]}


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
