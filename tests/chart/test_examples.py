"""Each example of values is one that both releases of Helm render and that Kubernetes and the Airflow chart accept."""

import functools
import re

import pytest
import yaml

from tests.chart.helm import CHART, KUBERNETES, containers, merged, pods, values_of
from tests.chart.test_rendering import OPERATORS
from tests.chart.test_values import require_airflow_takes

FOLDER = CHART / "examples"
# The profiles with which the examples are installed.
EXAMPLES = {
    "argo-cd": "eks",
    "eks-irsa": "eks",
    "eks-pod-identity": "eks",
    "hosted-mlflow": "eks",
    "kind": "dev",
    "nginx": "default",
}


def example(name: str):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


@pytest.fixture(scope="module", params=EXAMPLES)
def rendered(request, helm, chart):
    """The name of an example, and its manifests by one release of Helm."""
    return request.param, helm.render(chart, EXAMPLES[request.param], **example(request.param))


def test_the_readme_lists_every_example_with_its_profile() -> None:
    rows = re.findall(
        r"^\| \[([a-z-]+)\.yaml\]\(\1\.yaml\) \|.*\| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    names = {"eks": "`values-eks.yaml`", "dev": "`values-dev.yaml`", "default": "the values of your platform"}
    assert dict(rows) == {name: names[profile] for name, profile in EXAMPLES.items()}
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(EXAMPLES)


def test_both_releases_of_helm_render_each_example(rendered) -> None:
    _, manifests = rendered
    found = pods(manifests)
    assert "Deployment sentiment-api-blue" in found
    for name, pod in found.items():
        if name.startswith("StatefulSet"):  # its claims are volumes too
            continue
        mounted = {mount["name"] for each in containers(pod) for mount in each.get("volumeMounts", [])}
        assert mounted <= {volume["name"] for volume in pod["spec"].get("volumes", [])}


def test_kubernetes_accepts_each_example(run, tool, render, tmp_path) -> None:
    paths = []
    for name, profile in EXAMPLES.items():
        known = [each for each in render(profile, **example(name)) if each["kind"] not in OPERATORS]
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump_all(known))
    run(tool("kubernetes-validate"), "--strict", "-k", ".".join(KUBERNETES.split(".")[:2]), *paths)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_airflow_chart_accepts_each_example(checkout, name) -> None:
    values = functools.reduce(merged, [values_of(EXAMPLES[name]), example(name)])
    require_airflow_takes(values["airflow"], checkout)
