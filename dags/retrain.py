"""Retraining: take a snapshot of labelled data, train a model on it, and judge it by the promotion gate."""

import logging
import tempfile
from pathlib import Path
from typing import Any

from airflow.sdk import AssetAlias, Param, dag, get_current_context, task
from alerting import alert_promotion
from dag_defaults import task_defaults
from linked_task import linked_task, set_link
from wiring import (
    CHAMPION_MODEL,
    connect,
    fail_without_retry_if_terminal,
    reconcile_history,
    registry,
    run_params,
    storage,
)

from sentiment_core.datasets.checks import check, require_passed
from sentiment_core.datasets.snapshot import Days, Snapshot, SnapshotManifest, labelled_reviews
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.datasets.suite import Suite
from sentiment_core.errors import TerminalError
from sentiment_core.evaluation.suite_report import with_suite
from sentiment_core.model.scorer import Scorer
from sentiment_core.params import Params
from sentiment_core.promotion.alias_moves import promote
from sentiment_core.promotion.challenge import ChallengeOutcome, judge_and_promote, judge_only
from sentiment_core.promotion.policy import GatePolicy
from sentiment_core.registry.names import CHALLENGER
from sentiment_core.settings import settings
from sentiment_core.training.from_snapshot import make_snapshot, train_snapshot
from sentiment_core.training.learning_curve import learning_curve
from sentiment_core.training.mlflow_run import log_training
from sentiment_core.training.train import Trained

log = logging.getLogger(__name__)

RUN_LINK, MODEL_LINK = "MLflow run", "Model version"
# An alias, because an event is emitted only for a model that was promoted.
MOVES = AssetAlias("champion_model_moves")

DOC = """
Creates an immutable **snapshot** of the labelled files below `training/`, of the users' corrections and, with `stars`,
of stored reviews with a rating. **Validates** it, **trains** on its training side, logs the run to MLflow, and
registers the model as `challenger`. The **gate** then compares it with the champion on the snapshot's test side. If it
passes, it becomes the `champion`. Otherwise it stays the challenger. The run succeeds in both cases, and
`sentiment registry history` shows the verdict.

* **Manual start**: *Trigger*. `training` overrides settings of `params.yaml` for this run, such as
  `{"model": {"C": 3}}`.
* **Two steps with manual approval**: first run with `promote` off, which fails if the gate refuses. Then run with the
  `version` that the first run registered.
* **After drift** the policy is `not_worse`: the new model replaces the champion if it is *not worse* on old data.
"""


@dag(
    dag_id="retrain",
    schedule=settings().retrain_schedule,
    catchup=False,
    max_active_runs=1,  # two concurrent runs would be judged against the same champion
    default_args=task_defaults(retries=2, retry_delay_s=60, hours=12),
    params={
        "since": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Since",
            description_md="First day of the labelled files and corrections. Empty: all.",
        ),
        "until": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Until",
            description_md="Last day of the labelled files and corrections. Empty: all.",
        ),
        "stars": Param(
            settings().retrain_stars or None,
            type=["null", "boolean"],
            title="Learn from stars",
            description_md="Also learn from stored reviews with a rating. Empty: as `stars.enabled` of `params.yaml`.",
        ),
        "training": Param(
            {},
            type="object",
            title="Training settings",
            description_md="Settings of `params.yaml` to override in this run, by section.",
        ),
        "policy": Param(
            "better",
            enum=["better", "not_worse"],
            title="Policy",
            description_md="`better`: accuracy must be higher. `not_worse`: it must not drop by more than a margin. "
            "docs/models.md describes both.",
        ),
        "learning_curve": Param(
            True,
            type="boolean",
            title="Learning curve",
            description_md="Also train on fractions of the data, to show whether more data would help.",
        ),
        "promote": Param(
            True,
            type="boolean",
            title="Promote",
            description_md="Off: the champion does not change, and the run fails if the gate refuses the model.",
        ),
        "version": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Version",
            description_md="Registered version to judge instead of training a new one. Empty: train.",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def retrain() -> None:
    """Create a snapshot, validate it, train on it, and apply the promotion gate."""

    @task
    @fail_without_retry_if_terminal
    def snapshot() -> str:
        """Collect, split and store the labelled data. Return the snapshot's id."""
        params = run_params()
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

    @task
    @fail_without_retry_if_terminal
    def validate(snapshot_id: str) -> str:
        """Check the snapshot against the limits of the configuration. Return its id when it satisfies all of them."""
        checks = check(stored(snapshot_id), chosen(run_params()))
        for each in checks:
            log.info("%s, limit %g: %s", each.name, each.limit, each.detail)
        require_passed(checks)
        return snapshot_id

    @linked_task(RUN_LINK, MODEL_LINK)
    @fail_without_retry_if_terminal
    def train(snapshot_id: str) -> int:
        """Train, log the run to MLflow and register the bundle as challenger.

        Return the new version, or the given one.
        """
        params = run_params()
        if params["version"] is not None:
            link(params["version"])
            return int(params["version"])
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
        link(run.version, run.run_id)
        with connect() as connection:
            promote(
                connection,
                models,
                run.version,
                alias=CHALLENGER,
                actor=actor(),
                reason=f"trained on snapshot {snapshot_id[:12]}",
                kind="set",
            )
        log.info("Version %s is the %s, MLflow run %s", run.version, CHALLENGER, run.run_id)
        return run.version

    @linked_task(MODEL_LINK, outlets=[MOVES])
    @fail_without_retry_if_terminal
    def gate(snapshot_id: str, version: int) -> dict[str, Any]:
        """Judge the challenger on the test side and promote it if it passes. Return the verdict."""
        params = run_params()
        policy = GatePolicy.load()
        if params["policy"] == "not_worse":
            policy = policy.not_worse()
        link(version)
        rows, models = labelled_reviews(stored(snapshot_id).test_rows), registry()
        with connect() as connection:
            if not params["promote"]:
                return {
                    "version": version,
                    **judge_only(connection, models, version, rows, policy, storage())._asdict(),
                }
            outcome = judge_and_promote(
                connection,
                models,
                version,
                rows,
                policy,
                actor=actor(),
                reason=f"retrained on snapshot {snapshot_id[:12]}",
                storage=storage(),
            )
        return announce(version, outcome)

    snapshot_id = validate(snapshot())
    gate(snapshot_id, train(snapshot_id))


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


def link(version: int, run_id: str | None = None) -> None:
    """Set the links of the running task to a version and, if given, to its run in MLflow."""
    uri = settings().require_mlflow_tracking_uri()
    set_link(MODEL_LINK, f"{uri}/#/models/{registry().name}/versions/{version}")
    if run_id is not None:
        set_link(RUN_LINK, f"{uri}/#/runs/{run_id}")


def announce(version: int, outcome: ChallengeOutcome) -> dict[str, Any]:
    """Log the decision about a version and alert people. Return it.

    If the version was promoted, emit an event of the asset `champion_model`.
    """
    log.log(logging.INFO if outcome.promoted else logging.WARNING, "%s", outcome.why)
    context = get_current_context()
    if outcome.promoted:
        context["outlet_events"][MOVES].add(CHAMPION_MODEL, extra={"version": version})
    alert_promotion(context, version, promoted=outcome.promoted, why=outcome.why)
    return {"version": version, **outcome._asdict()}


def actor() -> str:
    """Return the actor to record in the alias history for this run."""
    return f"airflow {get_current_context()['run_id']}"


def stored(snapshot_id: str) -> Snapshot:
    """Read a snapshot from the object store."""
    return SnapshotStore.of(storage(), settings()).read(snapshot_id)


retrain()
