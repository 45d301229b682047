"""The insights page as a part of the stack."""

import signal
import sys
from functools import cached_property

import urllib3

from demo.environment import base
from demo.postgres import Postgres
from demo.processes import Program
from demo.workspace import LOOPBACK, Workspace


class Insights:
    """The process of the insights page, which reads the stack's database as a user who can only read."""

    name = "insights"

    def __init__(self, workspace: Workspace, postgres: Postgres) -> None:
        self._workspace = workspace
        self._postgres = postgres

    @cached_property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self._workspace.port(self.name)}"

    def start(self) -> None:
        """Start the process. Until the database has a schema and the user, the page says that it does not answer."""
        chosen = {
            "SENTIMENT_INSIGHTS_DATABASE_URL": self._postgres.reader_url(),
            "SENTIMENT_INSIGHTS_HOST": LOOPBACK,
            "SENTIMENT_INSIGHTS_PORT": str(self._workspace.port(self.name)),
        }
        self._workspace.supervisor.start(
            Program(
                name=self.name,
                command=(sys.executable, "-m", "insights"),
                environment={**base(self._workspace.state), **chosen},
                ready=self._answers,
                stop_signal=signal.SIGINT,
                needs=("postgres",),
            )
        )

    def _answers(self) -> bool:
        try:
            return urllib3.request("GET", f"{self.url}/healthz", timeout=5, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False
