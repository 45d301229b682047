"""The bodies of the tasks of `retrain`, in a module that the DAG file imports only in tasks, because that is slow."""

import logging
import tempfile
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context
from wiring import connect, reconcile_history, registry, storage

from sentiment_core.datasets.checks import check, require_passed
from sentiment_core.datasets.snapshot import Days, Snapshot, SnapshotManifest, labelled_reviews
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.datasets.suite import Suite
from sentiment_core.errors import TerminalError
from sentiment_core.evaluation.suite_report import with_suite
from sentiment_core.model.scorer import Scorer
from sentiment_core.params import Params
from sentiment_core.promotion.alias_moves import set_challenger
from sentiment_core.promotion.challenge import ChallengeOutcome, judge_and_promote, judge_only
from sentiment_core.promotion.policy import GatePolicy
from sentiment_core.registry.names import CHALLENGER
from sentiment_core.settings import settings
from sentiment_core.training.from_snapshot import make_snapshot, train_snapshot
from sentiment_core.training.learning_curve import learning_curve
from sentiment_core.training.mlflow_run import TrainingRun, log_training
from sentiment_core.training.train import Trained

log = logging.getLogger(__name__)


def take_snapshot(params: Any) -> str:
    """Collect, split and store the labelled data. Return the snapshot's id."""
    days, configuration = Days(since=params["since"], until=params["until"]), chosen(params)
    judge = star_judge() if configuration.stars.enabled else None
    with connect() as connection:
        reconcile_history(connection, registry())
        made = make_snapshot(connection, storage(), settings(), configuration, days, judge)
    manifest = made.snapshot.manifest
    log_stars(manifest)
    rows = (sum(side.rows.values()) for side in (manifest.training, manifest.test))
    log.info("Snapshot %s: %s training rows, %s test rows", made.snapshot.id, *rows)
    return made.snapshot.id


def check_snapshot(snapshot_id: str, params: Any) -> None:
    """Check the snapshot against the limits of the configuration. Raises `ChecksFailed`."""
    checks = check(stored(snapshot_id), chosen(params))
    for each in checks:
        log.info("%s, limit %g: %s", each.name, each.limit, each.detail)
    require_passed(checks)


def train_challenger(snapshot_id: str, params: Any) -> TrainingRun:
    """Train on the snapshot, log the run to MLflow, and register the bundle as challenger."""
    configuration, models = chosen(params), registry()
    trained = over_suite(train_snapshot(stored(snapshot_id), configuration, step=log.info))
    evaluation = trained.evaluation
    if params["learning_curve"]:
        evaluation = evaluation._replace(learning_curve=learning_curve(trained, configuration, step=log.info))
    uri = settings().require_mlflow_tracking_uri()
    with tempfile.TemporaryDirectory() as folder:
        trained.bundle.save(Path(folder))
        tags = {"airflow.dag_run": get_current_context()["run_id"]}
        run = log_training(
            uri, models.name, Path(folder), evaluation, name=models.name, snapshot_id=snapshot_id, tags=tags
        )
    reason = f"trained on snapshot {snapshot_id[:12]}"
    with connect() as connection:
        set_challenger(connection, models, run.version, actor=actor(), reason=reason)
    log.info("Version %s is the %s, MLflow run %s", run.version, CHALLENGER, run.run_id)
    return run


def judge_challenger(snapshot_id: str, version: int, params: Any) -> ChallengeOutcome:
    """Judge a version on the test side. If it passes and the run promotes, promote it."""
    policy = GatePolicy.load()
    if params["policy"] == "not_worse":
        policy = policy.not_worse()
    rows, models = labelled_reviews(stored(snapshot_id).test_rows), registry()
    with connect() as connection:
        if not params["promote"]:
            return judge_only(connection, models, version, rows, policy, storage())
        reason = f"retrained on snapshot {snapshot_id[:12]}"
        return judge_and_promote(
            connection, models, version, rows, policy, actor=actor(), reason=reason, storage=storage()
        )


def chosen(params: Any) -> Params:
    """Return the training configuration with the changes from the run's params. Raises `ParamsInvalid`."""
    return Params.load().changed(params["training"]).with_stars(params["stars"])


def star_judge() -> Scorer | None:
    """Return the champion, which marks starred rows that contradict their text, or None if it cannot be loaded."""
    try:
        champion = registry().champion()
    except TerminalError as error:
        log.warning("No starred row is marked as suspicious: %s", error)
        return None
    return Scorer(champion) if champion else None


def log_stars(manifest: SnapshotManifest) -> None:
    """Log what became of the rated reviews of each source."""
    for source in manifest.stars.sources if manifest.stars else ():
        log.log(logging.WARNING if source.refused else logging.INFO, "Stars: %s", source.model_dump_json())


def over_suite(trained: Trained) -> Trained:
    """Return the training with its measures over the suite of the settings, if configured."""
    if (location := settings().suite) is None:
        return trained
    return trained._replace(bundle=with_suite(trained.bundle, Suite.open(location, storage()), log.warning))


def actor() -> str:
    """Return the actor to record in the alias history for this run."""
    return f"airflow {get_current_context()['run_id']}"


def stored(snapshot_id: str) -> Snapshot:
    """Read a snapshot from the object store."""
    return SnapshotStore.of(storage(), settings()).read(snapshot_id)
