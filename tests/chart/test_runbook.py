"""The commands of docs/runbook.md run and show something."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import Service
from tests.chart.helm import CHART
from tests.chart.prometheus import Prometheus
from tests.example_database import recent_copy

RUNBOOK = CHART.parent / "docs" / "runbook.md"
BLOCKS = {
    section.partition("\n")[0]: "".join(re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    for section in re.split(r"^### ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
}


@pytest.fixture(scope="module")
def environment(stack, example_database, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The variables of the runbook: a database, a registry, a service that was used, and a Prometheus."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not on the path")
    folder = tmp_path_factory.mktemp("runbook")
    url = recent_copy(stack, "recent_runbook").url
    programs = (str(Path(sys.executable).parent), str(stack.postgres.bin), os.environ["PATH"])
    service = Service(folder, fresh=True)
    try:
        service.wait_ready()
        for text in ("good", "bad", ""):
            service.post("/predict", {"text": text})
        address = f"127.0.0.1:{service.port}"
        with Prometheus(folder, [address]) as prometheus:
            variables = {
                "SENTIMENT_DATABASE_URL": url,
                "SENTIMENT_MLFLOW_TRACKING_URI": stack.mlflow.url,
                "SENTIMENT_MODEL_CACHE": str(folder / "models"),
                "PROMETHEUS": prometheus.url,
                "PROBES": f"http://{address}",
                "API": f"http://{address}",
                "PATH": os.pathsep.join(programs),
            }
            prometheus.get("query", query="up")
            subprocess.run(["sentiment", "registry", "first-model"], env=os.environ | variables, check=True)
            yield os.environ | variables
    finally:
        service.process.terminate()
        service.process.wait(20)


@pytest.mark.parametrize("alert", BLOCKS)
def test_the_commands_of_a_section_run(environment, alert) -> None:
    assert BLOCKS[alert].strip(), f"{alert} has no command"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", BLOCKS[alert]], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert '"status":"error"' not in done.stdout  # of Prometheus, which curl does not notice
    assert " 404" not in done.stdout
