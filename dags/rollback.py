"""Rollback: the previous good version becomes the champion again."""

from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from alerting import alert_moves
from dag_defaults import task_defaults
from wiring import CHAMPION_DECIDED, connect, fail_without_retry_if_terminal, registry, run_params

from sentiment_core.errors import RollbackImpossible
from sentiment_core.promotion.alias_moves import rollback as roll_back
from sentiment_core.registry.names import CHAMPION

DOC = """
Makes the previous good version the **champion** again, as `sentiment registry rollback` does. The service uses it
within seconds, and the next nightly run scores with it. Directly after a rollback, another run changes nothing.

* **Start**: the page *Models*, or *Trigger*.
* Stored scores stay as they are. To make the views show the older version's scores of past days, run `rescore`.
"""


@dag(
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,  # only people start it
    max_active_runs=1,
    default_args=task_defaults(retries=2, retry_delay_s=10, hours=1),
    params={
        "from_version": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="From version",
            description_md="Version that must be the champion. Otherwise the run fails. Empty: any version.",
        ),
        "reason": Param(
            "rolled back",
            type="string",
            minLength=1,
            maxLength=500,
            title="Reason",
            description_md="Recorded in the history.",
        ),
    },
    doc_md=DOC,
    tags=["sentiment"],
)
def rollback() -> None:
    """Move the alias back."""

    @task(outlets=[CHAMPION_DECIDED])
    @fail_without_retry_if_terminal
    def move_back() -> dict[str, Any]:
        """Point the alias at the last good version, and record it. Return the move."""
        params, models = run_params(), registry()
        if params["from_version"] is not None:
            version, _ = models.resolve(None)
            if version != params["from_version"]:
                why = f"version {version} is the champion now, not version {params['from_version']}"
                raise RollbackImpossible(alias=CHAMPION, why=why)
        with connect() as connection:
            actor = f"airflow {get_current_context()['run_id']}"
            move = roll_back(connection, models, actor=actor, reason=params["reason"])
        alert_moves()
        return move._asdict()

    move_back()


rollback()
