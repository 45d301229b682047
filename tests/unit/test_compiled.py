"""Functions marked `@compiled`: compiled at the first call, cached, and usable without a cache."""

import importlib.util
import logging
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sentiment_core.columnar.compiled import compiled

SOURCE = """
from sentiment_core.columnar.compiled import compiled

@compiled
def ratio(one, other):
    \"\"\"Divide.\"\"\"
    return one / other
"""


def load(folder: Path) -> ModuleType:
    """Import a new copy of a module with one compiled function."""
    path = folder / "kernel_of_a_test.py"
    if not path.exists():
        path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cached(function: Any) -> list[str]:
    """Return the kinds of a function's files in the cache."""
    return sorted(path.suffix for path in Path(function.stats.cache_path).glob("*.nb?"))


def test_a_function_is_compiled_by_its_first_call_and_read_from_the_cache_afterwards(tmp_path: Path) -> None:
    first = load(tmp_path).ratio
    assert (first.signatures, cached(first)) == ([], [])
    assert first(1, 4) == 0.25
    assert (len(first.signatures), cached(first)) == (1, [".nbc", ".nbi"])
    second = load(tmp_path).ratio
    assert second(1, 2) == 0.5
    assert (sum(second.stats.cache_hits.values()), sum(second.stats.cache_misses.values())) == (1, 0)
    assert sum(first.stats.cache_misses.values()) == 1


def test_a_function_that_cannot_be_cached_is_compiled_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    function = load(tmp_path).ratio
    folder = Path(function.stats.cache_path)
    shutil.rmtree(folder)  # Python may have put bytecode there
    folder.symlink_to(tmp_path / "missing")  # root, too, can neither read this folder nor create it
    with caplog.at_level(logging.WARNING):
        assert function(1, 4) == 0.25
    assert str(folder) in caplog.text


def test_a_division_by_zero_follows_ieee_754_and_raises_nothing(tmp_path: Path) -> None:
    assert load(tmp_path).ratio(1.0, 0.0) == float("inf")


def test_a_function_without_a_source_file_is_compiled_without_a_cache() -> None:
    names: dict[str, Any] = {}
    exec("def twice(number): return 2 * number", names)  # noqa: S102 -- such a function has no file
    function = compiled(names["twice"])
    assert function(21) == 42
    assert (len(function.signatures), function.stats.cache_path) == (1, None)
