"""The rendered pods as containers, run by `podman play kube`: the service, the migration and the first model."""

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import named
from tests.chart.test_commands import free_port, until

# Options that an unprivileged machine can still use, and the runtime that works without systemd.
CONFIGURATION = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
http_proxy = false
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
# For these probes podman calls curl in the container. The test requests the same addresses itself.
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


class Podman:
    """Play manifests, with the images in a separate store."""

    def __init__(self, folder: Path) -> None:
        configuration = folder / "containers.conf"
        runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
        configuration.write_text(CONFIGURATION + runtime)
        # Podman would search for Docker's credentials, and fail if its folder has none.
        mine = {name: value for name, value in os.environ.items() if name != "DOCKER_CONFIG"}
        self._environment = mine | {"CONTAINERS_CONF": str(configuration)}
        self._folder = folder
        self._played: list[Path] = []
        self._secrets: list[str] = []

    def run(self, *command: str, check: bool = True, given: bytes | None = None) -> str:
        done = subprocess.run(
            ["podman", *command], env=self._environment, input=given, capture_output=True, check=False, timeout=600
        )
        output = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == 0 or not check, f"podman {' '.join(command)}: {output}"
        return output

    def keep_secret(self, name: str, values: Mapping[str, str]) -> None:
        """Store a Secret in the format that this release of podman reads; release 4.3 has a separate format."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        whole = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}
        release = tuple(int(part) for part in self.run("version", "--format", "{{.Client.Version}}").split(".")[:2])
        given = json.dumps(encoded) if release < (4, 4) else yaml.safe_dump(whole)
        self.run("secret", "create", name, "-", given=given.encode())
        self._secrets.append(name)

    def play(self, *manifests: Mapping[str, Any]) -> None:
        """Start the pods of the manifests in the host's network, because the parts that they need listen there."""
        path = self._folder / f"{len(self._played)}.yaml"
        path.write_text(yaml.safe_dump_all(manifests))
        self._played.append(path)
        self.run("play", "kube", "--network", "host", str(path))

    def end(self) -> None:
        for path in self._played:
            self.run("play", "kube", "--down", str(path), check=False)
        for name in self._secrets:
            self.run("secret", "rm", name, check=False)

    def logs(self, name: str) -> str:
        """Return the state of all containers, and the output of a pod's containers."""
        listed = self.run("ps", "--all", "--format", "{{.Names}} {{.Status}}")
        mine = [line.split()[0] for line in listed.splitlines() if line.startswith(f"{name}-")]
        printed = "".join(self.run("logs", each, check=False) for each in mine)
        return "\n".join([listed, *(line for line in printed.splitlines() if "api.access" not in line)])

    def finished(self, container: str) -> str:
        """Return a container's output after it has ended. It must have succeeded."""

        def state() -> Any:
            (found,) = json.loads(self.run("inspect", container).partition("\ntime=")[0])
            return found["State"] if found["State"]["Status"] in ("exited", "stopped") else None

        status = until(state, 300)
        output = self.run("logs", container)
        assert status["ExitCode"] == 0, output
        return output


@pytest.fixture(scope="module")
def played(request, tmp_path_factory) -> Iterator[Podman]:
    """Podman, with both images."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("podman is not on the path, or this is not root (Debian: podman, catatonit, runc)")
    images = request.getfixturevalue("images")
    podman = Podman(tmp_path_factory.mktemp("podman"))
    for image in images.values():
        archive = tmp_path_factory.mktemp("image") / "image.tar"
        subprocess.run(["docker", "save", "--output", str(archive), image], check=True, timeout=600)
        podman.run("load", "--quiet", "--input", str(archive))
        archive.unlink()
    yield podman
    podman.end()


def pod(manifest: Mapping[str, Any], name: str, images: Mapping[str, str], changed: Mapping[str, str]) -> Any:
    """Return the pod of a Deployment or a Job as a standalone pod, with local images and `changed` variables."""
    template = json.loads(json.dumps(manifest["spec"]["template"]))
    spec = template["spec"]
    spec["restartPolicy"] = "Never"
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        target = "api" if "sentiment-api" in container["image"] else "airflow"
        container |= {"image": f"localhost/{images[target]}", "imagePullPolicy": "Never"}
        for field in (*PROBES, "ports"):  # the host's network maps no ports
            container.pop(field, None)
        kept = [each for each in container.get("env", []) if each["name"] not in changed]
        container["env"] = [*kept, *({"name": key, "value": value} for key, value in changed.items())]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": template["metadata"]["labels"]},
        "spec": spec,
    }


def test_the_rendered_pods_run(played, images, render, stack, empty_database) -> None:
    unique = f"chart-{time.monotonic_ns()}"
    airflow = stack.postgres.create_database(unique.replace("-", "_")).replace("://", "+psycopg2://", 1)
    mlflow = stack.postgres.create_database(f"{unique}_m".replace("-", "_")).replace("://", "+psycopg2://", 1)
    played.keep_secret(
        "sentiment",
        {
            "database-url": empty_database,
            "api-database-url": empty_database,
            "mlflow-backend-uri": mlflow,
            "connection": airflow,
            "fernet-key": "c2l4dGVlbiBieXRlcyBhbmQgYXMgbWFueSBhZ2Fpbi4=",
            "airflow-admin-password": "first-password",
        },
    )
    # Names of Services and ports of pods are changed, because all pods share this machine's. Values in the ConfigMap
    # are changed there, because in podman it takes precedence over a container's own variables.
    values = {
        "global": {"sentiment": {"mlflowUri": stack.mlflow.url}},
        "settings": {"SENTIMENT_MODEL_NAME": unique, "SENTIMENT_MODEL_POLL_S": "0.2"},
    }
    manifests = render(**values)
    settings = named(manifests, "ConfigMap", "sentiment-settings")
    port, probes = free_port(), free_port()
    changed = {"SENTIMENT_API_PORT": str(port), "SENTIMENT_API_PROBES_PORT": str(probes)}

    of_airflow = named(manifests, "ConfigMap", "sentiment-airflow-settings")
    played.play(settings, of_airflow, pod(named(manifests, "Job", "sentiment-migrate"), "migrate", images, changed))
    assert "The schema is at revision" in played.finished("migrate-migrate")
    service = named(manifests, "Deployment", "sentiment-api-blue")
    played.play(settings, pod(service, "service", images, changed))
    readyz = service["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"]

    def source() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{probes}{readyz}", timeout=5) as response:
            return str(json.load(response)["source"])

    try:
        assert until(source) == "starter"
    except AssertionError:
        pytest.fail(played.logs("service"))
    played.play(settings, pod(named(manifests, "Job", "sentiment-first-model"), "first", images, changed))
    assert "version 1, digest" in played.finished("first-first-model")
    until(lambda: source() == "registry")
    body = json.dumps({"text": "Works well and looks lovely."}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as response:
        assert json.load(response)["label"] == "positive"

    status = played.run("exec", "service-api", "cat", "/proc/self/status")
    (found,) = json.loads(played.run("inspect", "service-api").partition("\ntime=")[0])
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status
    assert "Uid:\t10001" in status
