"""Functions that several commands share: choosing a model, finding drops, naming a run."""

import getpass
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from sentiment_core.database.connection import Connection
from sentiment_core.drops.drop import Drop, local_drops
from sentiment_core.drops.storage import Storage, s3_client
from sentiment_core.errors import OutputUnsupported
from sentiment_core.ledger.models import ScoringModel, open_model
from sentiment_core.loading.loader import LoadOutcome
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])


class ChosenModel(NamedTuple):
    """A model to score with, and whether the views show its scores."""

    model: ScoringModel
    champion: bool


def open_storage(config: Settings, sources: Sequence[str] = ("s3://",)) -> Storage:
    """Return the storage for these sources. Credentials for S3 are needed only if a source is in S3."""
    needs_s3 = any(source.startswith("s3://") for source in sources)
    return Storage(s3_client(config.s3_endpoint_url) if needs_s3 else None)


def is_folder(source: str) -> bool:
    """Return whether a path or URI names a folder."""
    return source.endswith("/") if source.startswith("s3://") else Path(source).is_dir()


def find_drops(storage: Storage, source: str) -> list[Drop]:
    """Return the drop at a path or URI, or all drops below a local folder or below a URI that ends in a slash."""
    if not is_folder(source):
        return [storage.find(source)]
    if source.startswith("s3://"):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        return list(storage.list(bucket, prefix))
    return local_drops(Path(source))


def choose_model(
    connection: Connection, config: Settings, bundle: Path | None, version: str | None = None
) -> ChosenModel:
    """Open the given bundle, or the given version, or the champion. Without a registry open the starter model."""
    if bundle is None and (config.mlflow_tracking_uri or version):
        registry = RegisteredModel(config.require_mlflow_tracking_uri(), config.model_name, config.model_cache)
        number, digest = registry.resolve(version)
        champion = version is None or digest == registry.champion_digest()
        return ChosenModel(open_model(connection, Scorer(Bundle.load(registry.fetch(number).path)), number), champion)
    return ChosenModel(open_model(connection, Scorer(Bundle.load(bundle or config.bundle or STARTER))), bundle is None)


def write_output(path: Path, text: str) -> None:
    """Write a text file that the user named. Raises `OutputUnsupported` when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputUnsupported(path=path, why=error.strerror or str(error)) from error


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files into a folder that the user named, and create it. Raises as `write_output` does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnsupported(path=folder, why=error.strerror or str(error)) from error
    for name, text in files.items():
        write_output(folder / name, text)


def user() -> str:
    """Return the name of the user of this process; a container may run as one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def command_run_id(verb: str) -> str:
    """Return a run id for the batches of this command, in the format of Airflow's run ids."""
    return f"{verb}__{datetime.now(UTC).isoformat(timespec='seconds')}__{os.getpid()}"


def print_outcome(outcome: LoadOutcome) -> None:
    """Print what became of one file."""
    counts = (
        f": {outcome.rows_in:,} rows, {outcome.rows_scored:,} scored, {outcome.rows_rejected:,} rejected, "
        f"{outcome.rows_duplicate:,} duplicate"
    )
    click.echo(f"{outcome.status:<9} {outcome.uri}{counts if outcome.rows_in else ''}")
    if outcome.reason:
        click.echo(f"{'':<9} {outcome.reason}")
    for warning in outcome.warnings:
        click.echo(f"{'':<9} warning: {warning}")
