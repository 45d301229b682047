"""Each module of the package has a test that imports it, and the service imports only what its image has."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Modules that no test needs to import, and why. An entry whose module is imported fails the test, too.
EXCEPTIONS: Final[dict[str, str]] = {}
# These folders are not part of the usual test run.
OTHER_RUNS: Final = ("chart", "deploy", "repro")


def modules(checkout: Path) -> set[str]:
    """Return the modules of the package. A package's `__init__` only describes it."""
    files = (checkout / "sentiment_core").rglob("*.py")
    return {".".join(path.relative_to(checkout).with_suffix("").parts) for path in files if path.name != "__init__.py"}


def imported_by(source: str) -> Iterator[str]:
    """Yield the dotted names that a file imports. Names inside strings, such as scripts for a process, do not count."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{each.name}" for each in names)


def test_imports_are_found_in_every_form() -> None:
    source = "import a.b\nfrom a import c\ndef f():\n    from a.d import e\n'import a.f'\n"
    assert {"a.b", "a.c", "a.d"} <= set(imported_by(source))
    assert "a.f" not in set(imported_by(source))


def test_every_module_is_imported_by_a_test(checkout: Path) -> None:
    tests = checkout / "tests"
    files = [path for path in tests.rglob("*.py") if path.relative_to(tests).parts[0] not in OTHER_RUNS]
    imported = {name for path in files for name in imported_by(path.read_text(encoding="utf-8"))}
    without = modules(checkout) - imported
    assert sorted(without) == sorted(EXCEPTIONS), "give each module a test that imports it"


# Runs the service's imports as in its image: what its lock file does not have cannot be imported.
SERVICE_IMPORTS = """
import importlib.metadata, re, sys
locked = set(sys.argv[1].split()) | {"sentiment-core"}
packages = importlib.metadata.packages_distributions()

class Missing:
    def find_spec(self, name, path=None, target=None):
        owners = {re.sub("[._]", "-", owner.lower()) for owner in packages.get(name, ())}
        if owners and not owners & locked:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, Missing())
import api.server.service
import insights.__main__
from backports import zstd
"""


def test_the_service_imports_only_what_its_image_has(checkout: Path) -> None:
    lock = (checkout / "requirements" / "api.txt").read_text()
    locked = [line.partition("==")[0] for line in lock.splitlines() if re.match("[a-z]", line)]
    command = [sys.executable, "-c", SERVICE_IMPORTS]
    ran = subprocess.run([*command, " ".join(locked)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    locked.remove("aiohttp")
    ran = subprocess.run([*command, " ".join(locked)], capture_output=True, text=True, check=False)
    assert "aiohttp is not in the image" in ran.stderr
