"""`sentiment registry`: the versions of the registered model in MLflow, and the champion."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click
from rich.console import Console
from rich.text import Text

from sentiment_core.cli.common import user
from sentiment_core.cli.tables import print_table
from sentiment_core.errors import GateRefused, RegistryUnavailable, SentimentError
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.names import CHALLENGER, CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel, registered_model
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.database.connection import Connection
    from sentiment_core.promotion.alias_moves import Promotion
    from sentiment_core.promotion.verdict import Verdict

_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_OUTCOME_COLOUR: Final = {"passed": "green", "failed": "red", "skipped": "yellow", "limited": "yellow"}
_MAX_REASON_CHARACTERS: Final = 1_000
_Answer = TypeVar("_Answer")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group()
def registry() -> None:
    """List, register, promote and roll back model versions in MLflow."""


@registry.command("list")
@as_json
def list_versions(as_json: bool) -> None:
    """List all versions, newest first. Warn if the promotion history disagrees with the registry."""
    models = registered_model()
    versions = models.versions()
    trouble = _disagreement(models)
    if trouble:
        click.echo(f"Warning: {trouble}. The next move corrects the history.", err=True)
    if as_json:
        click.echo(json.dumps([version._asdict() for version in versions]))
        return
    if not versions:
        click.echo("No version is registered. `sentiment registry register BUNDLE` registers the first.")
        return
    rows = []
    for version in versions:
        created = datetime.fromtimestamp(version.created_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        rows.append((str(version.version), ", ".join(version.aliases), version.digest[:12], created))
    print_table(("Version", "Aliases", "Digest", "Created (UTC)"), rows)


@registry.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--champion", is_flag=True, help=f"Also set the alias `{CHAMPION}` to the version, without the gate.")
@click.option(
    "--track", type=_FILE, metavar="METRICS", help="Also log a run with the metrics in this file of `evaluate --out`."
)
@as_json
def register(bundle: Path, champion: bool, track: Path | None, as_json: bool) -> None:
    """Register the bundle in the folder BUNDLE. A bundle that is already registered keeps its version."""
    models = registered_model()
    version = _tracked(models, bundle, track) if track else models.register(bundle)
    if champion and settings().database_url is not None:
        from sentiment_core.promotion.alias_moves import promote as move  # noqa: PLC0415

        with _connection() as connection:
            move(connection, models, version, actor=user(), reason="set by hand", kind="set")
    elif champion:
        models.set_alias(CHAMPION, version)
    _, digest = models.resolve(str(version))
    if as_json:
        click.echo(json.dumps({"name": models.name, "version": version, "digest": digest, "champion": champion}))
        return
    click.echo(f"{models.name} version {version}, digest {digest[:12]}{', is the champion' if champion else ''}.")


def _tracked(models: RegisteredModel, bundle: Path, metrics: Path) -> int:
    """Log a run of the bundle with the metrics of a file, and return the version."""
    from sentiment_core.training.mlflow_run import log_bundle  # noqa: PLC0415 -- imports MLflow and matplotlib

    try:
        measured = json.loads(metrics.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{metrics} is not JSON. Write it with `sentiment evaluate --out`.") from error
    uri = settings().require_mlflow_tracking_uri()
    return log_bundle(uri, models.name, bundle, measured, name=models.name).version


@registry.command()
@as_json
def check(as_json: bool) -> None:
    """Check what the MLflow server supports, and whether it accepts this user. Writes nothing.

    The exit code is 1 if the server lacks something that is required.
    """
    from sentiment_core.registry.server_check import check_server  # noqa: PLC0415

    models = registered_model()
    found = check_server(models.server, models.name)
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found]))
    else:
        print_table(
            ("Check", "Outcome", "Detail"),
            [(each.name, Text(each.outcome, _OUTCOME_COLOUR[each.outcome]), each.detail) for each in found],
            models.server.uri,
        )
    if any(each.outcome == "failed" for each in found):
        raise SystemExit(1)


@registry.command("first-model")
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path), default=STARTER)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Wait up to this long until MLflow answers.",
)
@as_json
def first_model(bundle: Path, wait: float, as_json: bool) -> None:
    """Make BUNDLE (default: the starter model) the first champion. Does nothing if there is a champion."""
    from sentiment_core.promotion.alias_moves import promote as move  # noqa: PLC0415

    models = registered_model()
    current = _answer_within(wait, lambda: models.version_of_alias(CHAMPION))
    if current is None:
        with _connection() as connection:
            first = models.register(bundle)
            move(connection, models, first, actor=user(), reason="the first champion", kind="set")
    version, digest = models.resolve(None)
    if as_json:
        click.echo(json.dumps({"name": models.name, "version": version, "digest": digest, "moved": current is None}))
        return
    already = "" if current is None else " already"
    click.echo(f"{models.name} version {version}, digest {digest[:12]}, is the champion{already}.")


@registry.command()
@click.argument("version", type=click.IntRange(min=1))
@click.option("--evaluate", multiple=True, type=_FILE, help="Labelled CSV file to judge on. Can be repeated.")
@click.option(
    "--group", "group_column", metavar="COLUMN", help="Column of the files. Each of its values is also a slice."
)
@click.option("--policy", type=_FILE, help="Policy of the gate instead of the package's gate.yaml.")
@click.option("--params", type=_FILE, help="Training configuration with the label column and the spellings of labels.")
@click.option("--force", is_flag=True, help="Promote without the gate, or against its verdict. Needs --reason.")
@click.option("--reason", help="Reason for the history.")
@as_json
def promote(
    version: int,
    evaluate: tuple[Path, ...],
    group_column: str | None,
    policy: Path | None,
    params: Path | None,
    force: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Make VERSION the champion if it passes the gate, which compares it with the champion on labelled reviews.

    If the gate refuses it, the failed checks are printed and the exit code is 1.
    """
    if not evaluate and not force:
        raise click.UsageError(
            "Name labelled reviews for the gate (--evaluate CSV), or bypass it (--force --reason WHY)."
        )
    _check_reason(reason, needed=force)
    from sentiment_core.promotion.alias_moves import promote as move  # noqa: PLC0415

    models = registered_model()
    with _connection() as connection:
        verdict = _judge(models, version, evaluate, group_column, policy, params, connection) if evaluate else None
        if verdict is not None and not as_json:
            _print_verdict(verdict)
        kind: Final = "force" if force else "promote"
        why = reason or "passed the gate"
        try:
            done = move(connection, models, version, actor=user(), reason=why, verdict=verdict, kind=kind)
        except GateRefused:
            if as_json and verdict is not None:
                click.echo(json.dumps({"version": version, "moved": False, "verdict": verdict.as_json()}))
            raise
    if as_json:
        click.echo(json.dumps(done._asdict() | {"verdict": verdict.as_json() if verdict else None}))
        return
    click.echo(_sentence(done.detail))


@registry.command()
@click.option("--reason", default="rolled back by hand", show_default=True, help="Reason for the history.")
@as_json
def rollback(reason: str, as_json: bool) -> None:
    """Make the last good version the champion again. Does nothing directly after a rollback."""
    _check_reason(reason, needed=True)
    from sentiment_core.promotion.alias_moves import rollback as move_back  # noqa: PLC0415

    with _connection() as connection:
        done = move_back(connection, registered_model(), actor=user(), reason=reason)
    click.echo(json.dumps(done._asdict()) if as_json else _sentence(done.detail))


@registry.command()
@click.option("--alias", help="Only this alias.  [default: all]")
@as_json
def history(alias: str | None, as_json: bool) -> None:
    """Show all moves of aliases, newest first: time, versions, person or program, and reason.

    If MLflow answers, moves made in MLflow directly are recorded first, and interrupted moves are resolved.
    """
    from sentiment_core.promotion.alias_moves import history as rows_of  # noqa: PLC0415
    from sentiment_core.promotion.alias_moves import reconcile  # noqa: PLC0415

    with _connection() as connection:
        if settings().mlflow_tracking_uri is not None:
            try:
                for each in [alias] if alias else [CHAMPION, CHALLENGER]:
                    reconcile(connection, registered_model(), each)
            except SentimentError as error:
                click.echo(f"Warning: {error} The history may be out of date.", err=True)
        rows = rows_of(connection, alias)
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], default=str))
        return
    if not rows:
        click.echo("No alias has been moved yet.")
        return
    _print_history(rows)


def _judge(
    models: RegisteredModel,
    version: int,
    evaluate: tuple[Path, ...],
    group_column: str | None,
    policy: Path | None,
    params: Path | None,
    connection: "Connection",
) -> "Verdict":
    from sentiment_core.datasets.labelled_csv import read_labelled  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.promotion.challenge import judge_version  # noqa: PLC0415
    from sentiment_core.promotion.policy import DEFAULT_POLICY, GatePolicy  # noqa: PLC0415

    chosen = GatePolicy.load(policy or DEFAULT_POLICY)
    data = Params.load(params or DEFAULTS).data.with_every_label()
    rows = read_labelled(evaluate, data, group_column, every_label=False)
    with Console(stderr=True).status("Judging"):
        return judge_version(models, str(version), rows, chosen, connection)


def _print_verdict(verdict: "Verdict") -> None:
    against = f"against {verdict.champion[:12]}" if verdict.champion else "without a champion"
    title = f"{verdict.challenger[:12]} {against}, on {verdict.rows} of {verdict.rows_given} rows"
    checks: list[tuple[str | Text, ...]] = []
    for check in verdict.checks:
        figures = ("" if value is None else f"{value:,.4g}" for value in (check.figure, check.bound))
        outcome = Text(check.outcome, _OUTCOME_COLOUR[check.outcome])
        checks.append((check.name, outcome, *figures, check.detail))
    print_table(("Check", "Outcome", "Figure", "Bound", "Detail"), checks, title)


def _print_history(rows: "list[Promotion]") -> None:
    moves = []
    for row in rows:
        what = row.kind if row.state == "moved" else f"{row.kind}, {row.state}"
        places = ("none" if version is None else str(version) for version in (row.from_version, row.to_version))
        why = "; ".join(filter(None, (row.reason, row.detail, _failed_checks(row))))
        when = row.moved_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        moves.append((when, row.alias, what, *places, (row.to_digest or "")[:12], row.actor, why))
    print_table(("When (UTC)", "Alias", "What", "From", "To", "Digest", "Who", "Why"), moves)


def _failed_checks(row: "Promotion") -> str:
    checks = (row.verdict or {}).get("checks", [])
    failed = [check["name"] for check in checks if check["passed"] is False]
    return f"failed: {', '.join(failed)}" if failed else ""


def _disagreement(models: RegisteredModel) -> str | None:
    """Return how the history disagrees with the registry, or that the history cannot be read, or None."""
    if settings().database_url is None:
        return None
    from sentiment_core.promotion.alias_moves import disagreement  # noqa: PLC0415

    try:
        with _connection() as connection:
            return disagreement(connection, models)
    except SentimentError as error:
        return f"the promotion history cannot be read: {error}".rstrip(".")


def _answer_within(seconds: float, ask: Callable[[], _Answer]) -> _Answer:
    """Return the registry's answer. Retry for so many seconds while it is unavailable."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except RegistryUnavailable:
            if time.monotonic() >= deadline:
                raise
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))


def _sentence(detail: str) -> str:
    return f"{detail[:1].upper()}{detail[1:]}."


def _check_reason(reason: str | None, *, needed: bool) -> None:
    if needed and not (reason or "").strip():
        raise click.UsageError("The history needs a reason: --reason WHY.")
    if reason and len(reason) > _MAX_REASON_CHARACTERS:
        raise click.UsageError(f"The reason has {len(reason)} characters. The maximum is {_MAX_REASON_CHARACTERS}.")


@contextmanager
def _connection() -> Iterator["Connection"]:
    from sentiment_core.database.connection import connect  # noqa: PLC0415

    with connect(settings().require_database_url(), "sentiment registry") as connection:
        yield connection
