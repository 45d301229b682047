"""Rescoring: another model's scores for stored reviews, by several tasks at the same time."""

import logging
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from dag_defaults import task_defaults
from scoring_tasks import fetch_model, report
from wiring import connect, fail_without_retry_if_terminal, reconcile_history, registry, run_params

from sentiment_core.ledger.models import ensure_model
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.loading.rescoring_run import (
    RescoringWorker,
    Selection,
    remaining_work,
    require_files,
    rescored_rows,
)
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

DOC = """
Scores **stored reviews** of a range of days with another version of the model, from their stored text. It reads no
file. Reviews that the model has scored are skipped, so a run can be repeated or cleared at any time: it continues where
it stopped.

* **Start**: *Trigger* and fill `since` and `until`. Empty fields mean all days.
* Scores of all models are kept. The views show the new ones if the version is the champion, or with `make_current`.
* `parallel` tasks share the files, the newest day first. Each file is one transaction. The tasks' logs contain a line
  for each file, with its rows and rows/s.
* To stop a run, mark it as failed. Scored files stay scored.
"""


@dag(
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,  # only people and promotions start it
    max_active_runs=1,  # a second run waits, and then has less to do
    default_args=task_defaults(retries=3, retry_delay_s=20, hours=12),
    params={
        "since": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Since",
            description_md="First day of the files. Empty: the first loaded day.",
        ),
        "until": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Until",
            description_md="Last day of the files. Empty: the last loaded day.",
        ),
        "sources": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            title="Sources",
            description_md="Sources of the files, one a line. Empty: all.",
        ),
        "model_version": Param(
            None,
            type=["null", "string"],
            title="Model version",
            description_md="Version or alias of the registered model. Empty: the `champion`.",
        ),
        "make_current": Param(
            False,
            type="boolean",
            title="Make current",
            description_md="Let the views show these scores even if the model is not the champion.",
        ),
        "parallel": Param(
            4,
            type="integer",
            minimum=1,
            maximum=64,
            title="Parallel tasks",
            description_md="Number of tasks that score at the same time. Each needs the memory of one model.",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def rescore() -> None:
    """Resolve the model once, rescore in parallel tasks, and check that nothing is left."""

    @task
    @fail_without_retry_if_terminal
    def plan() -> list[dict[str, Any]]:
        """Check the params and resolve the model. Return the same plan for each task, or none if nothing is to do."""
        params, models = run_params(), registry()
        selection = Selection.of(params["since"], params["until"], params["sources"] or ())
        version, digest = models.resolve(params["model_version"])
        make_current = params["make_current"] or digest == models.champion_digest()
        with connect() as connection:
            reconcile_history(connection, models)
            model_id = ensure_model(connection, digest, settings().model_name, version)
            with connection, connection.cursor() as cursor:
                require_files(cursor, selection)
                work = remaining_work(cursor, selection, model_id, make_current)
        log.info(
            "Version %s (%s) has to score up to %s rows of %s files, of %s days",
            version,
            digest[:12],
            work.rows,
            work.files,
            work.days,
        )
        planned = {
            "since": selection.since.isoformat(),
            "until": selection.until.isoformat(),
            "sources": list(selection.sources),
            "version": version,
            "make_current": make_current,
        }
        return [planned | {"task": number} for number in range(min(params["parallel"], work.files))]

    @task(map_index_template="{{ task.op_kwargs['planned']['task'] }}")
    @fail_without_retry_if_terminal
    def score(planned: dict[str, Any]) -> None:
        """Rescore files until none is left that no other task is processing."""
        work_through(planned, wait=False)

    @task(trigger_rule="none_failed")
    @fail_without_retry_if_terminal
    def summary(planned: list[dict[str, Any]]) -> dict[str, int]:
        """Rescore files that a load or replay had locked when the tasks came to them, and count what the run did."""
        if planned:
            work_through(planned[0], wait=True)
        with connect() as connection, connection, connection.cursor() as cursor:
            files, rows = rescored_rows(cursor, get_current_context()["run_id"])
        log.info("Rescored %s rows of %s files", rows, files)
        return {"files": files, "rows": rows}

    plans = plan()
    score.expand(planned=plans) >> summary(plans)


def work_through(planned: dict[str, Any], wait: bool) -> None:
    """Rescore the remaining files of a plan."""
    selection = Selection.of(planned["since"], planned["until"], planned["sources"])
    with connect() as connection:
        model = fetch_model(connection, planned["version"])
        rescorer = Rescorer(connection, model, settings(), get_current_context()["run_id"])
        RescoringWorker(rescorer, selection, planned["make_current"]).run(report, wait=wait)


rescore()
