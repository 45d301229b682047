"""The pipeline: its linters, its permissions, and the part of its CI run that is possible on this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = ("ci", "dependencies", "deploy", "model", "nightly", "release")
# The permissions of a job in addition to reading the repository.
RIGHTS = {
    ("dependencies", "lock"): {"actions", "contents", "pull-requests"},
    ("deploy", "build"): {"id-token"},
    ("deploy", "chart"): {"id-token"},
    ("deploy", "staging"): {"id-token"},
    ("deploy", "production"): {"id-token"},
    ("release", "release"): {"id-token"},
    ("model", "train"): {"id-token"},
    ("model", "promote"): {"id-token"},
}
# Replaces the actions that act would fetch from GitHub. It must never run: the steps that use it are removed.
NOT_HERE = """
name: not to be run
description: fails
runs:
  using: composite
  steps: [{run: exit 1, shell: bash}]
"""


def workflow(checkout: Path, name: str) -> dict[Any, Any]:
    return yaml.safe_load((checkout / ".github" / "workflows" / f"{name}.yaml").read_text())


def sources(checkout: Path) -> list[Path]:
    """Return the files of workflows and of the project's actions."""
    return sorted([*(checkout / ".github/workflows").iterdir(), *(checkout / ".github/actions").rglob("action.yaml")])


def test_all_workflows_are_tested_here(checkout) -> None:
    found = [path.stem for path in sorted((checkout / ".github" / "workflows").iterdir())]
    assert found == sorted(WORKFLOWS)


def test_actionlint_finds_nothing(run, tool) -> None:
    assert run(tool("actionlint")).stdout == ""


def test_zizmor_finds_nothing_with_all_its_audits(run, tool) -> None:
    run(tool("zizmor"), "--offline", "--persona", "pedantic", "--no-progress", ".github")


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("github-workflows", "workflows/*.yaml"),
        ("github-actions", "actions/*/action.yaml"),
        ("dependabot", "dependabot.yml"),
    ],
)
def test_their_schemas_accept_them(checkout, run, tool, schema, pattern) -> None:
    files = sorted((checkout / ".github").glob(pattern))
    assert files
    run(tool("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *files)


def test_every_action_is_pinned_by_commit_with_its_release_in_a_comment(checkout) -> None:
    used = [line for path in sources(checkout) for line in re.findall(r"uses: (.+)", path.read_text())]
    outside = [line for line in used if not line.startswith("./")]
    assert len(outside) > 20
    assert [line for line in outside if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line)] == []
    # Only one release of each action is used: everywhere, a commit has the same release in its comment.
    assert len(set(outside)) == len({line.partition("@")[0] for line in outside})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_jobs_have_the_rights_that_they_need_and_an_end(checkout, name) -> None:
    found = workflow(checkout, name)
    assert found["permissions"] == {"contents": "read"}
    for job, steps in found["jobs"].items():
        rights = set(steps.get("permissions", {"contents": "read"})) - RIGHTS.get((name, job), set())
        assert rights <= {"contents"}, job
        assert "uses" in steps or steps["timeout-minutes"] <= 180, job
    assert "concurrency" in found or all("concurrency" in job for job in found["jobs"].values())


def test_no_key_is_kept_for_them(checkout) -> None:
    for path in sources(checkout):
        assert "secrets." not in path.read_text(), (
            f"{path} uses a secret: roles come by OIDC, and the rest is variables"
        )
        assert "pull_request_target" not in path.read_text()


def test_every_variable_is_explained(checkout) -> None:
    used = {name for path in sources(checkout) for name in re.findall(r"vars\.(\w+)", path.read_text())}
    section = (checkout / "docs" / "deploy.md").read_text().partition("\n## The pipeline\n")[2].partition("\n## ")[0]
    assert used == set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE))


def test_the_shell_of_actions_is_sound(checkout, run) -> None:
    scripts = sorted((checkout / ".github" / "actions").rglob("*.sh"))
    assert scripts
    for script in scripts:
        run("bash", "-n", script)
        assert os.access(script, os.X_OK)


def test_act_runs_the_lint_job_in_a_clean_clone(checkout, tool, tmp_path) -> None:
    """The other jobs need features of GitHub's machines: several Pythons, sudo, an engine, and actions from GitHub."""
    act = tool("act")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(checkout), str(clone)], check=True, timeout=120)
    left_out = tmp_path / "left-out"
    left_out.mkdir()
    (left_out / "action.yaml").write_text(NOT_HERE)
    fetched = re.findall(r"uses: (\S+@\S+)", (clone / ".github" / "actions" / "setup" / "action.yaml").read_text())
    assert len(fetched) == 2
    here = [f"--local-repository={name}={left_out}" for name in fetched]
    command = [act, "push", "--workflows", ".github/workflows/ci.yaml", "--job", "lint", "--action-offline-mode"]
    command += ["--platform", "ubuntu-24.04=-self-hosted", "--artifact-server-path", str(tmp_path / "artifacts"), *here]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name in ("VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=900)
    told = done.stdout + done.stderr
    shutil.rmtree(clone)
    assert done.returncode == 0, told[-6000:]
    for step in ("make setup", "make lint", "make types"):
        assert re.search(rf"Success - Main {step}", told), told[-6000:]
    assert "Job succeeded" in told


@pytest.mark.parametrize("name", WORKFLOWS)
def test_act_can_read_them(checkout, run, tool, name) -> None:
    run(tool("act"), "--validate", "--strict", "--workflows", f".github/workflows/{name}.yaml", "--list", timeout=60)
