"""A real Prometheus that scrapes given addresses and evaluates the chart's rules."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import pytest
import urllib3
import yaml

from tests.chart.helm import CHART
from tests.deploy.test_compose import _free_ports


class Prometheus:
    """A server with a new, empty database. Skips the test if the program is not installed."""

    def __init__(self, folder: Path, targets: list[str]) -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("prometheus is not on the path (Debian: prometheus)")
        [port] = _free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        shutil.copy(CHART / "rules.yaml", folder)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "all", "static_configs": [{"targets": targets}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        options = ("--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([program, *options], cwd=folder, stdout=log, stderr=log)

    def get(self, path: str, **fields: str) -> Any:
        """Return the data of an answer. Waits until the server is ready."""
        retries = urllib3.Retry(20, backoff_factor=0.1, status_forcelist=[503])
        url = f"{self.url}/api/v1/{path}"
        answer = urllib3.request("GET", url, fields=fields, retries=retries, timeout=10)
        assert answer.status == 200, answer.data
        return answer.json()["data"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
