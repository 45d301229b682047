"""The files that GitHub, contributors and releases read are consistent with the project."""

import re
from pathlib import Path

import pytest
import yaml

import sentiment_core

VERSION = re.compile(r"^## \[(Unreleased|\d+\.\d+\.\d+)\](?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)


def test_the_changelog_has_the_packages_version_below_what_is_unreleased(checkout: Path) -> None:
    changelog = (checkout / "CHANGELOG.md").read_text()
    headings = VERSION.findall(changelog)
    assert len(headings) == changelog.count("\n## "), "a heading is neither a version with its date nor Unreleased"
    versions = [name for name, _ in headings if name != "Unreleased"]
    assert versions[0] == sentiment_core.__version__
    assert versions == sorted(versions, key=lambda name: tuple(map(int, name.split("."))), reverse=True)
    assert all(bool(date) == (name != "Unreleased") for name, date in headings)
    assert [name for name, _ in headings].count("Unreleased") <= 1
    assert set(re.findall(r"^\[([^]]+)\]: ", changelog, re.MULTILINE)) == {name for name, _ in headings}


def test_the_hooks_run_the_tools_of_make_lint_and_make_types(checkout: Path) -> None:
    (repository,) = yaml.safe_load((checkout / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    hooked = {" ".join(hook["entry"].replace("--force-exclude", "").split()) for hook in repository["hooks"]}
    makefile = (checkout / "Makefile").read_text()
    made = re.findall(r"^(?:lint|types): .*\n((?:\t@.*\n)+)", makefile, re.MULTILINE)
    commands = re.findall(r"@\$\(BIN\)/(.*)", "".join(made))
    assert hooked == {f".venv/bin/{command.removesuffix(' .')}" for command in commands}


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_an_issue_form_asks_for_something_and_no_field_twice(checkout: Path, name: str) -> None:
    form = yaml.safe_load((checkout / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_the_checklist_of_a_pull_request_names_targets_that_make_has(checkout: Path) -> None:
    named = re.findall(r"`make ([a-z-]+)`", (checkout / ".github" / "pull_request_template.md").read_text())
    targets = re.findall(r"^([a-z-]+):.*## ", (checkout / "Makefile").read_text(), re.MULTILINE)
    assert named
    assert set(named) <= set(targets)
