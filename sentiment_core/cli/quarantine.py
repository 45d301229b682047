"""`sentiment quarantine`: what was rejected, and taking it in after all."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sentiment_core.cli.common import DAY, choose_model, command_run_id, open_storage, print_outcome
from sentiment_core.cli.tables import is_terminal, print_table
from sentiment_core.database.connection import connect, database_errors
from sentiment_core.drops.contract import RejectCode
from sentiment_core.ledger.quarantine import FileToReplay, QuarantineEntry, QuarantineFilter, files_to_replay
from sentiment_core.ledger.quarantine import entries as read_entries
from sentiment_core.loading.loader import Loader, LoadOutcome, LoadStatus
from sentiment_core.loading.replay import Replayer
from sentiment_core.settings import settings

SHOWN_CHARACTERS = 60  # of a reason in the list on a terminal

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose entries."""
    for option in (
        click.option("--since", type=DAY, help="First day of the files."),
        click.option("--until", type=DAY, help="Last day of the files."),
        click.option("--source", help="Source of the files."),
        click.option("--code", type=click.Choice([str(code) for code in RejectCode]), help="Reason code."),
    ):
        command = option(command)
    return command


@click.group()
def quarantine() -> None:
    """List and replay rejected rows.

    A replay loads rejected rows and files again after the contract or the settings changed.
    """


@quarantine.command("list")
@choice_options
@click.option("--resolved", is_flag=True, help="Also show rows that a replay has loaded.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Maximum number of entries.")
@as_json
def list_entries(
    since: datetime | None,
    until: datetime | None,
    source: str | None,
    code: str | None,
    resolved: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List rejected rows and files, in the order of their files."""
    choice = _choice(since, until, source, code)._replace(resolved=resolved)
    with connect(settings().require_database_url()) as connection:
        entries, total = read_entries(connection, choice, limit)
    if as_json:
        click.echo(json.dumps({"total": total, "entries": [_document(entry) for entry in entries]}))
        return
    shown = SHOWN_CHARACTERS if is_terminal() else None
    print_table(("File", "Line", "Code", "Reason", "Key"), [_row(entry, shown) for entry in entries])
    click.echo(f"{len(entries):,} of {total:,} entries. `sentiment quarantine show FILE LINE` shows the whole row.")


@quarantine.command()
@click.argument("file", type=int)
@click.argument("line", type=int, required=False)
@as_json
def show(file: int, line: int | None, as_json: bool) -> None:
    """Show the rejected rows of file FILE, or the one on line LINE, with their unchanged bytes."""
    with connect(settings().require_database_url()) as connection:
        entries, _ = read_entries(connection, QuarantineFilter(files=[file], resolved=True))
    entries = [entry for entry in entries if line is None or entry.line == line]
    if not entries:
        raise click.ClickException(
            f"The quarantine has no entry for file {file}{'' if line is None else f', line {line}'}."
        )
    if as_json:
        click.echo(json.dumps([_document(entry) for entry in entries]))
    for entry in entries if not as_json else ():
        place = "the whole file" if entry.line is None else f"line {entry.line}"
        click.echo(f"{entry.key}, {place}: {entry.code}: {entry.reason}")
        if entry.resolved_by:
            click.echo(f"loaded by batch {entry.resolved_by}")
        if entry.raw is not None:
            click.echo(entry.raw.decode("utf-8", "backslashreplace"))


@quarantine.command()
@click.argument("files", type=int, nargs=-1)
@choice_options
@click.option("--model", "bundle", type=click.Path(path_type=Path), help="Bundle to score with.")
@as_json
def replay(
    files: tuple[int, ...],
    since: datetime | None,
    until: datetime | None,
    source: str | None,
    code: str | None,
    bundle: Path | None,
    as_json: bool,
) -> None:
    """Replay the rejected rows of FILES, or of all files that the options select.

    Rows are read from the quarantine. Files that were rejected as a whole are read from the bucket again. Rows that now
    satisfy the contract are scored by the champion, and their quarantine entries name the batch. Other rows stay in
    the quarantine. Exit code 1 if no row was loaded.
    """
    config = settings()
    choice = _choice(since, until, source, code)._replace(files=files)
    with connect(config.require_database_url()) as connection, database_errors():
        model = choose_model(connection, config, bundle).model
        run_id = command_run_id("replay")
        replayer = Replayer(connection, model, config, run_id)
        loader = Loader(connection, open_storage(config), model, config, run_id)
        outcomes = [_replay(loader, replayer, file) for file in files_to_replay(connection, choice)]
    if as_json:
        click.echo(json.dumps([outcome._asdict() for outcome in outcomes]))
    for outcome in outcomes if not as_json else ():
        print_outcome(outcome)
    if not outcomes and not as_json:
        click.echo("No rejected row or file matches these options.")
    loaded = any(
        outcome.status in (LoadStatus.REPLAYED, LoadStatus.LOADED, LoadStatus.DUPLICATE) for outcome in outcomes
    )
    sys.exit(bool(outcomes) and not loaded)


def _replay(loader: Loader, replayer: Replayer, file: FileToReplay) -> LoadOutcome:
    # The quarantine keeps no rows of a file that was rejected as a whole, so the file is read again.
    return loader.load(file.source_file_id, replace=True) if file.whole else replayer.replay(file.source_file_id)


def _choice(since: datetime | None, until: datetime | None, source: str | None, code: str | None) -> QuarantineFilter:
    return QuarantineFilter(since and since.date(), until and until.date(), source, code)


def _row(entry: QuarantineEntry, shown: int | None) -> tuple[str, str, str, str, str]:
    line = "whole" if entry.line is None else str(entry.line)
    reason = f"loaded by batch {entry.resolved_by}" if entry.resolved_by else entry.reason
    return str(entry.source_file_id), line, entry.code, reason[:shown], entry.key


def _document(entry: QuarantineEntry) -> dict[str, object]:
    raw = None if entry.raw is None else entry.raw.decode("utf-8", "backslashreplace")
    return entry._asdict() | {"day": entry.day.isoformat(), "raw": raw}
