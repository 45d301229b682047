"""`make` compiles the kernels again when a file that their machine code depends on changes."""

import ast
import importlib.util
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest


class Name(NamedTuple):
    """A name at the top level of a module."""

    module: str
    name: str


class Module(NamedTuple):
    path: Path
    defined: dict[str, ast.stmt]
    imported: dict[str, Name]  # a name of the module, and the place that it is imported from


def path_of(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


@cache
def read(module: str) -> Module:
    path = path_of(module)
    assert path is not None, module
    found = Module(path, {}, {})
    for statement in ast.parse(path.read_text()).body:
        match statement:
            case ast.ImportFrom(module=source, names=names) if source and source.startswith("sentiment_core"):
                found.imported.update({each.asname or each.name: Name(source, each.name) for each in names})
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.defined[name] = statement
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.defined[name] = statement
            case ast.Assign(targets=targets):
                names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
                found.defined.update(dict.fromkeys(names, statement))
    return found


def is_compiled(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef) and any(
        isinstance(each, ast.Name) and each.id == "compiled" for each in statement.decorator_list
    )


def uses(module: str, statement: ast.stmt) -> set[Name]:
    """Return the project's names that a definition uses, from its module or from another one."""
    found = set()
    body = statement.body if isinstance(statement, ast.FunctionDef) else [statement]
    for node in (node for part in body for node in ast.walk(part)):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in read(module).imported:
                source = read(module).imported[name]
                if path_of(f"{source.module}.{source.name}"):
                    found.add(Name(f"{source.module}.{source.name}", attribute))
            case ast.Name(id=name) if name in read(module).defined:
                found.add(Name(module, name))
            case ast.Name(id=name) if name in read(module).imported:
                found.add(read(module).imported[name])
    return found


def kernels(checkout: Path) -> set[Name]:
    files = (checkout / "sentiment_core").rglob("*.py")
    modules = [
        ".".join(file.relative_to(checkout).with_suffix("").parts) for file in files if "@compiled" in file.read_text()
    ]
    return {
        Name(module, name)
        for module in modules
        for name, statement in read(module).defined.items()
        if is_compiled(statement)
    }


def used_by_kernels(checkout: Path) -> set[Path]:
    """Return the files that define everything that kernels use, directly or indirectly."""
    todo, seen = list(kernels(checkout)), set[Name]()
    while todo:
        each = todo.pop()
        if each in seen or path_of(f"{each.module}.{each.name}"):
            continue
        seen.add(each)
        if each.name in read(each.module).defined:
            todo += uses(each.module, read(each.module).defined[each.name])
        elif each.name in read(each.module).imported:
            todo.append(read(each.module).imported[each.name])
    return {read(each.module).path for each in seen}


@pytest.fixture(scope="module")
def prerequisites(checkout: Path) -> set[Path]:
    """Return the files that `make` compares with the kernels' time stamp."""
    rules = subprocess.run(
        ["make", "--print-data-base", "--question", "setup"], cwd=checkout, capture_output=True, text=True, check=False
    ).stdout
    (line,) = re.findall(r"^\.venv/\.kernels: (.*)$", rules, re.MULTILINE)
    return {checkout / name for name in line.split()}


def test_every_file_with_a_kernel_is_a_prerequisite(checkout: Path, prerequisites: set[Path]) -> None:
    files = {read(name.module).path for name in kernels(checkout)}
    assert len(files) >= 10
    assert files <= prerequisites


def test_every_file_that_a_kernel_uses_is_a_prerequisite(checkout: Path, prerequisites: set[Path]) -> None:
    assert sorted(used_by_kernels(checkout) - prerequisites) == [], "add them to KERNEL_SOURCES in the Makefile"


def test_a_change_of_another_file_compiles_nothing(checkout: Path, prerequisites: set[Path]) -> None:
    assert not any(path.name in ("errors.py", "settings.py", "cli.py") for path in prerequisites)
