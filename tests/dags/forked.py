"""Runs code in a fork of a process that has imported Airflow and the rest: the imports take longer than most tests."""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path

PRELOADED = "tests.dags.preload"


def start_server(environment: Mapping[str, str]) -> None:
    """Start the process that is forked; Airflow reads its configuration from the environment when it is imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    before = dict(os.environ)
    _set_environment(environment)
    try:
        forkserver.ensure_running()
    finally:
        _set_environment(before)


def run(code: str, environment: Mapping[str, str], output: Path) -> int:
    """Run code with an environment and return its exit code; what it prints and logs goes to a file."""
    process = multiprocessing.get_context("forkserver").Process(target=_run, args=(code, dict(environment), output))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _run(code: str, environment: dict[str, str], output: Path) -> None:
    assert PRELOADED in sys.modules, "the modules were not loaded before the fork"
    _set_environment(environment)
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(":") if path not in sys.path]
    exec(compile(code, "<code of a test>", "exec"), {"__name__": "__main__"})  # noqa: S102 -- the test's own


def _set_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
