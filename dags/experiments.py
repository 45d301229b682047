"""Manually started experiments: the trials of an experiment run as mapped tasks and are compared in MLflow."""

import logging
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from dag_defaults import task_defaults
from wiring import fail_without_retry_if_terminal, run_params, storage

from sentiment_core.errors import TrialFailed
from sentiment_core.experiments.catalogue import MAX_ROUNDS, NAMES
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

DOC = """
Runs the trials of one **experiment** on labelled reviews in the bucket and compares them.

* **Start**: *Trigger* and choose the experiment. Optionally set `data` to a key, or to a prefix for all CSV files below
  it.
* **Result**: an MLflow run under `sentiment/experiments/NAME`, named after the experiment and its start time. Its
  artifacts are `comparison.csv`, `comparison.md` and `comparison.png`. Each trial is a run nested in it.
* If a trial fails, MLflow and the task's log show the reason. The other trials continue, and the DAG run fails at its
  end.
"""


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=2,
    default_args=task_defaults(retries=2, retry_delay_s=20, hours=12),
    params={
        "experiment": Param(
            NAMES[0],
            type="string",
            enum=list(NAMES),
            title="Experiment",
            description_md="docs/experiments.md describes the question that each one answers.",
        ),
        "data": Param(
            None,
            type=["null", "string"],
            title="Labelled reviews",
            description_md="Key of a CSV file, or a prefix of several. Empty: `SENTIMENT_TRAINING_PREFIX`.",
        ),
        "group_column": Param(
            None,
            type=["null", "string"],
            title="Group column",
            description_md="Rows with the same value (such as a product) share a fold. Empty: group by text.",
        ),
        "rows": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Rows",
            description_md="Maximum reviews of each kind, chosen by hash. Empty: all.",
        ),
        "unlabelled": Param(
            None,
            type=["null", "string"],
            title="Unlabelled reviews",
            description_md="Key or prefix of reviews without labels. `semi-supervised` needs them.",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def experiments() -> None:
    """Plan an experiment, run its trials round by round, and compare them."""

    @task
    @fail_without_retry_if_terminal
    def plan() -> list[str]:
        """Read the reviews, create the parent run in MLflow, and return the names of the first round's trials."""
        from sentiment_core.experiments.mlflow_run import ExperimentRun  # noqa: PLC0415 -- MLflow is slow to import

        context = get_current_context()
        chosen, params = run_params(), training_params()
        run = ExperimentRun.start(
            settings().require_mlflow_tracking_uri(),
            chosen["experiment"],
            read(chosen),
            {name: chosen[name] for name in ("group_column", "unlabelled")}
            | {"data": f"s3://{settings().bucket}/{where(chosen)}", "folds": params.calibration.folds},
            started_by=context["run_id"],
        )
        return [trial.name for trial in run.experiment.round(0)]

    @task(map_index_template="{{ task.op_kwargs['name'] }}")
    @fail_without_retry_if_terminal
    def trial(name: str) -> None:
        """Score a trial in a separate run, nested in the experiment's run."""
        run, chosen = started_run(), run_params()
        result = run.record(run.experiment.trial(name), read(chosen), training_params(), log.info)
        if result.failure is not None:
            raise TrialFailed(trial=name, why=result.failure)
        log.info("%s: accuracy %.2f %%", name, 100 * result.measures["accuracy"])

    # A failed trial must not stop the others. An experiment with one round skips the remaining tasks.
    @task(trigger_rule="all_done_min_one_success")
    @fail_without_retry_if_terminal
    def survivors(number: int) -> list[str]:
        """Return the names of the trials that continue to a round."""
        run = started_run()
        return [trial.name for trial in run.experiment.round(number, run.results())]

    # This task also runs when all trials have failed, because the MLflow run must be ended.
    @task(trigger_rule="all_done")
    @fail_without_retry_if_terminal
    def compare() -> None:
        """Log the table and the plot of all trials. Fail if any trial failed."""
        from sentiment_core.experiments.comparison import TrialComparison  # noqa: PLC0415

        run = started_run()
        comparison = TrialComparison.of(run.experiment, run.results())
        run.finish(comparison)
        log.info("%s", comparison.markdown())
        comparison.require_success()

    names = plan()
    last = trial.override(task_id="round_1").expand(name=names)
    for number in range(1, MAX_ROUNDS):
        names = survivors.override(task_id=f"survivors_{number}")(number)
        last >> names
        last = trial.override(task_id=f"round_{number + 1}").expand(name=names)
    last >> compare()


def where(chosen: Any) -> str:
    """Return the key or prefix of the labelled reviews that a run's params name."""
    return str(chosen["data"] or settings().training_prefix)


def read(chosen: Any) -> Any:
    """Return the reviews that a run's params name."""
    from sentiment_core.datasets.labelled_csv import read_labelled, read_texts  # noqa: PLC0415
    from sentiment_core.datasets.labelled_objects import labelled_objects  # noqa: PLC0415
    from sentiment_core.experiments.trial import prepare  # noqa: PLC0415

    params, bucket, store = training_params(), settings().bucket, storage()
    files = labelled_objects(store, bucket, where(chosen))
    reviews = read_labelled(files, params.data, chosen["group_column"], store)
    unlabelled = []
    if chosen["unlabelled"]:
        unlabelled = read_texts(labelled_objects(store, bucket, chosen["unlabelled"]), store)
    return prepare(reviews, params, unlabelled, chosen["rows"])


def started_run() -> Any:
    """Return the experiment's MLflow run that this DAG run has created."""
    from sentiment_core.experiments.mlflow_run import ExperimentRun  # noqa: PLC0415

    experiment = run_params()["experiment"]
    uri = settings().require_mlflow_tracking_uri()
    return ExperimentRun.find(uri, experiment, get_current_context()["run_id"])


def training_params() -> Any:
    """Return the training configuration."""
    from sentiment_core.params import Params  # noqa: PLC0415

    return Params.load()


experiments()
