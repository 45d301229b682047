"""Services in processes of their own, and the load on them. Importing this imports no contender."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.harness import CHECKOUT
from benchmarks.http_load import Load

START_S = 60


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def on_core(core: int, command: list[str]) -> list[str]:
    """Return the command prefix that pins a program to one core, or nothing if the system has none."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core % (os.cpu_count() or 1)), *command] if taskset else command


@contextmanager
def service(command: list[str], port: int, environment: Mapping[str, str], request: bytes) -> Iterator[int]:
    """Run a service for the duration of the context, which begins when it answers the request with 200."""
    process = subprocess.Popen(
        on_core(0, command),
        cwd=CHECKOUT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_S
        while not answers(port, request):
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command} did not respond"
            time.sleep(0.1)
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # some services run below a launcher process
        process.wait()


def answers(port: int, request: bytes) -> bool:
    """Return whether a service answers a request with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            return connection.recv(12).endswith(b"200")
    except OSError:
        return False


def load(port: int, request: Path, connections: int, seconds: float) -> Load:
    """Load a service from a separate process."""
    command = [sys.executable, "-m", "benchmarks.http_load", str(port), str(request)]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    ran = subprocess.run(
        on_core(1, command), cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, timeout=seconds + START_S
    )
    found = Load(**json.loads(ran.stdout))
    assert found.errors == 0, f"{found.errors} requests of {command} failed"
    return found
