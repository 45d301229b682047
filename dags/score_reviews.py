"""The nightly run: score the reviews dropped for a day and store them in PostgreSQL."""

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import CronPartitionTimetable, Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from alerting import alert_data
from dag_defaults import task_defaults
from linked_task import linked_task
from scoring_tasks import FILES_LINK, fetch_model, score_files, summarise_run
from wiring import (
    SCORED_REVIEWS,
    connect,
    fail_without_retry_if_terminal,
    reconcile_history,
    registry,
    run_day,
    run_params,
    storage,
)

from sentiment_core.aspects.kept import keep_aspects
from sentiment_core.drivers.kept import keep_drivers
from sentiment_core.ledger.complete_days import changed_by_arrivals, complete
from sentiment_core.ledger.models import ensure_model
from sentiment_core.ledger.statistics import refresh_statistics
from sentiment_core.loading.scoring_run import RunPlan, get_plan, plan_run, planned_days
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

DOC = """
Scores the files of one **day** (`dt=YYYY-MM-DD` in the key, or else the UTC day of the drop). Each file is stored
entirely or not at all, once for each model. Running a day again adds no rows.

* **Nightly** at 02:00 UTC for the previous day. This run also loads late files of earlier days.
* **One day**: *Trigger* and fill `day`, or the partition key under *Advanced Options*.
* **Many days**: *Trigger → Backfill*. To run days again, choose the reprocess behaviour **All runs** (`completed`),
  because *Missing runs* skips them. Params take effect only if *Override parameters on existing runs* is ticked, even
  for new runs.
"""


@dag(
    # Runs at 02:00 UTC, for the previous day. There is no start_date, because a run for an earlier day would silently
    # do nothing, and turning the DAG on would immediately run last night. run_immediately=False has the same effect in
    # the first tenth of the day. A timedelta of zero was also observed to have it; the smallest timedelta was not.
    # This holds for the first run only. If the DAG has runs of a backfill, Airflow immediately runs last night.
    schedule=CronPartitionTimetable(
        "0 0 * * *",
        timezone="Etc/GMT+2",
        run_offset=-1,
        key_format="%Y-%m-%d",
        run_immediately=timedelta(microseconds=1),
    ),
    catchup=False,
    max_active_runs=4,
    default_args=task_defaults(retries=3, retry_delay_s=20, hours=6),
    params={
        "model_version": Param(
            None,
            type=["null", "string"],
            title="Model version",
            description_md="Version or alias of the registered model. Empty: the `champion`.",
        ),
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description_md="Day to score in a single run. A backfill sets its own days. Empty: yesterday (UTC).",
        ),
        "replace": Param(
            False,
            type="boolean",
            title="Replace",
            description_md="Reload and rescore files that this model has scored, and retry rejected files.",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def score_reviews() -> None:
    """Plan the day's files in groups, score the groups, summarise, and keep the drivers and the aspects."""

    @task
    @fail_without_retry_if_terminal
    def plan() -> list[int]:
        """List the bucket, resolve the model once, and store the groups of files. Return the ids of the groups."""
        context = get_current_context()
        run, params = context["dag_run"], run_params()
        day = run_day(run, params)
        models = registry()
        version, digest = models.resolve(params["model_version"])
        with connect() as connection:
            reconcile_history(connection, models)
            run_plan = RunPlan(
                run.run_id,
                day,
                ensure_model(connection, digest, settings().model_name, version),
                version,
                digest == models.champion_digest(),
                params["replace"],
            )
            groups = plan_run(connection, storage(), settings(), run_plan, include_earlier=includes_earlier_days(run))
        log.info("%s by model version %s (%s): %s groups of files", day, version, digest[:12], len(groups))
        return groups

    @linked_task(FILES_LINK, map_index_template="{{ task.op_kwargs['group_id'] }}", pool=settings().pool)
    @fail_without_retry_if_terminal
    def score(group_id: int) -> None:
        """Load or rescore each file of a group."""
        score_files(group_id)

    @task(trigger_rule="none_failed", outlets=[SCORED_REVIEWS])
    @fail_without_retry_if_terminal
    def summary() -> dict[str, Any]:
        """Check that every file of the plan has reached its final state. Complete the days and emit their events.

        The planner gets statistics that cover the new reviews.
        """
        context = get_current_context()
        with connect() as connection:
            found = summarise_run(connection, context["run_id"])
            days = planned_days(connection, context["run_id"])
            day, nightly = days[-1], includes_earlier_days(context["dag_run"])
            if nightly:
                days += changed_by_arrivals(connection, until=day)
            complete(connection, days)
            refresh_statistics(connection)
            alert_data(connection, context, day if nightly else None)
        event = context["outlet_events"][SCORED_REVIEWS]
        event.extra = found._asdict()
        event.add_partitions([day.isoformat() for day in sorted(set(days))])
        return found._asdict()

    @task
    @fail_without_retry_if_terminal
    def drivers() -> int:
        """Keep what moved the sentiment of large groups, and the aspects, if the champion scored. Return the groups."""
        with connect() as connection:
            run_plan = get_plan(connection, get_current_context()["run_id"])
            if not run_plan.champion:
                raise AirflowSkipException("The model of this run is not the champion.")
            days = planned_days(connection, run_plan.run_id)
            model = fetch_model(connection, run_plan.version)
            groups = keep_drivers(connection, model, settings(), days)
            aspect_days = keep_aspects(connection, model, settings())
        log.info("Groups whose drivers were computed: %s", len(groups))
        log.info("Days whose aspects were computed: %s", len(aspect_days))
        return len(groups)

    score.expand(group_id=plan()) >> summary() >> drivers()


def includes_earlier_days(run: Any) -> bool:
    """Return whether a run also loads late files of earlier days, as the nightly runs do."""
    return run.run_type in ("scheduled", "asset_triggered")


score_reviews()
