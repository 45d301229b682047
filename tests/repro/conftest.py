"""Programs of the separate environments that `make test-repro` sets up. Each test requests the ones that it needs."""

from collections.abc import Callable
from pathlib import Path

import pytest

Tool = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def tool(checkout: Path) -> Tool:
    """Return the path of a program in a separate environment. Skip the test if the environment is missing."""

    def find(environment: str, name: str) -> Path:
        found = checkout / f".venv-{environment}" / "bin" / name
        if not found.exists():
            pytest.skip(f"there is no {found.relative_to(checkout)}; `make test-repro` sets it up")
        return found

    return find
