"""The rollback of the champion as Airflow runs it: once, and only from the version that the operator saw."""

from datetime import datetime

from sentiment_core.database.connection import connect
from sentiment_core.model.bundle import STARTER
from sentiment_core.promotion.alias_moves import history, promote
from sentiment_core.registry.registered_model import RegisteredModel
from tests.dags.alert_servers import Webhook
from tests.starter import starter

RUN = """
import json
import rollback
dag = rollback.rollback()
said = []
for task in dag.tasks:
    task.retries = 0
    task.on_failure_callback = [lambda context: said.append(str(context["exception"]))]
run = dag.test(run_conf={conf})
print(json.dumps([str(run.state), said]))
"""

ANNOUNCE = """
import json, os, signal
import announce_moves
from sqlalchemy import select
from airflow.models.asset import AssetEvent
from airflow.utils.session import create_session
dag = announce_moves.announce_moves()
if os.fork() == 0:  # a run whose process is killed before its task has succeeded
    announce_moves.alert_moves = lambda: os.kill(os.getpid(), signal.SIGKILL)
    dag.test()
assert os.wait()[1] == signal.SIGKILL
states = [str(dag.test().state) for _ in range(2)]
with create_session() as session:
    events = session.scalars(select(AssetEvent).order_by(AssetEvent.id))
    moves = [event.extra for event in events if event.asset.name == "champion_model"]
print(json.dumps([states, moves]))
"""
LINKS = """
import json
import announce_moves, retrain, rollback
outlets = [retrain.retrain().get_task("gate").outlets, rollback.rollback().get_task("move_back").outlets]
schedule = announce_moves.announce_moves().timetable.asset_condition
print(json.dumps([[asset.name for asset in assets] for assets in (*outlets, schedule.objects)]))
"""
SCHEDULES = """
import importlib, json, os
import announce_moves
from sentiment_core.settings import settings
found = []
for channels, events in (("[]", "0"), ('["slack:chat failure"]', "0"), ('["slack:all"]', "0"), ("[]", "1")):
    os.environ |= {"SENTIMENT_ALERTS": channels, "SENTIMENT_ANNOUNCE_MOVES": events}
    settings.cache_clear()
    importlib.reload(announce_moves)
    found.append(type(announce_moves.announce_moves().timetable).__name__)
print(json.dumps(found))
"""


def test_the_previous_version_becomes_the_champion_once(
    in_airflow, connections, to_slack, settings, shift_bundle, tmp_path
) -> None:
    connections |= to_slack | {"SENTIMENT_MODEL_NAME": "rollback"}
    models = RegisteredModel(str(settings.mlflow_tracking_uri), "rollback", settings.model_cache)
    shift_bundle(starter(), tmp_path / "other", 0.5)
    first, second = models.register(STARTER), models.register(tmp_path / "other")
    with connect(settings.require_database_url()) as connection:
        for version in (first, second):
            promote(connection, models, version, actor="test", reason="by hand", kind="force")
        state, said = in_airflow(RUN.format(conf={"from_version": first}), **connections)
        assert (state, models.resolve(None)[0]) == ("failed", second)
        assert f"version {second} is the champion now, not version {first}" in said[0]
        conf = {"from_version": second, "reason": "it calls everything good"}
        assert in_airflow(RUN.format(conf=conf), **connections) == ["success", []]
        assert models.resolve(None)[0] == first
        move = history(connection, "champion")[0]
        assert (move.kind, move.to_version, move.reason) == ("rollback", first, conf["reason"])
        assert move.actor.startswith("airflow ")
        assert in_airflow(RUN.format(conf={}), **connections)[0] == "success"
        assert len(history(connection, "champion")) == 3, "directly after a rollback another one changes nothing"

        # Each move is one message and one event, whoever made it: here by a person, by the DAG, and in MLflow.
        models.set_alias("champion", second)
        states, emitted = in_airflow(ANNOUNCE, **connections)
        assert states == ["success", "success"]
        rows = [row for row in reversed(history(connection, "champion")) if row.state == "moved"]
        assert [datetime.fromisoformat(event.pop("moved_at")) for event in emitted] == [row.moved_at for row in rows]
        assert emitted == [
            {"promotion_id": row.promotion_id, "kind": row.kind, "version": row.to_version} for row in rows
        ]
        assert [row.kind for row in rows] == ["force", "force", "rollback", "external"]
        titles = [body["text"].splitlines()[0] for _, body in Webhook.received]
        assert titles == [
            f"*Model version {first} is the champion, without the gate*",
            f"*Model version {second} is the champion, without the gate*",
            f"*The champion was rolled back to model version {first}*",
            f"*Model version {second} is the champion, set in MLflow directly*",
        ]
        assert "By test: by hand. Champion before: none." in Webhook.received[0][1]["text"]
        assert "it calls everything good" in Webhook.received[2][1]["text"]
        assert f"/sentiment/models/moves/{move.promotion_id}|Open>" in Webhook.received[2][1]["text"]


def test_moves_of_others_are_looked_for_only_if_a_channel_or_a_setting_asks_for_it(in_airflow) -> None:
    after_decisions, and_every_ten_minutes = "AssetTriggeredTimetable", "AssetOrTimeSchedule"
    expected = [after_decisions, after_decisions, and_every_ten_minutes, and_every_ten_minutes]
    assert in_airflow(SCHEDULES) == expected


def test_every_dag_that_moves_the_champion_starts_the_dag_that_announces_moves(in_airflow) -> None:
    assert in_airflow(LINKS) == [["champion_decided"]] * 3
