"""The actions of a matrix cell: start `sentiment load`s, stop one at a point, kill it, and check the database."""

import itertools
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

from demo.environment import CHECKOUT
from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.scoring_run import RunPlan, plan_run, score_group, summarise
from sentiment_core.settings import Settings
from tests.crash import drops, evidence, points
from tests.crash.points import Orders, Point
from tests.starter import starter_scorer

PATIENCE_S = 60

Load = subprocess.Popen[str]


class Scene:
    """A database, the files below a prefix and its twin, and the loads of them that are started, stopped and killed."""

    def __init__(self, stack: Stack, database_url: str, bucket: str, prefix: str) -> None:
        self._stack = stack
        self._database_url = database_url
        self._bucket = bucket
        self._prefix = prefix
        self._prefixes = [prefix, drops.twin_prefix(prefix)]
        self._loads: list[Load] = []
        self._runs = itertools.count()

    def start(self, *program: str, **changed: str) -> Load:
        """Start `sentiment load` of everything below the prefixes, with a different program if one is given."""
        program = program or (str(Path(sys.executable).with_name("sentiment")),)
        load = subprocess.Popen(
            [*program, "load", "--json", *(f"s3://{self._bucket}/{prefix}" for prefix in self._prefixes)],
            env=self._environment() | changed,
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._loads.append(load)
        return load

    def start_and_stop(self, point: Point, orders: Orders) -> Load:
        """Start a load in small blocks, and return it when it waits at the point."""
        orders.give(point)
        small = {points.FOLDER: str(orders.folder), "SENTIMENT_BLOCK_BYTES": str(drops.BLOCK_BYTES)}
        load = self.start(sys.executable, "-m", "tests.crash.child", **small)

        def check() -> None:
            assert load.poll() is None, f"it ended before it came {point.value}: {load.communicate()}"

        announced = orders.wait(check, PATIENCE_S)
        assert announced == (point, load.pid), announced
        return load

    def kill(self, load: Load) -> None:
        """Kill a load that waits at its point. It must have printed nothing."""
        os.kill(load.pid, signal.SIGKILL)
        output, errors = load.communicate(timeout=PATIENCE_S)
        ended = (load.returncode, output, errors)
        assert ended == (-signal.SIGKILL, "", ""), ended

    def finish(self, load: Load) -> None:
        """Wait for a load to end. Its only problem must be the rejected file."""
        output, errors = load.communicate(timeout=PATIENCE_S)
        assert (load.returncode in {0, 1}, errors) == (True, ""), output + errors
        outcomes = {outcome["uri"].rpartition("/")[2]: outcome["status"] for outcome in json.loads(output)}
        assert outcomes.keys() == drops.STATES.keys(), outcomes
        assert load.returncode == ("rejected" in outcomes.values()), outcomes

    def run_day(self, *, replace: bool) -> None:
        """Plan the day, score its groups and summarise, as the DAG's tasks do for a day of a backfill."""
        day = date.fromisoformat(self._prefix.rstrip("/").rpartition("dt=")[2])
        settings = Settings(database_url=self._database_url, bucket=self._bucket)
        storage = Storage(self._stack.object_store.client())
        with connect(self._database_url) as connection:
            model = open_model(connection, starter_scorer())
            plan = RunPlan(f"backfill {next(self._runs)}", day, model.model_id, 1, champion=True, replace=replace)
            for group in plan_run(connection, storage, settings, plan, include_earlier=False):
                score_group(connection, storage, settings, plan, model, group, lambda _: None)
            summarise(connection, plan.run_id)

    def wait_until_one_waits_for_another(self) -> None:
        """Wait until a load waits for a lock that another load holds."""
        with connect(self._database_url) as connection:
            evidence.wait_for(lambda: evidence.someone_waits(connection), expected=True)

    def check_state(self, expected: evidence.State) -> None:
        """Check that the database shows this state of the target, and that all other promises hold in the meantime."""
        with connect(self._database_url) as connection:
            evidence.wait_for(lambda: evidence.state(connection, self._prefix), expected)
            evidence.check_promises(connection)

    def contents(self) -> evidence.Contents:
        """Return the stored rows, after a check that all promises hold."""
        with connect(self._database_url) as connection:
            evidence.check_promises(connection)
            return evidence.contents(connection, self._prefixes)

    def states(self) -> dict[str, str]:
        """Return each file's status."""
        with connect(self._database_url) as connection:
            return evidence.states(connection, self._prefixes)

    def batches(self) -> dict[str, list[str]]:
        """Return the kinds of each file's batches."""
        with connect(self._database_url) as connection:
            return evidence.batches(connection, self._prefixes)

    def execute(self, statement: str) -> None:
        """Change the database directly, without the loader."""
        with connect(self._database_url) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def end(self) -> None:
        """End the processes that a failed test has left running."""
        for load in self._loads:
            if load.returncode is None:
                load.kill()
                load.communicate()

    def _environment(self) -> dict[str, str]:
        values = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}
        return values | {
            **self._stack.object_store.environment(),
            "SENTIMENT_DATABASE_URL": self._database_url,
            "SENTIMENT_S3_ENDPOINT_URL": self._stack.object_store.endpoint,
        }
