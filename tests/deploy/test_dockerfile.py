"""The image definitions, checked by linters."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.deploy.conftest import Run

SHELL_SCRIPTS = ("docker", "compose")


def test_hadolint_has_nothing_to_say(run: Run, tool: Callable[[str], str]) -> None:
    assert run(tool("hadolint"), "Dockerfile").stdout == ""


def test_checkov_finds_nothing(run: Run, tool: Callable[[str], str]) -> None:
    found = run(tool("checkov"), "--skip-download", "--compact", "--framework", "dockerfile", "--file", "Dockerfile")
    assert re.search(r"Passed checks: \d{2,}, Failed checks: 0", found.stdout)


def test_every_ignored_finding_of_a_tool_is_explained(checkout: Path) -> None:
    lines = (checkout / "Dockerfile").read_text().splitlines()
    for number, line in enumerate(lines):
        if "checkov:skip" in line:
            assert re.fullmatch(r"# checkov:skip=\w+: .{20,}", line)
        if "hadolint ignore" in line:
            assert lines[number - 2].startswith("# ") or lines[number - 1].startswith("# "), f"line {number + 1}"


def test_what_is_sent_to_the_engine_is_what_the_images_are_made_of(checkout: Path) -> None:
    allowed = (checkout / ".dockerignore").read_text().splitlines()
    assert allowed[1] == "*", "everything is left out that is not named"
    named = {line[1:].split("/")[0] for line in allowed if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (checkout / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source.split("/")[0] for line in copied for source in line.split()}
    assert sources == named
