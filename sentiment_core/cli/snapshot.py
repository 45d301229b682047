"""`sentiment snapshot`: labelled data as it was at one time, to train on."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from sentiment_core.cli.common import DAY, open_storage
from sentiment_core.database.connection import connect
from sentiment_core.datasets.snapshot import Days, SnapshotManifest
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.datasets.checks import DataCheck

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
params_option = click.option(
    "--params",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Training configuration instead of the package's params.yaml.",
)


@click.group()
def snapshot() -> None:
    """Create, list and show snapshots of the labelled data.

    A model can be rebuilt from its snapshot byte for byte.
    """


@snapshot.command()
@click.option("--since", type=DAY, help="First day of the files and corrections.")
@click.option("--until", type=DAY, help="Last day of the files and corrections.")
@params_option
@as_json
def create(since: datetime | None, until: datetime | None, params: Path | None, as_json: bool) -> None:
    """Collect the labelled files below the training prefix and the corrections, split them, and store them.

    The same data always gives the same snapshot. Exit code 1 when it is stored but fails a check.
    """
    from sentiment_core.datasets.checks import check  # noqa: PLC0415 - these bring what training needs
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training.from_snapshot import make_snapshot  # noqa: PLC0415

    config = settings()
    configuration = Params.load(params or DEFAULTS)
    days = Days(since=since and since.date(), until=until and until.date())
    storage = open_storage(config)
    with Console(stderr=True).status("Reading labelled data"), connect(config.require_database_url()) as connection:
        made = make_snapshot(connection, storage, config, configuration, days)
    checks = check(made.snapshot, configuration)
    uri = SnapshotStore.of(storage, config).uri(made.snapshot.id)
    if as_json:
        told = _as_document(made.snapshot.manifest, 0) | {"uri": uri, "new": made.new}
        click.echo(json.dumps(told | {"checks": [each._asdict() for each in checks]}))
    else:
        click.echo(f"{'Stored' if made.new else 'Already there'}: {uri}")
        _print(made.snapshot.manifest)
        _print_checks(checks)
    if not all(each.passed for each in checks):
        raise SystemExit(1)


@snapshot.command("list")
@as_json
def list_snapshots(as_json: bool) -> None:
    """List all snapshots, newest first."""
    found = list(_store().stored())
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "id": each.id,
                        "created": each.created.isoformat(),
                        "training": each.manifest.training.rows,
                        "test": each.manifest.test.rows,
                        "rows_erased": each.rows_erased,
                    }
                    for each in found
                ]
            )
        )
        return
    if not found:
        click.echo("There is no snapshot. `sentiment snapshot create` makes the first.")
        return
    table = Table("Id", "Created (UTC)", "To train on", "To test with", "Erased", box=None)
    for each in found:
        sides = (each.manifest.training, each.manifest.test)
        counts = (f"{sum(side.rows.values()):,}" for side in sides)
        table.add_row(each.id[:12], f"{each.created:%Y-%m-%d %H:%M}", *counts, f"{each.rows_erased:,}")
    Console().print(table)


@snapshot.command()
@click.argument("snapshot_id", metavar="ID")
@as_json
def show(snapshot_id: str, as_json: bool) -> None:
    """Show where the rows of the snapshot ID come from, and what became of those that it does not have."""
    found = _store().find(snapshot_id)
    if as_json:
        click.echo(json.dumps(_as_document(found.manifest, found.rows_erased)))
        return
    click.echo(f"{found.id}, made {found.created:%Y-%m-%d %H:%M} UTC")
    _print(found.manifest)
    if found.rows_erased:
        click.echo(f"{found.rows_erased:,} rows were erased on request: a model of it can no longer be rebuilt.")


def _store() -> SnapshotStore:
    config = settings()
    return SnapshotStore.of(open_storage(config), config)


def _as_document(manifest: SnapshotManifest, rows_erased: int) -> dict[str, Any]:
    return {"id": manifest.id, "rows_erased": rows_erased, "manifest": manifest.model_dump(mode="json")}


def _print(manifest: SnapshotManifest) -> None:
    for name, side in (("train on", manifest.training), ("test with", manifest.test)):
        click.echo(f"To {name}: {', '.join(f'{count:,} {label}' for label, count in side.rows.items()) or 'nothing'}")
    if manifest.near_duplicates.rows:
        click.echo(f"Left out of the test: {manifest.near_duplicates.rows:,} rows that are nearly the same as others")
    for source in manifest.sources:
        reasons = [f"{each.rows:,} {code}" for code, each in source.rejected.items()]
        reasons += [f"{source.duplicates:,} repeated"] * bool(source.duplicates)
        reasons += [f"{source.contradicting:,} with two labels"] * bool(source.contradicting)
        told = [f"{source.taken:,} of {source.rows:,} rows taken", *reasons]
        click.echo(f"  {source.key}: {', '.join(told)}")
    for file in manifest.rejected_files:
        click.echo(f"  {file.key}: rejected: {file.code}: {file.why}")
    corrected = manifest.corrections
    if corrected.corrections:
        click.echo(
            f"  {corrected.corrections:,} corrections of {corrected.texts:,} texts: {corrected.taken:,} taken,"
            f" {corrected.undecided:,} undecided, {corrected.labelled:,} labelled by a file,"
            f" {corrected.unknown_label:,} of a label that the model does not know"
        )


def _print_checks(checks: "list[DataCheck]") -> None:
    for each in checks:
        if not each.passed:
            click.echo(f"Check {each.name} failed: {each.detail}; the limit is {each.limit:g}")
