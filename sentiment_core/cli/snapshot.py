"""`sentiment snapshot`: immutable copies of the labelled data, for training."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sentiment_core.cli.common import DAY, open_storage, write_folder, write_output
from sentiment_core.cli.tables import print_table
from sentiment_core.database.connection import connect
from sentiment_core.datasets.snapshot import Days, SnapshotManifest
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.datasets.star_summary import StarSource
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.registry.registered_model import registered_model
from sentiment_core.settings import Settings, settings

if TYPE_CHECKING:
    from sentiment_core.datasets.checks import DataCheck

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
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
@click.option(
    "--stars/--no-stars",
    default=None,
    help="Also use stored reviews with a rating, labelled by their stars.  [default: `stars.enabled` of --params]",
)
@params_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for `id.txt` and `manifest.json`."
)
@as_json
def create(
    since: datetime | None,
    until: datetime | None,
    stars: bool | None,
    params: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Create a snapshot of the labelled files below the training prefix and of the corrections.

    With --stars it also contains stored reviews with a rating. The champion marks those whose text clearly contradicts
    the stars. Without a registry, the starter model does. The same data always gives the same snapshot. If a stored
    snapshot fails a check, the exit code is 1.
    """
    from sentiment_core.datasets.checks import check  # noqa: PLC0415 - these bring what training needs
    from sentiment_core.model.scorer import Scorer  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training.from_snapshot import make_snapshot  # noqa: PLC0415

    config = settings()
    configuration = Params.load(params or DEFAULTS).with_stars(stars)
    days = Days(since=since and since.date(), until=until and until.date())
    storage = open_storage(config)
    with Console(stderr=True).status("Reading labelled data"), connect(config.require_database_url()) as connection:
        judge = Scorer(_judge(config)) if configuration.stars.enabled else None
        made = make_snapshot(connection, storage, config, configuration, days, judge)
    checks = check(made.snapshot, configuration)
    uri = SnapshotStore.of(storage, config).uri(made.snapshot.id)
    if out is not None:
        manifest = made.snapshot.manifest.document.decode()
        write_folder(out, {"id.txt": f"{made.snapshot.id}\n", "manifest.json": manifest})
    if as_json:
        document = _as_document(made.snapshot.manifest, 0) | {"uri": uri, "new": made.new}
        click.echo(json.dumps(document | {"checks": [_check_document(each) for each in checks]}))
    else:
        click.echo(f"{'Stored' if made.new else 'Already stored'}: {uri}")
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
        click.echo("There are no snapshots. `sentiment snapshot create` creates the first.")
        return
    rows = []
    for each in found:
        sides = (each.manifest.training, each.manifest.test)
        counts = (f"{sum(side.rows.values()):,}" for side in sides)
        rows.append((each.id[:12], f"{each.created:%Y-%m-%d %H:%M}", *counts, f"{each.rows_erased:,}"))
    print_table(("Id", "Created (UTC)", "Training rows", "Test rows", "Erased"), rows)


@snapshot.command()
@click.argument("snapshot_id", metavar="ID")
@as_json
def show(snapshot_id: str, as_json: bool) -> None:
    """Show the sources of the snapshot ID, and the counts of the rows that were left out."""
    found = _store().find(snapshot_id)
    if as_json:
        click.echo(json.dumps(_as_document(found.manifest, found.rows_erased)))
        return
    click.echo(f"{found.id}, created {found.created:%Y-%m-%d %H:%M} UTC")
    _print(found.manifest)
    if found.rows_erased:
        click.echo(f"{found.rows_erased:,} rows were erased on request. Models trained on it can no longer be rebuilt.")


@snapshot.command()
@click.argument("snapshot_id", metavar="ID")
@params_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON file for the report.")
@as_json
def features(snapshot_id: str, params: Path | None, out: Path | None, as_json: bool) -> None:
    """Report what a training makes of the snapshot ID: tokens, n-grams, and the n-grams that it keeps.

    The report contains no review. Its examples are fixed sentences.
    """
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415 - these bring what training needs
    from sentiment_core.training.feature_report import feature_report  # noqa: PLC0415
    from sentiment_core.training.from_snapshot import params_for  # noqa: PLC0415

    found = _store().read(snapshot_id)
    configuration = params_for(found, Params.load(params or DEFAULTS))
    report = feature_report(found.reviews("training"), configuration.model)
    if out is not None:
        write_output(out, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        click.echo(json.dumps(report))
    else:
        _print_features(report)


def _print_features(report: dict[str, Any]) -> None:
    tokens, ngrams = report["tokens"], report["ngrams"]
    click.echo(
        f"{report['texts']:,} texts: {', '.join(f'{rows:,} {label}' for label, rows in report['labels'].items())}"
    )
    click.echo(f"{tokens['total']:,} tokens, {tokens['median_per_text']:g} in the median text")
    sizes = "-".join(map(str, dict.fromkeys(ngrams["sizes"])))
    click.echo(f"{ngrams['total']:,} {sizes}-grams, each counted once per text")
    kept = f"{ngrams['kept']:,} n-grams that occur in {ngrams['min_texts']} texts or more are kept"
    click.echo(f"{kept}, of {ngrams['limit']:,} at most")
    rows = [
        (each["text"], " ".join(each["tokens"]), str(each["ngrams"]), str(each["kept"])) for each in report["examples"]
    ]
    print_table(("Example", "Tokens", "N-grams", "Kept"), rows)


def _judge(config: Settings) -> Bundle:
    """Return the champion. Without a registry, or before the first champion, return the bundle of the settings."""
    champion = registered_model().champion() if config.mlflow_tracking_uri else None
    return champion or Bundle.load(config.bundle or STARTER)


def _store() -> SnapshotStore:
    config = settings()
    return SnapshotStore.of(open_storage(config), config)


def _as_document(manifest: SnapshotManifest, rows_erased: int) -> dict[str, Any]:
    return {"id": manifest.id, "rows_erased": rows_erased, "manifest": manifest.model_dump(mode="json")}


def _check_document(check: "DataCheck") -> dict[str, Any]:
    document = check._asdict()
    document["told"] = document.pop("detail")  # the key of the first release
    return document


def _print(manifest: SnapshotManifest) -> None:
    for name, side in (("Training", manifest.training), ("Test", manifest.test)):
        click.echo(f"{name} rows: {', '.join(f'{count:,} {label}' for label, count in side.rows.items()) or 'none'}")
    if manifest.near_duplicates.rows:
        click.echo(f"Left out of the test rows: {manifest.near_duplicates.rows:,} near-duplicates of training rows")
    for source in manifest.sources:
        reasons = [f"{each.rows:,} {code}" for code, each in source.rejected.items()]
        reasons += [f"{source.duplicates:,} duplicates"] * bool(source.duplicates)
        reasons += [f"{source.contradicting:,} with two labels"] * bool(source.contradicting)
        counts = [f"{source.taken:,} of {source.rows:,} rows used", *reasons]
        click.echo(f"  {source.key}: {', '.join(counts)}")
    for file in manifest.rejected_files:
        click.echo(f"  {file.key}: rejected: {file.code}: {file.why}")
    corrected = manifest.corrections
    if corrected.corrections:
        click.echo(
            f"  {corrected.corrections:,} corrections of {corrected.texts:,} texts: {corrected.taken:,} used,"
            f" {corrected.undecided:,} undecided, {corrected.labelled:,} labelled by a file,"
            f" {corrected.unknown_label:,} with a label that the model does not have"
        )
    for starred in manifest.stars.sources if manifest.stars else ():
        _print_stars(starred)
    if manifest.stars and not manifest.stars.sources:
        click.echo("  Stars: no stored review of these days has a rating")


def _print_stars(source: StarSource) -> None:
    name = f"  Stars of {source.source or 'files without a source'}"
    unreadable = [f"{source.unreadable:,} further ratings could not be parsed"] * bool(source.unreadable)
    if source.refused:
        click.echo(f"{name}: {'; '.join([f'refused: {source.refused}: {source.why}', *unreadable])}")
        return
    counts = [f"{source.taken:,} of {source.rows:,} rated reviews used, scale {' or '.join(source.scales)}"]
    counts += [f"{source.suspicious:,} of them suspicious"] * bool(source.suspicious)
    counts += [f"{rows:,} {code}" for code, rows in source.left_out.items()]
    click.echo(f"{name}: {', '.join([*counts, *unreadable])}")


def _print_checks(checks: "list[DataCheck]") -> None:
    for each in checks:
        if not each.passed:
            click.echo(f"Check {each.name} failed: {each.detail}; the limit is {each.limit:g}")
