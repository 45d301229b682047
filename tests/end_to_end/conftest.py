"""The whole system, started by the README's command and then used as its users do."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from moto.server import ThreadedMotoServer

from demo.airflow_client import ENDED
from demo.environment import CHECKOUT
from demo.stack import Stack

NIGHTLY_RUN_MAY_TAKE_S = 180
CONFIG_HERE = Path(__file__).parent / "airflow_config"
# Users of Airflow with their passwords. The first may read DAGs, the second may also start their runs.
VIEWER, OPERATOR = ("vera", "sees everything"), ("otto", "may start runs")


class Demo(NamedTuple):
    """A finished `make demo ARGS=--exit`, and the folder of its state."""

    state: Path
    exit_code: int
    output: str


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Demo:
    """The README's first command, on a new state folder."""
    state = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        ["make", "demo", f"ARGS=--exit --state {state}"],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SENTIMENT_"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Demo(state, done.returncode, done.stdout)


@pytest.fixture(scope="package")
def queue() -> Iterator[Any]:
    """The queue of arrivals, on an SQS server in this process."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sqs = boto3.resource("sqs", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys)
    yield sqs.create_queue(QueueName="arrivals")
    server.stop()


@pytest.fixture(scope="package")
def system(demo: Demo, tmp_path_factory: pytest.TempPathFactory, queue: Any) -> Iterator[Stack]:
    """All parts, started again on the state that the demo left, with a viewer and an operator as further users.

    Messages of the queue start runs of `score_arrivals` when it is unpaused.

    No test changes a DAG file, so Airflow reads each file once: it takes seconds for every reading. The scheduler
    imports what training needs, which would take seconds in each task.
    """
    passwords = tmp_path_factory.mktemp("users") / "passwords.json"
    overrides = {
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"admin:admin,{VIEWER[0]}:viewer,{OPERATOR[0]}:user",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "PYTHONPATH": f"{CHECKOUT}:{CONFIG_HERE}",
        "SENTIMENT_ARRIVALS_QUEUE": queue.url,
        "SENTIMENT_ARRIVALS_EVERY_S": "0",
        "SENTIMENT_BLOCK_BYTES": "1000000",  # so that a file of 2 MB has several blocks
        "AWS_ENDPOINT_URL_SQS": queue.meta.client.meta.endpoint_url,
    }
    stack = Stack(demo.state, airflow_overrides=overrides)
    passwords.write_text(json.dumps({"admin": stack.airflow.password, **dict((VIEWER, OPERATOR))}))
    with stack:
        stack.airflow.client().wait_for_dag("score_reviews", 120)
        wait_for_the_nightly_run(stack)
        yield stack


def wait_for_the_nightly_run(system: Stack) -> None:
    """Wait until the run of the previous night has ended.

    Airflow starts it a few seconds after it has read a DAG that has runs of a backfill, as the demo's has. The run also
    loads the files of earlier days, so it would take those of a test before the test's own run.
    """
    client = system.airflow.client()
    deadline = time.monotonic() + NIGHTLY_RUN_MAY_TAKE_S
    states: list[str] = []
    while not states or not ENDED.issuperset(states):
        assert time.monotonic() < deadline, f"the nightly run has not ended: {states}"
        system.pause(0.5)
        found = client.get("/dags/score_reviews/dagRuns", run_type="scheduled")["dag_runs"]
        states = [run["state"] for run in found]
