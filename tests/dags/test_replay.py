"""The DAG `replay`: rejected rows are loaded again, and files are read again."""

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger import source_files, verification
from sentiment_core.ledger.models import open_model
from sentiment_core.ledger.source_contracts import store_contract
from sentiment_core.loading.loader import Loader
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.starter import starter_scorer

RUN = """
import json
import replay
said = []
dag = replay.replay()
for task in dag.tasks:
    task.on_failure_callback = [lambda context: said.append(str(context["exception"]))]
run = dag.test(run_conf={conf})
tasks = {{task.task_id: [str(task.state), task.try_number] for task in run.get_task_instances()}}
print(json.dumps([tasks, said]))
"""
KEYS = ("latin.csv", "orders.csv")


@pytest.fixture
def rejected(settings, stack) -> None:
    """Two files of a source: in one, a row is not UTF-8; the other was rejected as a whole."""
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), cache=settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))
    s3 = stack.object_store.client()
    bodies = (b"id,text\n1,Lovely\n2,caf\xe9\n", b"id,words\n1,Lovely kettle\n")
    for key, body in zip(KEYS, bodies, strict=True):
        s3.put_object(Bucket=settings.bucket, Key=f"incoming/shop/dt=2026-11-16/{key}", Body=body)
    with connect(settings.require_database_url()) as connection:
        with connection, connection.cursor() as cursor:
            source_files.register(cursor, Storage(s3).list(settings.bucket, "incoming/"), "incoming/")
        model = open_model(connection, starter_scorer(), 1)
        loader = Loader(connection, Storage(s3), model, settings, "first run")
        assert [loader.load(number).status for number in (1, 2)] == ["loaded", "rejected"]


def contract(settings, **declared: object) -> None:
    with connect(settings.require_database_url()) as connection, connection, connection.cursor() as cursor:
        store_contract(cursor, "shop", contract_of(declared, "a test"), "", "a test")


def ledger(settings) -> list[tuple]:
    with connect(settings.require_database_url()) as connection:
        assert verification.verify(connection) == []
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT source_file_id, kind, rows_scored FROM sentiment.scoring_batch"
                " WHERE run_id <> 'first run' ORDER BY batch_id"
            )
            return cursor.fetchall()


def test_rows_and_files_that_the_new_contract_accepts_are_loaded_once(
    in_airflow, connections, settings, rejected
) -> None:
    contract(settings, encoding="windows-1252", text=[["text", "words"]])
    groups = [{"day": "2026-11-16", "source": "shop", "code": code} for code in ("invalid_utf8", "no_text_column")]
    nothing = [{"day": "2026-11-17", "source": "shop", "code": "invalid_utf8"}]
    for conf in ({"groups": nothing}, {"groups": groups}, {"source": "shop"}):
        tasks, _ = in_airflow(RUN.format(conf=conf), **connections)
        assert {state for state, _ in tasks.values()} <= {"success", "skipped"}, tasks
    assert ledger(settings) == [(1, "replay", 1), (2, "load", 1)]


def test_chosen_files_are_read_again_and_an_unknown_one_fails_without_a_retry(
    in_airflow, connections, settings, rejected
) -> None:
    tasks, _ = in_airflow(RUN.format(conf={"files": [1], "replace": True}), **connections)
    assert tasks["summary"][0] == "success"
    assert ledger(settings) == [(1, "replace", 1)]
    tasks, said = in_airflow(RUN.format(conf={"files": [1, 77]}), **connections)
    assert tasks["plan"] == ["failed", 1]
    assert "the ledger has no file 77" in said[0]
