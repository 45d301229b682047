"""Score files minutes after their drop: on a message of an SQS queue, or by polling the bucket. Off by default."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, DeltaTriggerTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from alerting import alert_data
from dag_defaults import task_defaults
from linked_task import linked_task
from scoring_tasks import FILES_LINK, score_files, summarise_run
from wiring import AWS_CONNECTION, connect, fail_without_retry_if_terminal, registry, run_params, storage

from sentiment_core.ledger.models import ensure_model
from sentiment_core.loading.scoring_run import RunPlan, plan_arrivals
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

DOC = """
Scores the files that the ledger has not read yet, of **any day up to today**, soon after their drop.

* **Off by default**: without `SENTIMENT_ARRIVALS_QUEUE` and `SENTIMENT_ARRIVALS_EVERY_S` this DAG has no schedule, but
  *Trigger* still scores what has arrived.
* A message of the queue is only a **hint** that starts a run. The run lists the bucket, so a lost, repeated, late or
  forged message changes only the delay.
* `score_reviews` remains the guarantee. It alone completes a day, and `monitor_drift` measures complete days.
"""


def schedule() -> Any:
    """Return the schedule that the settings name: messages of a queue, a poll, both, or None."""
    period = settings().arrivals_every_s
    poll = DeltaTriggerTimetable(timedelta(seconds=period)) if period else None
    if settings().arrivals_queue is None:
        return poll
    arrivals = [Asset("arrivals", watchers=[AssetWatcher(name="queue", trigger=queue_trigger())])]
    return AssetOrTimeSchedule(timetable=poll, assets=arrivals) if poll else arrivals


def queue_trigger() -> Any:
    """Return the trigger that waits for messages of the queue in the settings."""
    from airflow.providers.amazon.aws.triggers.sqs import SqsSensorTrigger  # noqa: PLC0415 -- only for a queue

    # Long polling: a message is received within a moment, and an idle queue costs three requests a minute. One batch,
    # because an empty second batch would delay the event by its 20 seconds.
    return SqsSensorTrigger(
        sqs_queue=settings().arrivals_queue or "",
        aws_conn_id=AWS_CONNECTION,
        max_messages=10,
        num_batches=1,
        wait_time_seconds=20,
        waiter_delay=1,
    )


@dag(
    schedule=schedule(),
    catchup=False,
    max_active_runs=1,  # messages that come during a run start one run after it
    default_args=task_defaults(retries=2, retry_delay_s=10, hours=6),
    doc_md=DOC,
    tags=["sentiment"],
)
def score_arrivals() -> None:
    """Plan the files that were never read, score them, and summarise."""

    @task
    @fail_without_retry_if_terminal
    def plan() -> list[int]:
        """List the bucket, resolve the champion, and store the groups of unread files. Skip the run if none are."""
        run_params()
        models = registry()
        version, digest = models.resolve(None)
        with connect() as connection:
            run_plan = RunPlan(
                get_current_context()["run_id"],
                datetime.now(UTC).date(),
                ensure_model(connection, digest, settings().model_name, version),
                version,
                champion=True,
                replace=False,
                arrivals=True,
            )
            groups = plan_arrivals(connection, storage(), settings(), run_plan)
        if not groups:
            raise AirflowSkipException("No file is waiting.")
        log.info("Model version %s (%s): %s groups of files", version, digest[:12], len(groups))
        return groups

    @linked_task(FILES_LINK, map_index_template="{{ task.op_kwargs['group_id'] }}", pool=settings().pool)
    @fail_without_retry_if_terminal
    def score(group_id: int) -> None:
        """Load each file of a group."""
        score_files(group_id)

    @task(trigger_rule="none_failed_min_one_success")
    @fail_without_retry_if_terminal
    def summary() -> dict[str, Any]:
        """Check that every file of the plan has reached its final state. No day is completed."""
        context = get_current_context()
        with connect() as connection:
            found = summarise_run(connection, context["run_id"])
            alert_data(connection, context, None)
        return found._asdict()

    score.expand(group_id=plan()) >> summary()


score_arrivals()
