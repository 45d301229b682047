"""The tasks of the DAG `retrain` that rescore past days with a model that was promoted."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from sentiment_core.loading.scoring_run import yesterday
from sentiment_core.settings import settings


@task
def past_days(verdict: dict[str, Any]) -> dict[str, str]:
    """Return the conf of the run that rescores past days with the promoted version."""
    if not verdict["promoted"]:
        raise AirflowSkipException("No version was promoted.")
    since = yesterday() - timedelta(days=settings().rescore_promoted_days - 1)
    return {"model_version": str(verdict["version"]), "since": since.isoformat()}


def then_rescore(verdict: Any) -> None:
    """Add the tasks that start the DAG `rescore` after a promotion, if the settings ask for it."""
    if not settings().rescore_promoted_days:
        return
    TriggerDagRunOperator(
        task_id="rescore",
        trigger_dag_id="rescore",
        trigger_run_id="promotion__{{ run_id }}",
        conf=past_days(verdict),  # type: ignore[arg-type]
        # Airflow allows one run per name, so a cleared task triggers nothing twice.
        skip_when_already_exists=True,
    )
