"""Retraining: take a snapshot of labelled data, train a model on it, and judge it by the promotion gate."""

import logging
from typing import Any

from after_promotion import then_rescore
from airflow.sdk import Param, dag, task
from alerting import alert_moves, page
from dag_defaults import task_defaults
from linked_task import linked_task, set_link
from wiring import CHAMPION_DECIDED, fail_without_retry_if_terminal, run_params

from sentiment_core.settings import settings

log = logging.getLogger(__name__)

RUN_LINK, MODEL_LINK = "MLflow run", "Model version"

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
* **Past days**: with `SENTIMENT_RESCORE_PROMOTED_DAYS`, a promotion starts the DAG `rescore` for that many days.
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
        from retraining import take_snapshot  # noqa: PLC0415 -- slow to import, as below

        return take_snapshot(run_params())

    @task
    @fail_without_retry_if_terminal
    def validate(snapshot_id: str) -> str:
        """Check the snapshot against the limits of the configuration. Return its id when it satisfies all of them."""
        from retraining import check_snapshot  # noqa: PLC0415

        check_snapshot(snapshot_id, run_params())
        return snapshot_id

    @linked_task(RUN_LINK, MODEL_LINK)
    @fail_without_retry_if_terminal
    def train(snapshot_id: str) -> int:
        """Train, log the run to MLflow and register the bundle as challenger.

        Return the new version, or the given one.
        """
        from retraining import train_challenger  # noqa: PLC0415

        params = run_params()
        if params["version"] is not None:
            link(params["version"])
            return int(params["version"])
        run = train_challenger(snapshot_id, params)
        link(run.version, run.run_id)
        return run.version

    @linked_task(MODEL_LINK, outlets=[CHAMPION_DECIDED])
    @fail_without_retry_if_terminal
    def gate(snapshot_id: str, version: int) -> dict[str, Any]:
        """Judge the challenger on the test side and promote it if it passes. Return the verdict."""
        from retraining import judge_challenger  # noqa: PLC0415

        link(version)
        params = run_params()
        outcome = judge_challenger(snapshot_id, version, params)
        if params["promote"]:
            log.log(logging.INFO if outcome.promoted else logging.WARNING, "%s", outcome.why)
            alert_moves()
        return {"version": version, **outcome._asdict()}

    snapshot_id = validate(snapshot())
    then_rescore(gate(snapshot_id, train(snapshot_id)))


def link(version: int, run_id: str | None = None) -> None:
    """Set the links of the running task to a version's page and, if given, to its run in MLflow."""
    set_link(MODEL_LINK, page(f"models/{version}"))
    if run_id is not None:
        set_link(RUN_LINK, f"{settings().require_mlflow_tracking_uri()}/#/runs/{run_id}")


retrain()
