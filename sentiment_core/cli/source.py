"""`sentiment source`: the contracts by which the files of each source are read."""

import json
import shlex
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from textwrap import wrap
from typing import Any

import click
import yaml

from sentiment_core.cli.common import find_drops, open_storage, user, write_output
from sentiment_core.cli.contract_options import ContractChoice, contract_options
from sentiment_core.cli.validate import as_document, print_verdict
from sentiment_core.database.connection import connect, database_errors
from sentiment_core.drops.body import Body
from sentiment_core.drops.drop import Drop, source_of
from sentiment_core.drops.drop_index import shown_review
from sentiment_core.drops.dry_run import dry_run
from sentiment_core.drops.inference import propose
from sentiment_core.drops.proposal import Proposal
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.source_contract import (
    PRESETS,
    Rules,
    contract_of,
    presets,
    read_document_file,
)
from sentiment_core.drops.storage import Storage
from sentiment_core.drops.validation import Review, checked
from sentiment_core.ledger.source_contracts import (
    StoredContract,
    current_contract,
    current_contracts,
    has_files,
    history,
    lock_contract,
    store_contract,
)
from sentiment_core.settings import settings

SHOWN_ROWS = 5
SHOWN_CHARACTERS = 300  # of a text

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group()
def source() -> None:
    """Declare how the files of a source are read.

    A source is the first part of the key below the incoming prefix. Its contract is YAML (docs/sources.md). It applies
    to files that are read from then on.
    """


@source.command("list")
@as_json_option
def list_contracts(as_json: bool) -> None:
    """List the sources that have a contract."""
    with connect(settings().require_database_url()) as connection, connection, connection.cursor() as cursor:
        stored = [each for _, each in sorted(current_contracts(cursor).items())]
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in stored]))
        return
    for each in stored:
        declared = ", ".join(each.contract.document()) or "nothing"
        click.echo(
            f"{each.source or '(none)'}  version {each.version}, {each.set_at:%Y-%m-%d} by {each.set_by}: {declared}"
        )
    if not stored:
        click.echo("No source has a contract. `sentiment source infer FILE` proposes one.")


@source.command("presets")
@click.argument("name", required=False)
def list_presets(name: str | None) -> None:
    """List the presets, or show the one called NAME."""
    if name is None:
        click.echo("\n".join(presets()))
        return
    contract_of({"preset": name}, f"preset {name!r}")
    click.echo((PRESETS / f"{name}.yaml").read_text("utf-8"), nl=False)


@source.command()
@click.argument("name", metavar="SOURCE")
@click.option("--version", type=click.IntRange(1), help="Show this version.  [default: the current one]")
@click.option("--history", "whole", is_flag=True, help="Show all versions.")
@as_json_option
def show(name: str, version: int | None, whole: bool, as_json: bool) -> None:
    """Show the contract of a source as YAML."""
    with connect(settings().require_database_url()) as connection, connection, connection.cursor() as cursor:
        versions = history(cursor, name)
    if version is not None:
        versions = [each for each in versions if each.version == version]
    if not versions:
        raise click.ClickException(f"The source {name!r} has no {'such ' if version else ''}contract.")
    chosen = versions if whole else versions[:1]
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in chosen]))
        return
    for each in chosen:
        note = f": {each.note}" if each.note else ""
        click.echo(f"# version {each.version}, set by {each.set_by} at {each.set_at:%Y-%m-%d %H:%M} UTC{note}")
        click.echo(_yaml(each.contract.document()) or "# declares nothing\n", nl=False)


@source.command("set")
@click.argument("name", metavar="SOURCE")
@click.option("--from", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="YAML file.")
@click.option("--preset", help="Start from this preset.")
@click.option("--delimiter", help="One character, or comma, semicolon, tab, pipe.")
@click.option("--encoding", help="Code page, such as cp1252, shift_jis, gb18030.")
@click.option("--quoting", help="rfc4180, backslash or none.")
@click.option("--header-line", type=int, help="Line of the header.")
@click.option("--text", multiple=True, help="Text column. Repeat it to join several.")
@click.option("--title", help="Title column, which is joined to the text.")
@click.option("--column", "columns", multiple=True, metavar="KNOWN=NAME", help="Name of a known column.")
@click.option("--clear", is_flag=True, help="Declare nothing from now on.")
@click.option("--note", default="", help="Why, for the history.")
@as_json_option
def set_contract(
    name: str,
    file: Path | None,
    preset: str | None,
    columns: tuple[str, ...],
    clear: bool,
    note: str,
    as_json: bool,
    **parts: Any,
) -> None:
    """Set the contract of a source.

    With --from or --preset the contract is replaced. Other options change parts of it.
    """
    given = {part: value for part, value in parts.items() if value not in (None, ())}
    if not (file or preset or given or columns or clear):
        raise click.UsageError("Give --from FILE, --preset NAME, --clear, or parts such as --encoding cp1252.")
    config = settings()
    _require_source(name, config.incoming_prefix)
    url = config.require_database_url()
    with connect(url) as connection, database_errors(), connection, connection.cursor() as cursor:
        lock_contract(cursor, name)
        base = _base(file, preset, clear, current_contract(cursor, name))
        document = base | given | {"columns": base.get("columns", {}) | _pairs(columns)}
        contract = contract_of(document, f"source {name!r}", resolved=not file and not preset)
        version = store_contract(cursor, name, contract, note, user())
        known = has_files(cursor, name)
    if as_json:
        click.echo(json.dumps({"source": name, "version": version, "contract": contract.document()}))
        return
    click.echo(f"source {name!r}: version {version} of its contract is in force")
    click.echo(_yaml(contract.document()), nl=False)
    if known:
        click.echo(f"To retry what was rejected: sentiment quarantine replay --source {shlex.quote(name)}")
    else:
        click.echo(f"The ledger has no file of the source {name!r} yet.")


def _require_source(name: str, prefix: str) -> None:
    """Refuse a name that no drop can have as its source, such as a path or a day."""
    if name and source_of(f"s3://bucket/{prefix}{name}/file.csv", prefix) != name:
        raise click.BadParameter(
            f"{name!r} is no source. A source is the first folder below {prefix}, such as web-shop in "
            f"{prefix}web-shop/dt=2026-11-16/a.csv. Files without such a folder have the source ''.",
            param_hint="SOURCE",
        )


def _base(file: Path | None, preset: str | None, clear: bool, current: StoredContract) -> dict[str, Any]:
    if sum(map(bool, (file, preset, clear))) > 1:
        raise click.UsageError("Give only one of --from, --preset and --clear.")
    if file is not None:
        return read_document_file(file)
    if preset is not None:
        return {"preset": preset}
    return {} if clear else current.contract.document()


def _pairs(columns: Sequence[str]) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for given in columns:
        known, equals, name = given.partition("=")
        if not equals:
            raise click.UsageError(f"--column {given} must be of the form KNOWN=NAME, such as review_id=Review ID.")
        pairs[known.strip()] = name.strip() or None
    return pairs


@source.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proposal to this file.")
@as_json_option
def infer(sources: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Propose a contract from sample files, with reasons and the first rows as they would be read.

    Nothing is stored. Questions must be decided before `sentiment source set SOURCE --from FILE` accepts the contract.
    """
    config = settings()
    storage = open_storage(config, sources)
    drops = [drop for each in sources for drop in find_drops(storage, each)]
    proposal = propose(storage, drops, config)
    rules = Rules(config, contract_of(proposal.document, "the proposal"))
    rows = first_rows(storage, drops[0], rules)
    if as_json:
        click.echo(json.dumps(proposal._asdict() | {"rows": [shown_review(row) for row in rows]}))
    elif out is None:
        click.echo(proposed_yaml(proposal), nl=False)
        print_rows(rows, to_stderr=True)
    else:
        write_output(out, proposed_yaml(proposal))
        print_rows(rows, to_stderr=False)
        for question in proposal.questions:
            click.echo(f"decide in {out}: {question}")
    sys.exit(bool(proposal.questions))


@source.command("test")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@contract_options
@as_json_option
def test_contract(sources: tuple[str, ...], choice: ContractChoice, as_json: bool) -> None:
    """Read files by a contract, and show the first rows and what would be rejected.

    Exit code 1 if a file or a row would be rejected.
    """
    config = settings()
    storage = open_storage(config, sources)
    perfect = True
    results = []
    for drop in [drop for each in sources for drop in find_drops(storage, each)]:
        rules = choice.rules(config, drop)
        verdict = dry_run(storage, drop, rules)
        perfect &= verdict.perfect
        if as_json:
            results.append(as_document(verdict))
            continue
        print_verdict(verdict)
        print_rows(verdict.rows, to_stderr=False)
    if as_json:
        click.echo(json.dumps(results))
    sys.exit(not perfect)


def first_rows(storage: Storage, drop: Drop, rules: Rules) -> list[Review]:
    """Return the first good rows of a drop, as a load would store them."""
    with storage.open(drop) as stored:
        body = Body(stored, drop, rules.settings.max_expanded_bytes)
        blocks = checked(read_body(body, rules), rules, drop.uri)
        batches = (rows.batch for rows in blocks)
        return list(islice((batch.review(row) for batch in batches for row in range(batch.size)), SHOWN_ROWS))


def print_rows(rows: Sequence[Review], *, to_stderr: bool) -> None:
    """Print reviews, one field a line."""
    for number, review in enumerate(rows, 1):
        click.echo(f"row {number}", err=to_stderr)
        for name, value in shown_review(review).items():
            click.echo(f"  {name}: {str(value)[:SHOWN_CHARACTERS]!r}", err=to_stderr)


def proposed_yaml(proposal: Proposal) -> str:
    """Return a proposal as YAML, with the reason of each part as a comment."""
    lines = ["# Proposed by `sentiment source infer`. Check it, then: sentiment source set SOURCE --from FILE\n"]
    for part, value in proposal.document.items():
        lines += [*_comment(proposal.reasons[part]), _yaml({part: value})]
    if proposal.questions:
        lines += [
            "# Decide these, change the parts above, and delete the list:\n",
            _yaml({"questions": proposal.questions}),
        ]
    return "".join(lines)


def _comment(text: str) -> list[str]:
    return [
        f"{part}\n"
        for line in text.splitlines()
        for part in wrap(line, 100, initial_indent="# ", subsequent_indent="#   ")
    ]


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100) if document else ""


def _as_json(stored: StoredContract) -> dict[str, Any]:
    return {
        "source": stored.source,
        "version": stored.version,
        "contract": stored.contract.document(),
        "note": stored.note,
        "set_by": stored.set_by,
        "set_at": stored.set_at and stored.set_at.isoformat(),
    }
