"""Report promotions and rollbacks that were made outside of Airflow, by the command line or in MLflow."""

from datetime import timedelta
from typing import Any, Final

from airflow.sdk import DeltaTriggerTimetable, dag, task
from alerting import alert_moves
from dag_defaults import task_defaults
from wiring import connect, fail_without_retry_if_terminal, reconcile_history, registry

from sentiment_core.alerts.alert import Channel
from sentiment_core.settings import settings

EVERY: Final = timedelta(minutes=10)

DOC = """
Sends the alert `promotion` for each move of the **champion** in the history of the last two days that was not sent
before: promotions and rollbacks by `sentiment registry`, and moves in MLflow, which it first records in the history.

`retrain` and `rollback` report their own moves immediately. Each move is one message in each channel, no matter which
DAG sends it.

It runs every 10 minutes if a channel of `SENTIMENT_ALERTS` gets promotions. Otherwise it has no schedule.
"""


def schedule() -> Any:
    """Return the schedule, or None if no channel gets promotions."""
    wanted = any("promotion" in Channel.parse(channel).causes for channel in settings().alerts)
    return DeltaTriggerTimetable(EVERY) if wanted else None


@dag(
    schedule=schedule(),
    catchup=False,
    is_paused_upon_creation=False,  # the setting of the channels turns it on
    max_active_runs=1,
    default_args=task_defaults(retries=1, retry_delay_s=30, hours=1),
    doc_md=DOC,
    tags=["sentiment"],
)
def announce_moves() -> None:
    """Bring the history up to date, and report its moves."""

    @task
    @fail_without_retry_if_terminal
    def announce() -> None:
        """Record moves made in MLflow, and send what was not sent."""
        with connect() as connection:
            reconcile_history(connection, registry())
        alert_moves()

    announce()


announce_moves()
