"""The API as a part of the stack."""

import signal
import sys
from collections.abc import Callable, Mapping
from functools import cached_property

import urllib3

from demo.environment import base
from demo.processes import Program
from demo.workspace import LOOPBACK, Workspace


class Service:
    """The API process, which serves the champion from the stack's MLflow."""

    name = "api"

    def __init__(self, workspace: Workspace, environment: Callable[[], Mapping[str, str]]) -> None:
        self._workspace = workspace
        self._environment = environment

    @cached_property
    def url(self) -> str:
        """The address of the web page and the API."""
        return f"http://{LOOPBACK}:{self._workspace.port('api')}"

    def start(self) -> None:
        """Start the process. It starts before a champion exists; `ready` returns true once it serves the champion."""
        chosen = {"SENTIMENT_API_HOST": LOOPBACK, "SENTIMENT_API_PORT": str(self._workspace.port("api"))}
        self._workspace.supervisor.start(
            Program(
                name=self.name,
                command=(sys.executable, "-m", "api"),
                environment={**base(self._workspace.state), **self._environment(), **chosen},
                ready=lambda: self._status("/healthz") == 200,
                # On SIGTERM the service would keep serving for a while, for a load balancer that does not exist here.
                stop_signal=signal.SIGINT,
                needs=("mlflow",),
            )
        )

    def ready(self) -> bool:
        """Return whether the service serves the registry's model.

        Until a champion exists, it answers with the starter.
        """
        try:
            answer = urllib3.request("GET", f"{self.url}/readyz", timeout=5, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200 and answer.json()["source"] != "starter"

    def _status(self, path: str) -> int:
        try:
            return urllib3.request("GET", self.url + path, timeout=5, retries=False).status
        except urllib3.exceptions.HTTPError:
            return 0
