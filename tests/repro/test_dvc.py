"""The pipeline of dvc.yaml on real S3, PostgreSQL and MLflow: what runs again, what is tracked, and what fails."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.stack import Stack
from sentiment_core.model.bundle import Bundle
from sentiment_core.registry.registered_model import RegisteredModel
from tests.integration.test_snapshots import csv_of
from tests.repro.conftest import Tool

STAGES = ["data_ingestion", "features", "model_building", "model_evaluation", "model_registration"]
TRACKED = ("dvc.yaml", "params.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", "pipeline/.gitignore")
CODE = ("text", "ngrams", "training", "evaluation")
MODEL = "test-pipeline"


class Project:
    """A Git repository with the project's pipeline."""

    def __init__(self, folder: Path, dvc: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._dvc = dvc
        self._environment = environment

    def run(self, *command: str | Path, check: bool = True, **changed: str) -> str:
        """Run a command in the repository and return its output with its errors."""
        ran = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self._environment | changed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert (ran.returncode == 0) == check, f"{command}: exit status {ran.returncode}\n{ran.stdout}"
        return ran.stdout

    def dvc(self, *words: str, check: bool = True, **changed: str) -> str:
        return self.run(self._dvc, *words, check=check, **changed)

    def reproduce(self, *words: str) -> list[str]:
        """Run `dvc repro` and return the stages that it ran or took from its cache. It skipped the others."""
        output = self.dvc("repro", *words)
        skipped = re.findall(r"Stage '(\w+)' didn't change, skipping", output)
        ran = re.findall(r"(?:Running stage|Stage) '(\w+)'(?::| is cached)", output)
        assert sorted({*ran, *skipped}) == sorted(STAGES) or words, output
        return ran

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def set(self, section: str, name: str, value: Any) -> None:
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        params[section][name] = value
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def copy_to(self, folder: Path) -> "Project":
        """Clone the repository. The clone has no cached outputs."""
        self.run("git", "clone", "--quiet", self.folder, folder)
        shutil.copy(self.folder / ".dvc/config.local", folder / ".dvc/config.local")
        return Project(folder, self._dvc, self._environment)

    def files(self, name: str = "pipeline") -> dict[str, str]:
        """Return the SHA-256 of each output by its path."""
        root = self.folder / name
        found = sorted(path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in found}

    @property
    def lock(self) -> str:
        return (self.folder / "dvc.lock").read_text()

    @property
    def digest(self) -> str:
        return Bundle.load(self.folder / "pipeline/model").digest


@pytest.fixture(scope="module")
def bucket_of_module(stack: Stack) -> str:
    stack.object_store.client().create_bucket(Bucket="pipeline")
    return "pipeline"


@pytest.fixture(scope="module")
def put(stack: Stack, bucket_of_module: str) -> Callable[[str, str], None]:
    """Put a labelled file below the training prefix."""
    s3 = stack.object_store.client()
    return lambda key, text: s3.put_object(Bucket=bucket_of_module, Key=f"training/{key}", Body=text.encode())


@pytest.fixture(scope="module")
def environment(
    stack: Stack, migrated_template: str, bucket_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    database = stack.postgres.create_database("pipeline", template=migrated_template)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SENTIMENT_", "GIT_"))}
    yield (
        kept
        | stack.env()
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "SENTIMENT_DATABASE_URL": database,
            "SENTIMENT_BUCKET": bucket_of_module,
            "SENTIMENT_MODEL_NAME": MODEL,
            "SENTIMENT_ERASURE_KEY": "a secret",
            "DVC_SITE_CACHE_DIR": str(tmp_path_factory.mktemp("dvc")),
            **{
                f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
            },
        }
    )
    stack.postgres.drop_database("pipeline")


@pytest.fixture(scope="module")
def project(
    checkout: Path,
    tool: Tool,
    environment: dict[str, str],
    put: Callable[[str, str], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """The pipeline after its first run, committed and pushed."""
    dvc, folder = tool("dvc", "dvc"), tmp_path_factory.mktemp("project")
    for name in TRACKED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / name, folder / name)
    for name in CODE:
        shutil.copytree(
            checkout / "sentiment_core" / name, folder / "sentiment_core" / name, ignore=shutil.ignore_patterns("*.nb?")
        )
    made = Project(folder, dvc, environment)
    # Rated reviews bring the starter model's weights, which take long to train on.
    made.set("stars", "enabled", False)
    (folder / ".gitignore").write_text("__pycache__/\n")
    made.run("git", "init", "--quiet", "--initial-branch", "main")
    made.dvc("remote", "modify", "--local", "store", "url", f"s3://{environment['SENTIMENT_BUCKET']}/dvc")
    put("shop/a.csv", csv_of(0, 300))
    assert made.reproduce() == STAGES
    made.commit("first")
    made.dvc("push")
    return made


@pytest.fixture
def clone(project: Project, tmp_path: Path) -> Project:
    """A clone of the repository with the outputs of the remote."""
    cloned = project.copy_to(tmp_path / "clone")
    cloned.dvc("pull")
    return cloned


def test_git_has_the_snapshot_and_the_metrics_and_dvc_has_the_model(project: Project, stack: Stack) -> None:
    committed = set(project.run("git", "ls-files").split())
    small = ("snapshot/id.txt", "snapshot/manifest.json", "features.json", "metrics.json", "version.json")
    assert {f"pipeline/{name}" for name in small} <= committed
    assert not {name for name in committed if name.startswith(("pipeline/model", "pipeline/plots"))}
    snapshot = (project.folder / "pipeline/snapshot/id.txt").read_text().strip()
    assert snapshot == project.files()["snapshot/manifest.json"]
    metrics = json.loads((project.folder / "pipeline/metrics.json").read_text())
    assert (metrics["digest"], metrics["snapshot"]) == (project.digest, snapshot)
    assert metrics["learned_rows_left_out"] == 0
    version = json.loads((project.folder / "pipeline/version.json").read_text())
    assert RegisteredModel(stack.mlflow.url, MODEL).resolve(str(version["version"]))[1] == project.digest
    assert set(project.files("pipeline/plots")) == {
        "roc.csv",
        "precision_recall.csv",
        "calibration.csv",
        "confusion.csv",
    }
    texts = [line.split('"')[1] for line in csv_of(0, 300).splitlines()[1:]]
    outputs = b"".join(path.read_bytes() for path in (project.folder / "pipeline").rglob("*") if path.is_file())
    assert not [text for text in texts if text.encode() in outputs]


def test_a_second_run_skips_every_stage(project: Project) -> None:
    assert project.reproduce() == []


@pytest.mark.parametrize(
    ("section", "name", "value", "ran"),
    [
        ("model", "C", 3.0, STAGES[2:]),
        ("model", "features", 500, STAGES[1:]),
        ("calibration", "folds", 4, STAGES[2:]),
        ("snapshot", "test_size", 30, STAGES),
    ],
)
def test_a_changed_parameter_runs_its_stages_again(
    clone: Project, section: str, name: str, value: float, ran: list[str]
) -> None:
    clone.set(section, name, value)
    assert clone.reproduce() == ran
    changed = json.loads(clone.dvc("params", "diff", "--json"))
    assert list(changed["params.yaml"]) == [f"{section}.{name}"]


def test_a_pull_gives_the_same_bytes(project: Project, clone: Project) -> None:
    assert clone.files() == project.files()
    assert clone.reproduce() == []


def test_a_forced_run_gives_the_same_tracked_bytes(project: Project, tmp_path: Path) -> None:
    again = project.copy_to(tmp_path / "clone")  # without a cache, so that each stage really runs
    assert again.reproduce("--force") == STAGES
    assert again.lock == project.lock
    assert again.files() == project.files()


def test_an_old_commit_gives_the_old_model_without_a_remote(
    clone: Project, put: Callable[[str, str], None], tmp_path: Path
) -> None:
    old = clone.digest
    put("shop/b.csv", csv_of(300, 400))
    assert clone.reproduce() == []  # new data waits until it is asked for
    clone.dvc("repro", "--force", "--single-item", "data_ingestion")
    assert clone.reproduce() == STAGES[1:]
    assert clone.digest != old
    clone.commit("more data")
    clone.run("git", "checkout", "--quiet", "HEAD~1")
    later = clone.copy_to(tmp_path / "later")
    assert later.reproduce() == STAGES[2:4]  # the stages whose outputs only DVC has
    assert later.digest == old


def test_an_edited_model_is_refused_and_built_again(clone: Project) -> None:
    digest, weights = clone.digest, clone.folder / "pipeline/model/weights.npy"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content[:-1] + b"!")
    assert "modified:           pipeline/model" in clone.dvc("status")
    command = (
        "sentiment",
        "evaluate",
        "pipeline/model",
        "--snapshot",
        (clone.folder / "pipeline/snapshot/id.txt").read_text().strip(),
    )
    assert "is damaged" in clone.run(*command, check=False)
    assert clone.reproduce() == ["model_building"]
    assert clone.digest == digest


def test_a_remote_that_refuses_is_said(clone: Project) -> None:
    clone.set("model", "C", 2.0)
    clone.reproduce()
    output = clone.dvc("push", check=False, AWS_SECRET_ACCESS_KEY="wrong")
    assert "Traceback" not in output
    assert re.search(r"^ERROR: unexpected error - .*(Forbidden|SignatureDoesNotMatch)", output, re.MULTILINE), output
    output = clone.dvc("push", check=False, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert "ERROR: unexpected error - Unable to locate credentials" in output


def test_a_training_on_a_snapshot_that_lost_rows_says_so(clone: Project) -> None:
    clone.run("sentiment", "erase", "review", "r7", "--source", "shop")
    clone.set("model", "C", 5.0)
    output = clone.dvc("repro", check=False)
    assert "lost 1 rows to an erasure" in output
    assert "Create a new snapshot." in output
