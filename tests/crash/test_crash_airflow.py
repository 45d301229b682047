"""Airflow retries a task that was killed by SIGKILL at any step. The result equals that of a clean load."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo.environment import CHECKOUT
from demo.object_store import BUCKETS
from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.crash import drops, evidence, points, table
from tests.crash.points import Orders, Point
from tests.crash.scene import PATIENCE_S, Scene

DAG = "score_reviews"
CONFIG_HERE = Path(__file__).parent / "airflow_config"
DAYS = {point: f"2026-11-{number:02}" for number, point in enumerate(Point, start=1)}
PREFIXES = {point: f"incoming/{point.name.lower()}/dt={day}/" for point, day in DAYS.items()}
# At this point the worker dies with its task, as when their machine fails. No process remains to notify Airflow.
WORKER_DIES_AT = Point.COPYING

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, orders: Orders) -> Iterator[Stack]:
    """Airflow with the kill points in its tasks, and the files of all cells."""
    state = tmp_path_factory.mktemp("airflow")
    overrides = {
        "PYTHONPATH": f"{CHECKOUT}:{CONFIG_HERE}",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "5",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
        "SENTIMENT_BLOCK_BYTES": str(drops.BLOCK_BYTES),
        points.FOLDER: str(orders.folder),
    }
    with Stack(state, ("mlflow", "airflow"), durable=False, airflow_overrides=overrides) as stack:
        migrations.upgrade(stack.postgres.url())
        registry = RegisteredModel(stack.mlflow.url, cache=state / "models")
        registry.set_alias("champion", registry.register(STARTER))
        drops.put(stack.object_store.client(), BUCKETS[0], PREFIXES.values())
        stack.airflow.client().wait_for_dag(DAG, PATIENCE_S)
        stack.airflow.client().unpause(DAG)
        yield stack


@pytest.fixture
def clean(system: Stack, point: Point) -> evidence.Contents:
    """The rows stored by an undisturbed load of the cell's files."""
    url = system.postgres.create_database(f"clean_{point.name.lower()}")
    migrations.upgrade(url)
    scene = Scene(system, url, BUCKETS[0], PREFIXES[point])
    scene.finish(scene.start())
    assert scene.states() == drops.STATES
    return scene.contents()


@pytest.mark.parametrize("point", Point, ids=lambda point: point.value)
def test_a_retry_of_a_killed_task_stores_the_rows_of_a_clean_load(
    point, system, orders, clean, record_property
) -> None:
    record_property(table.CELL, (point.value, table.AIRFLOW))
    scene = Scene(system, system.postgres.url(), BUCKETS[0], PREFIXES[point])
    client = system.airflow.client()
    orders.give(point)
    run = client.trigger(DAG, DAYS[point])
    announced, pid = orders.wait(system.check, PATIENCE_S)
    assert announced is point
    scene.check_state(evidence.promised(point))
    kill(psutil.Process(pid), with_worker=point is WORKER_DIES_AT)
    evidence.wait_for(lambda: client.run(DAG, run.run_id).ended, expected=True, seconds=PATIENCE_S)
    client.require_success(DAG, client.run(DAG, run.run_id))
    assert {task.task_id: task.try_number for task in client.tasks(DAG, run.run_id)} == {
        "plan": 1,
        "score": 2,
        "summary": 1,
        "drivers": 1,
    }
    assert scene.contents() == clean
    assert scene.batches() == {name: ["load"] for name in drops.ROWS}


def kill(task: psutil.Process, *, with_worker: bool) -> None:
    """Kill a task's process. If `with_worker` is set, kill the worker that watches it first."""
    worker = task.parent()
    assert worker is not None
    assert "LocalExecutor" in worker.name() + "".join(worker.cmdline())
    victims = [worker, task] if with_worker else [task]
    for victim in victims:
        victim.kill()
    evidence.wait_for(lambda: [victim for victim in victims if runs(victim)], expected=[])


def runs(process: psutil.Process) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
