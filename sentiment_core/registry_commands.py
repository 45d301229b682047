"""`sentiment registry`: the registered model's versions in MLflow."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from sentiment_core.registry import CHAMPION, registered_model

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@click.group()
def registry() -> None:
    """List and register model versions in MLflow."""


@registry.command("list")
@as_json
def list_versions(as_json: bool) -> None:
    """List all versions, newest first."""
    versions = registered_model().versions()
    if as_json:
        click.echo(json.dumps([version._asdict() for version in versions]))
        return
    if not versions:
        click.echo("No version is registered. `sentiment registry register BUNDLE` makes the first.")
        return
    table = Table("Version", "Aliases", "Digest", "Created (UTC)", box=None)
    for version in versions:
        created = datetime.fromtimestamp(version.created_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(str(version.version), ", ".join(version.aliases), version.digest[:12], created)
    Console().print(table)


@registry.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--champion", is_flag=True, help=f"Also point the alias `{CHAMPION}` at the version.")
@as_json
def register(bundle: Path, champion: bool, as_json: bool) -> None:
    """Register the bundle in the folder BUNDLE; one that is registered already keeps its version."""
    models = registered_model()
    version = models.register(bundle)
    if champion:
        models.set_alias(CHAMPION, version)
    _, digest = models.resolve(str(version))
    if as_json:
        click.echo(json.dumps({"name": models.name, "version": version, "digest": digest, "champion": champion}))
        return
    click.echo(f"{models.name} version {version}, digest {digest[:12]}{', is the champion' if champion else ''}.")
