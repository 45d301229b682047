"""The rollback of the champion as Airflow runs it: once, and only from the version that the operator saw."""

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
events = [outlet.name for outlet in dag.get_task("move_back").outlets]
print(json.dumps([str(run.state), said, events]))
"""

ANNOUNCE = """
import json
import announce_moves
print(json.dumps(str(announce_moves.announce_moves().test().state)))
"""
SCHEDULES = """
import importlib, json, os
import announce_moves
from sentiment_core.settings import settings
found = []
for channels in ("[]", '["slack:chat failure"]', '["slack:chat failure", "slack:all"]'):
    os.environ["SENTIMENT_ALERTS"] = channels
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
        state, said, events = in_airflow(RUN.format(conf={"from_version": first}), **connections)
        assert (state, models.resolve(None)[0], events) == ("failed", second, ["champion_model_moves"])
        assert f"version {second} is the champion now, not version {first}" in said[0]
        conf = {"from_version": second, "reason": "it calls everything good"}
        assert in_airflow(RUN.format(conf=conf), **connections)[:2] == ["success", []]
        assert models.resolve(None)[0] == first
        move = history(connection, "champion")[0]
        assert (move.kind, move.to_version, move.reason) == ("rollback", first, conf["reason"])
        assert move.actor.startswith("airflow ")
        assert in_airflow(RUN.format(conf={}), **connections)[0] == "success"
        assert len(history(connection, "champion")) == 3, "directly after a rollback another one changes nothing"

        # Each move is one message, whoever made it: here by a person, by the DAG, and in MLflow.
        models.set_alias("champion", second)
        for _ in range(2):
            assert in_airflow(ANNOUNCE, **connections) == "success"
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


def test_moves_are_announced_on_a_schedule_only_if_a_channel_gets_them(in_airflow) -> None:
    assert in_airflow(SCHEDULES) == ["NullTimetable", "NullTimetable", "DeltaTriggerTimetable"]
