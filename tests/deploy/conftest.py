"""The tools that judge a deployment's files, and the Docker engine, each asked for by a test that needs it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run(checkout: Path) -> Run:
    """Run a program in the project's folder; a test fails with its output when it fails, unless `check` is False."""

    def start(
        *command: str | Path, check: bool = True, timeout: float = 1800, **options: object
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(  # type: ignore[call-overload]
            [str(word) for word in command],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            **options,
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return start


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Return the path of one of the tools in requirements/deploy.txt; its test is skipped where it is not installed."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not on the path; `make check-deploy` installs it")
        return found

    return find


@pytest.fixture(scope="session")
def engine(run: Run) -> None:
    """A Docker engine that answers; tests that need one are skipped without."""
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        pytest.skip("no Docker engine: DOCKER_HOST is not set and there is no /var/run/docker.sock")
    run("docker", "version", timeout=30)
