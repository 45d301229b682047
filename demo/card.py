"""Locations of all parts of a running stack: the card that the demo prints and the file that `demo drop` reads."""

import json
import os
import shutil
import sysconfig
from pathlib import Path
from typing import NamedTuple

from demo.airflow import USER
from demo.airflow_client import AirflowClient
from demo.environment import CHECKOUT
from demo.errors import DemoNotRunning
from demo.stack import Stack
from demo.workspace import is_held, write_private

FILE = "card.json"
STATE = CHECKOUT / ".demo"


class Card(NamedTuple):
    """What another process needs in order to use the stack."""

    airflow_url: str
    airflow_password: str
    environment: dict[str, str]

    @classmethod
    def of(cls, stack: Stack) -> "Card":
        """Return the card of a stack."""
        return cls(stack.airflow.url, stack.airflow.password, stack.env())

    @classmethod
    def read(cls, state: Path) -> "Card":
        """Return the card of the stack that runs on a state folder.

        Raises `DemoNotRunning` when no stack runs there.
        """
        path = state / FILE
        if not path.exists() or not is_held(state):
            raise DemoNotRunning(path=state)
        return cls(**json.loads(path.read_text()))

    def write(self, state: Path) -> None:
        """Write the card to the state folder, readable by its owner only."""
        write_private(state / FILE, json.dumps(self._asdict()))

    def airflow(self) -> AirflowClient:
        """Return a client of the stack's Airflow."""
        return AirflowClient(self.airflow_url, USER, self.airflow_password)


def lines(stack: Stack) -> list[tuple[str, str]]:
    """Return the lines to display: names and addresses, keys, and commands to copy."""
    store = stack.object_store
    psql = shutil.which("psql") or str(stack.postgres.bin / "psql")
    return [
        ("Airflow", f"{stack.airflow.url}  user {USER}, password {stack.airflow.password}"),
        ("API", f"{stack.api.url}  a page to try it; {stack.api.url}/docs"),
        ("Insights", f"{stack.insights.url}  sentiment by day and product"),
        ("MLflow", stack.mlflow.url),
        ("SQL", f"{_short(Path(psql))} {stack.postgres.url()}"),
        ("S3", f"{store.endpoint}  key {store.access_key}, secret {store.secret_key}"),
        ("", f"read only: key {store.reader_access_key}, secret {store.reader_secret_key}"),
        ("Your CSV", _drop_command(stack.state)),
        ("State, logs", f"{_short(stack.state)}, {_short(stack.state / 'logs')}"),
    ]


def _drop_command(state: Path) -> str:
    sentiment = _short(Path(sysconfig.get_path("scripts")) / "sentiment")
    return f"{sentiment} demo drop FILE.csv" if state == STATE else f"{sentiment} demo --state {state} drop FILE.csv"


def _short(path: Path) -> str:
    """Return the path relative to the current folder if it lies below it, and a program on PATH as its bare name."""
    if shutil.which(path.name) == str(path):
        return path.name
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
