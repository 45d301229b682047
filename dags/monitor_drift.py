"""Compare the reviews of a scored day with the champion's training reference."""

import importlib
import logging
from datetime import date
from http import HTTPStatus
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, PartitionedAssetTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException
from alerting import page, send
from dag_defaults import task_defaults
from httpx import HTTPStatusError
from wiring import SCORED_REVIEWS, connect, fail_without_retry_if_terminal, registry, run_day, run_params

from sentiment_core.alerts.alert import Alert
from sentiment_core.drift import report_store
from sentiment_core.drift.mlflow_run import log_run
from sentiment_core.drift.page import verdict
from sentiment_core.drift.statistics import MODEL_CAUSES, Cause, State
from sentiment_core.errors import SettingInvalid
from sentiment_core.ledger.models import open_model
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

RETRAIN = "retrain"

DOC = """
Compares the reviews of one **day** with the champion's training data: scores, labels, text lengths, unknown n-grams,
and the ratio of rejected rows. Measuring a day again replaces its report.

* Runs each time a day is scored, including past days. **Manual start**: *Trigger* and fill `day`.
* If a measure exceeds its threshold, the DAG logs a warning, calls the callback in `SENTIMENT_DRIFT_CALLBACK`, and
  triggers `retrain`, at most once in `SENTIMENT_DRIFT_RETRAIN_EVERY_D` days.
* The plot and the page are artifacts of the day's run in the MLflow experiment `monitor_drift`. The log of `report`
  contains its URL.
"""


def notify(context: Any) -> None:
    """Call the callback from the settings in the same way as Airflow calls callbacks."""
    name = settings().drift_callback
    if name is not None:
        callback(name)(context)


@dag(
    schedule=PartitionedAssetTimetable(assets=SCORED_REVIEWS),
    catchup=False,
    max_active_runs=4,
    default_args=task_defaults(retries=3, retry_delay_s=20, hours=2),
    params={
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description_md="Day to measure in a manual run. Empty: yesterday (UTC).",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def monitor_drift() -> None:
    """Measure and store the drift. Then report, alert and request a retraining, independently of each other."""

    @task
    @fail_without_retry_if_terminal
    def measure() -> dict[str, Any]:
        """Compare the day with the champion's reference and store the result."""
        context = get_current_context()
        day = run_day(context["dag_run"], run_params())
        models = registry()
        version, digest = models.resolve(None)
        with connect() as connection:
            model = open_model(connection, Scorer(Bundle.load(models.fetch(version).path)), version)
            reports = report_store.measure(connection, day, model, settings())
            report_store.store(connection, day, model.model_id, reports)
        whole, *products = reports
        level = logging.WARNING if whole.drifted or whole.state is State.NO_REFERENCE else logging.INFO
        log.log(level, "%s by model version %s (%s): %s", day, version, digest[:12], verdict(whole))
        drifted = sum(one.drifted for one in products)
        log.info("Products with enough reviews: %s. Products that drifted: %s", len(products), drifted)
        return {
            "day": day.isoformat(),
            "digest": digest,
            "model_id": model.model_id,
            "state": whole.state.value,
            "causes": [cause.value for cause in whole.causes],
            "verdict": verdict(whole),
            "drifted_products": drifted,
        }

    @task
    @fail_without_retry_if_terminal
    def report(found: dict[str, Any]) -> str:
        """Plot the day's drift and log it to MLflow."""
        day = date.fromisoformat(found["day"])
        with connect() as connection:
            reports = report_store.stored(connection, day, found["model_id"])
            past = report_store.trend(connection, day, found["model_id"])
        address = log_run(settings().require_mlflow_tracking_uri(), reports, past, day, found["digest"])
        log.info("Plot and page: %s", address)
        return address

    @task(on_success_callback=notify)
    @fail_without_retry_if_terminal
    def alert(found: dict[str, Any]) -> dict[str, Any]:
        """Warn about a day that drifted, and alert people. When this task succeeds, it calls the callback."""
        if not found["causes"]:
            raise AirflowSkipException(found["verdict"])
        name = settings().drift_callback
        if name is not None:
            callback(name)  # a missing callback must fail the task, not just be logged
        log.warning("Drift on %s. %s", found["day"], found["verdict"])
        send(drift_alert(found), get_current_context(), required=True)
        return found

    @task
    @fail_without_retry_if_terminal
    def ask(found: dict[str, Any]) -> str:
        """Return the name of the retraining run for this drift, or of the one requested a few days ago."""
        context = get_current_context()
        causes = [Cause(cause) for cause in found["causes"]]
        if not MODEL_CAUSES.intersection(causes):
            raise AirflowSkipException("None of the drifted measures is one that retraining can correct.")
        if not dag_exists(context["ti"], RETRAIN):
            log.warning("The DAG %s does not exist, so it is not triggered", RETRAIN)
            raise AirflowSkipException
        day, by = date.fromisoformat(found["day"]), context["run_id"]
        with connect() as connection:
            return report_store.request_retraining(connection, day, found["model_id"], causes, by, settings())

    found = measure()
    report(found)
    alert(found)
    TriggerDagRunOperator(
        task_id="retrain",
        trigger_dag_id=RETRAIN,
        trigger_run_id=ask(found),  # type: ignore[arg-type]
        conf={"policy": "not_worse"},
        # Airflow allows one run per name, so drift on the days after the first one triggers nothing.
        skip_when_already_exists=True,
    )


def drift_alert(found: dict[str, Any]) -> Alert:
    """Return the alert about a day that drifted."""
    return Alert(
        cause="drift",
        key=f"{found['day']} {found['digest'][:12]}",
        severity="warning",
        title=f"Reviews of {found['day']} differ from the model's training data",
        detail=found["verdict"],
        next_step="Open the day's plot in MLflow, from the log of the task `report`. docs/drift.md explains it.",
        link=page("files", day=found["day"]),
    )


def callback(name: str) -> Any:
    """Return the callable that `MODULE:NAME` names. Raises `SettingInvalid` when there is no such callable."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingInvalid(name="SENTIMENT_DRIFT_CALLBACK", why=str(error)) from error
    if not callable(found):
        raise SettingInvalid(name="SENTIMENT_DRIFT_CALLBACK", why=f"{name} is not callable")
    return found


def dag_exists(ti: Any, dag_id: str) -> bool:
    """Return whether Airflow knows a DAG."""
    try:
        ti.get_dag(dag_id)
    except AirflowRuntimeError as error:
        if (error.error.detail or {}).get("status_code") == HTTPStatus.NOT_FOUND:
            return False
        raise
    except HTTPStatusError as error:  # raised instead by `airflow dags test`
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


monitor_drift()
