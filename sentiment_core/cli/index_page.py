"""The index of drops on one page: as text, and as HTML."""

from pathlib import Path

import click

from sentiment_core.drops.drop_index import DropIndex, FileGroup, shown_review
from sentiment_core.errors import OutputUnsupported

TEMPLATE = Path(__file__).with_name("drop_index.html")
SHOWN_FILES = 5  # of each list
SHOWN_CHARACTERS = 100  # of a value


def print_index(index: DropIndex) -> None:
    """Print an index."""
    click.echo(", ".join(f"{value:,} {name}" for name, value, _ in _sums(index)))
    for report in index.rejected[:SHOWN_FILES]:
        click.echo(f"rejected  {report.uri}: {report.reject_code}: {report.reject_reason}")
    _more(len(index.rejected), "rejected files")
    for each in index.rejected_rows:
        click.echo(
            f"{each.rows:,} rows would be rejected: {each.code}, first line {each.line} of {each.uri}: {each.reason}"
        )
    for group in index.groups:
        _print_group(group)
    if index.ignored:
        click.echo(f"\nnot drops: {len(index.ignored):,}, such as {index.ignored[0].uri}")


def _print_group(group: FileGroup) -> None:
    click.echo(f"\n{len(group.files):,} {'file' if len(group.files) == 1 else 'files'}: {group.form}")
    click.echo(f"  columns: {group.columns}")
    for warning, files in group.warnings.items():
        click.echo(f"  warning{f' ({files:,} files)' if files > 1 else ''}: {warning}")
    for report in group.files[:SHOWN_FILES]:
        click.echo(f"  {report.uri}: {report.rows_in:,} rows, {report.rows_good:,} good")
    _more(len(group.files), "files")
    for number, row in enumerate(group.rows, 1):
        fields = (f"{name}: {value[:SHOWN_CHARACTERS]!r}" for name, value in shown_review(row).items())
        click.echo(f"  row {number}  {', '.join(fields)}")


def _more(count: int, what: str) -> None:
    if count > SHOWN_FILES:
        click.echo(f"  and {count - SHOWN_FILES:,} more {what}; --json lists them all")


def _sums(index: DropIndex) -> list[tuple[str, int, str]]:
    """Return the name of each sum, its value, and its tone if it is not 0."""
    return [
        ("files", index.files, ""),
        ("good files", index.good, "good"),
        ("files with rejected rows", index.faulty, "bad"),
        ("rejected files", len(index.rejected), "bad"),
        ("rows", index.rows, ""),
        ("good rows", index.rows_good, "good"),
        ("duplicate rows", index.rows_duplicate, ""),
        ("rejected rows", index.rows_rejected, "bad"),
    ]


def html_page(index: DropIndex) -> str:
    """Return an index as an HTML page without scripts. Raises `OutputUnsupported` when Jinja is not installed."""
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only for this page
    except ImportError as error:
        raise OutputUnsupported(path="the page", why="HTML needs jinja2. Install it, or use --json") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    return template.render(index=index, sums=_sums(index), names=_names, rows=_rows)


def _rows(group: FileGroup) -> list[dict[str, str]]:
    return [shown_review(row) for row in group.rows]


def _names(group: FileGroup) -> list[str]:
    """Return the fields that any sample row has, in the order of the review's fields."""
    return list(dict.fromkeys(name for row in _rows(group) for name in row))
