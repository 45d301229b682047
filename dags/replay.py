"""Replay the rejected rows of chosen files, or read the files again. Operators start it from the Sentiment pages."""

import logging
from datetime import date
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from dag_defaults import task_defaults
from scoring_tasks import fetch_model, report
from wiring import connect, fail_without_retry_if_terminal, reconcile_history, registry, run_params, storage

from sentiment_core.drops.drop import parse_day
from sentiment_core.ledger.models import ensure_model
from sentiment_core.ledger.quarantine import QuarantineFilter, QuarantineGroup
from sentiment_core.loading.progress import StoredProgress
from sentiment_core.loading.replay_run import plan_replay, replay_group, summarise_replay
from sentiment_core.loading.scoring_run import RunPlan, get_plan, yesterday
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

DOC = """
Loads **rejected rows** again after the contract of a source or a setting has changed. Rows that now satisfy the
contract are scored by the champion. The others stay in the quarantine. Repeating a run adds no rows.

The page *Sentiment → Quarantine* starts runs of this DAG, and so does the page of each file. The params select files as
`sentiment quarantine replay` does. Without any param, all rejected rows and files are replayed.
"""


@dag(
    schedule=None,
    # The pages start its runs, which would wait for ever while the DAG is paused. Without a schedule it starts none.
    is_paused_upon_creation=False,
    max_active_runs=4,
    default_args=task_defaults(retries=3, retry_delay_s=20, hours=6),
    params={
        "files": Param(
            [],
            type="array",
            items={"type": "integer", "minimum": 1},
            maxItems=10_000,
            title="Files",
            description_md="File numbers of the ledger. Empty: all files that the other params select.",
        ),
        "since": Param(None, type=["null", "string"], format="date", title="Since", description_md="First day."),
        "until": Param(None, type=["null", "string"], format="date", title="Until", description_md="Last day."),
        "source": Param(None, type=["null", "string"], title="Source", description_md="Source of the files."),
        "code": Param(None, type=["null", "string"], title="Code", description_md="Reason code of the entries."),
        "groups": Param(
            [],
            type="array",
            items={
                "type": "object",
                "properties": {
                    "day": {"type": "string", "format": "date"},
                    "source": {"type": "string"},
                    "code": {"type": "string"},
                },
                "required": ["day", "source", "code"],
                "additionalProperties": False,
            },
            maxItems=1_000,
            title="Groups",
            description_md="Days with a source and a code, such as "
            '`[{"day": "2026-11-16", "source": "shop", "code": "invalid_rating"}]`. Empty: all.',
        ),
        "replace": Param(
            False,
            type="boolean",
            title="Replace",
            description_md="Read the `files` again from the object store, and replace their rows.",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def replay() -> None:
    """Plan the chosen files in groups, replay the groups, and summarise."""

    @task
    @fail_without_retry_if_terminal
    def plan() -> list[int]:
        """Resolve the champion once, select the files, and store their groups. Return the ids of the groups."""
        context = get_current_context()
        params, models = run_params(), registry()
        version, digest = models.resolve(None)
        choice = QuarantineFilter(
            params["since"] and parse_day(params["since"]),
            params["until"] and parse_day(params["until"]),
            params["source"],
            params["code"],
            tuple(params["files"]),
            groups=[
                QuarantineGroup(date.fromisoformat(each["day"]), each["source"], each["code"])
                for each in params["groups"]
            ],
        )
        with connect() as connection:
            reconcile_history(connection, models)
            model_id = ensure_model(connection, digest, settings().model_name, version)
            run_id = context["dag_run"].run_id
            run_plan = RunPlan(run_id, yesterday(), model_id, version, champion=True, replace=params["replace"])
            groups = plan_replay(connection, settings(), run_plan, choice)
        log.info("Model version %s (%s): %s groups of files", version, digest[:12], len(groups))
        return groups

    @task(map_index_template="{{ task.op_kwargs['group_id'] }}", pool=settings().pool)
    @fail_without_retry_if_terminal
    def score(group_id: int) -> None:
        """Replay or read again each file of a group."""
        with connect() as connection:
            run_plan = get_plan(connection, get_current_context()["run_id"])
            model = fetch_model(connection, run_plan.version)
            progress = StoredProgress(connect, run_plan.run_id)
            replay_group(connection, storage(), settings(), run_plan, model, group_id, report, progress)

    @task(trigger_rule="none_failed")
    @fail_without_retry_if_terminal
    def summary() -> dict[str, Any]:
        """Report how many rows were loaded."""
        with connect() as connection:
            found = summarise_replay(connection, get_current_context()["run_id"])
        log.info(
            "%s of %s files: %s rows scored, %s duplicate",
            found.loaded,
            found.files,
            found.rows_scored,
            found.rows_duplicate,
        )
        return found._asdict()

    score.expand(group_id=plan()) >> summary()


replay()
