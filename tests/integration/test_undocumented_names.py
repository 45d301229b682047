"""Undocumented names of other packages: each exists, is listed in a decision, and no other is used."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

NUMBA = (
    "numba.core.caching.FunctionCache._impl_class",
    "numba.core.caching.FunctionCache.save_overload",
    "numba.core.caching.FunctionCache.cache_path",
    "numba.core.caching.CompileResultCacheImpl._locator_classes",
    "numba.core.caching.InTreeCacheLocator.ensure_cache_path",
    "numba.core.caching.UserProvidedCacheLocator.get_cache_path",
    "numba.core.cgutils.raw_memcpy",
    "numba.core.event.install_recorder",
    "numba.core.base.BaseContext.make_array",
    "numba.core.base.BaseContext.get_dummy_value",
)
AIRFLOW_AND_MLFLOW = (
    "airflow.api_fastapi.core_api.security.requires_access_dag",
    "airflow.api_fastapi.core_api.security.GetUserDep",
    "airflow.api_fastapi.auth.managers.models.resource_details.DagAccessEntity",
    "airflow.models.Connection.get_connection_from_secrets",
    "airflow.sdk.execution_time.task_runner.main",
    "airflow.sdk.execution_time.task_runner.RuntimeTaskInstance.get_dag",
    "mlflow.server.fastapi_app.app",
)
INNER_PARTS = {"api_fastapi", "dag_processing", "execution_time", "serialization", "utils", "timetables"}


def resolve(name: str) -> object:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return found
    raise AssertionError(name)


@pytest.mark.parametrize("name", NUMBA + AIRFLOW_AND_MLFLOW)
def test_an_undocumented_name_that_the_code_uses_exists(name: str) -> None:
    assert resolve(name) is not None


def test_each_name_is_listed_in_a_decision(checkout: Path) -> None:
    pages = {
        number: next((checkout / "docs" / "decisions").glob(f"{number}-*.md")).read_text()
        for number in ("0009", "0023")
    }
    for names, page in ((NUMBA, pages["0009"]), (AIRFLOW_AND_MLFLOW, pages["0023"])):
        for name in names:
            assert name.rpartition(".")[2] in page or name.rpartition(".")[0] in page, name


def test_the_packages_are_bounded(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    listed = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    for package in ("numba", "llvmlite", "apache-airflow", "mlflow"):
        (requirement,) = {each for each in listed if re.match(rf"{package}\b(?!-)", each)}
        assert "<" in requirement, requirement


def test_product_code_imports_no_other_inner_module_of_airflow(checkout: Path) -> None:
    page = next((checkout / "docs" / "decisions").glob("0023-*.md")).read_text()
    inner = set()
    for folder in ("dags", "plugins", "demo", "sentiment_core", "api", "compose"):
        for path in (checkout / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += [each.name for each in node.names] if isinstance(node, ast.Import) else []
                inner |= {
                    each for each in modules if each.startswith("airflow.") and INNER_PARTS & set(each.split("."))
                }
    assert inner, "the plugin's permission check is one"
    assert sorted(each for each in inner if each not in page) == []


def test_the_numba_modules_that_product_code_imports_are_listed(checkout: Path) -> None:
    page = next((checkout / "docs" / "decisions").glob("0009-*.md")).read_text()
    for path in (checkout / "sentiment_core").rglob("*.py"):
        for module, names in re.findall(r"^from (numba\.core[\w.]*) import ([^\n#]+)", path.read_text(), re.MULTILINE):
            for name in re.findall(r"\w+", names):
                assert name in page, f"{path.name}: {module}.{name}"
