"""The installation into a local cluster: what `make kind` runs, and whether the profile `dev` fits a small node."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chart.helm import CHART, containers, named, pods, values_of

# What kind's own pods request on a node, in thousandths of a core, of two cores.
NODE, SYSTEM = 2000, 950
STANDIN = """#!/bin/bash
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
    "kind get clusters") cat "$CLUSTERS" ;;
    "kind create cluster"*) echo sentiment > "$CLUSTERS" ;;
    "minikube status"*) grep --quiet sentiment "$CLUSTERS" ;;
    "helm dependency update helm") echo -n "${DOWNLOADED:-archive}" > helm/charts/airflow.tgz ;;
    "docker image inspect"*) [[ -z "${NO_IMAGES:-}" ]] ;;
esac
"""


@pytest.fixture
def script(tmp_path):
    """Run a copy of the script with stand-ins of the programs, in a repository of its own. Return result and calls."""
    checkout, path = tmp_path / "checkout", tmp_path / "bin"
    (checkout / "helm" / "charts").mkdir(parents=True)
    shutil.copy(CHART / "kind.sh", checkout / "helm")
    digest = hashlib.sha256(b"archive").hexdigest()
    (checkout / "helm" / "charts.sha256").write_text(f"{digest}  charts/airflow.tgz\n")
    path.mkdir()
    for name in ("docker", "kind", "minikube", "kubectl", "helm"):
        (path / name).write_text(STANDIN)
        (path / name).chmod(0o755)
    (tmp_path / "clusters").touch()
    identity = {f"GIT_{role}_{field}": "t" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
    base = {"PATH": f"{path}:/usr/bin:/bin", "CALLS": str(tmp_path / "calls"), "CLUSTERS": str(tmp_path / "clusters")}
    for command in (["git", "init", "--quiet"], ["git", "commit", "--quiet", "--allow-empty", "--message", "x"]):
        subprocess.run(command, cwd=checkout, env=base | identity, check=True)

    def run(**changed: str) -> "tuple[subprocess.CompletedProcess[str], list[str]]":
        (tmp_path / "calls").write_text("")
        command = [checkout / "helm" / "kind.sh"]
        done = subprocess.run(command, env=base | changed, capture_output=True, text=True, check=False)
        return done, (tmp_path / "calls").read_text().splitlines()

    run.path = path  # type: ignore[attr-defined]
    run.revision = subprocess.run(  # type: ignore[attr-defined]
        ["git", "rev-parse", "HEAD"], cwd=checkout, env=base, capture_output=True, text=True, check=True
    ).stdout.strip()
    return run


def test_a_cluster_is_made_once_and_gets_the_images_that_the_release_names(script) -> None:
    done, calls = script()
    assert done.returncode == 0, done.stderr
    images = f"sentiment-api:{script.revision} sentiment-airflow:{script.revision}"
    assert f"kind load docker-image {images} --name sentiment" in calls
    assert calls.index("kind create cluster --name sentiment --wait 5m") < calls.index(
        f"kind load docker-image {images} --name sentiment"
    )
    (upgrade,) = (call for call in calls if call.startswith("helm upgrade"))
    for part in (
        "--kube-context kind-sentiment",
        "--values helm/values-dev.yaml",
        f"--set-string image.api.tag={script.revision}",
        f"--set-string airflow.defaultAirflowTag={script.revision}",
    ):
        assert part in upgrade
    assert calls[-1].startswith("helm test sentiment")
    assert "helm dependency update helm" in calls
    _, again = script()
    assert "helm dependency update helm" not in again
    assert not [call for call in again if call.startswith("kind create")]
    assert upgrade in again


def test_minikube_can_be_used_instead(script) -> None:
    done, calls = script(CLUSTER_TOOL="minikube", HELM_ARGS="--set insights.enabled=true")
    assert done.returncode == 0, done.stderr
    loaded = [call for call in calls if call.startswith("minikube image load")]
    assert [call.split()[3].partition(":")[0] for call in loaded] == ["sentiment-api", "sentiment-airflow"]
    (upgrade,) = (call for call in calls if call.startswith("helm upgrade"))
    assert "--kube-context sentiment " in upgrade
    assert upgrade.endswith("--set insights.enabled=true")


def test_a_missing_program_or_image_is_named_before_anything_is_made(script) -> None:
    done, calls = script(NO_IMAGES="1")
    assert "Run make images first" in done.stderr
    assert done.returncode == 1
    assert not [call for call in calls if not call.startswith("docker")]
    done, _ = script(CLUSTER_TOOL="k3d")
    assert "set it to kind or minikube" in done.stderr
    (script.path / "kind").unlink()
    done, calls = script()
    assert "kind is not on the path" in done.stderr
    assert (done.returncode, calls) == (1, [])


def test_another_archive_than_the_one_of_the_checksum_is_not_installed(script) -> None:
    done, calls = script(DOWNLOADED="another")
    assert done.returncode != 0
    assert not [call for call in calls if call.startswith(("kind", "helm upgrade"))]


def test_make_images_gives_the_names_that_the_chart_takes(checkout: Path, render) -> None:
    make = subprocess.run(["make", "--dry-run", "images"], cwd=checkout, capture_output=True, text=True, check=True)
    assert "--tag sentiment-$target:" in make.stdout
    assert re.search(r"for target in api airflow;", make.stdout)
    tag = {"image": {"api": {"tag": "r"}}, "airflow": {"defaultAirflowTag": "r"}}
    images = {each["image"] for pod in pods(render("dev", **tag)).values() for each in containers(pod)}
    assert {"sentiment-api:r", "sentiment-airflow:r"} <= images


def test_the_s3_server_makes_every_bucket(render) -> None:
    store = named(render("dev"), "StatefulSet", "sentiment-object-store")["spec"]["template"]["spec"]
    command = store["containers"][0]["command"]
    assert command[-1] == "-bucket=reviews,mlflow,airflow-logs"
    assert all(word.startswith("-") for word in command[2:])


def test_the_pods_of_the_trial_and_a_task_fit_a_node_with_two_cores(render) -> None:
    def cpu(resources) -> int:
        value = str(resources["requests"]["cpu"])
        return int(value[:-1]) if value.endswith("m") else int(float(value) * 1000)

    def requested(pod) -> int:
        return max(
            sum(cpu(each["resources"]) for each in pod["spec"]["containers"]),
            *(cpu(each["resources"]) for each in pod["spec"].get("initContainers", [{"resources": LEAST}])),
        )

    found = pods(render("dev"))
    total = sum(requested(pod) for name, pod in found.items() if not name.startswith("Pod "))
    airflow = values_of("dev")["airflow"]
    total += sum(cpu(airflow[part]["resources"]) for part in ("apiServer", "scheduler", "dagProcessor", "triggerer"))
    total += airflow["config"]["core"]["parallelism"] * cpu(airflow["workers"]["kubernetes"]["resources"])
    assert total <= NODE - SYSTEM


LEAST = {"requests": {"cpu": 0}}
