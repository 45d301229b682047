"""Report each move of the champion to people and to other DAGs, whoever or whatever made it."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any, Final

from airflow.sdk import AssetOrTimeSchedule, DeltaTriggerTimetable, dag, get_current_context, task
from alerting import alert_moves
from dag_defaults import task_defaults
from wiring import (
    CHAMPION_DECIDED,
    CHAMPION_MODEL,
    CHAMPION_MOVES,
    connect,
    fail_without_retry_if_terminal,
    reconcile_history,
    registry,
)

from sentiment_core.alerts.alert import Channel
from sentiment_core.alerts.champion_moves import ChampionMove, champion_moves
from sentiment_core.settings import settings

EVERY: Final = timedelta(minutes=10)

DOC = """
For each move of the **champion** in the history of the last two days that has no event of the asset `champion_model`
yet, it emits one. It also sends the alert `promotion` for each move that was not sent before. Moves are promotions and
rollbacks by `retrain`, `rollback` and `sentiment registry`, and moves in MLflow, which it first records in the history.

A retried or cleared run repeats neither events nor alerts.

It runs after `retrain` and `rollback`. With `SENTIMENT_ANNOUNCE_MOVES`, or if a channel of `SENTIMENT_ALERTS` gets
promotions, it also runs every 10 minutes and finds the moves of others.
"""


def schedule() -> Any:
    """Return the schedule: after each decision in Airflow and, if the settings ask for it, every ten minutes."""
    alerted = any("promotion" in Channel.parse(channel).causes for channel in settings().alerts)
    if settings().announce_moves or alerted:
        return AssetOrTimeSchedule(timetable=DeltaTriggerTimetable(EVERY), assets=[CHAMPION_DECIDED])
    return [CHAMPION_DECIDED]


@dag(
    schedule=schedule(),
    catchup=False,
    is_paused_upon_creation=False,  # `retrain` and `rollback` rely on it
    max_active_runs=1,
    default_args=task_defaults(retries=1, retry_delay_s=30, hours=1),
    doc_md=DOC,
    tags=["sentiment"],
)
def announce_moves() -> None:
    """Bring the history up to date, and report its moves."""

    # One at a time also if somebody makes a backfill: two tasks would emit the same events.
    @task(inlets=[CHAMPION_MODEL], outlets=[CHAMPION_MOVES], max_active_tis_per_dag=1)
    @fail_without_retry_if_terminal
    def announce() -> None:
        """Record moves made in MLflow, emit the events that are missing, and send the alerts that were not sent."""
        with connect() as connection:
            reconcile_history(connection, registry())
            moves = champion_moves(connection)
        emit(moves)
        alert_moves()

    announce()


def emit(moves: Sequence[ChampionMove]) -> None:
    """Add an event for each move that has none.

    Airflow stores them in the transaction in which the task succeeds. A task that fails or is killed before has emitted
    none, and the next one finds those of all tasks that succeeded. The time is part of a move's identity, because a
    restored database gives the ids of lost moves to new ones.
    """
    context = get_current_context()
    extras = (event.extra for event in context["inlet_events"][CHAMPION_MODEL])
    emitted = {(extra.get("promotion_id"), extra.get("moved_at")) for extra in extras}
    for move in moves:
        moved_at = move.moved_at.astimezone(UTC).isoformat()
        if move.state == "moved" and (move.promotion_id, moved_at) not in emitted:
            extra = {
                "promotion_id": move.promotion_id,
                "moved_at": moved_at,
                "kind": move.kind,
                "version": move.to_version,
            }
            context["outlet_events"][CHAMPION_MOVES].add(CHAMPION_MODEL, extra=extra)


announce_moves()
