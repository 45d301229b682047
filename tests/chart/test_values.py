"""Values: invalid ones are rejected, all are documented, and none of them is a secret."""

import gzip
import json
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.helm import CHART, PROFILES, HelmError, containers, pods, values_of
from tests.chart.test_rendering import ALL_ON
from tests.chart.values_table import BEGIN, END, table
from tests.chart.whole import ARCHIVE

SECRET = re.compile(
    r"DATABASE_URL|AWS_ACCESS|_KEYS?$|PASSWORD|SQL_ALCHEMY_CONN|STORE_URI|SECRET|TRACKING_(TOKEN|USERNAME)"
)
SECRETS = {"SENTIMENT_DATABASE_URL", "SENTIMENT_ERASURE_KEY", "SENTIMENT_API_KEYS"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"apii": {}}, "apii"),
        ({"api": {"replica": 3}}, "replica"),
        ({"api": {"tracks": {"red": {"enabled": True, "weight": 1}}}}, "red"),
        ({"api": {"tracks": {"blue": {"weight": -1}}}}, "weight"),
        ({"api": {"tracks": {"blue": {"weight": 0}}}}, "no track would get requests"),
        ({"api": {"tracks": {"blue": {"enabled": False}}}}, "no track would get requests"),
        ({"api": {"gateway": {"enabled": True}}}, "parentRefs"),
        ({"api": {"settings": {"SENTIMENT_API_PORT": "9"}}}, "SENTIMENT_API_PORT"),
        ({"settings": {"SENTIMENT_MAX_REQUESTS": 9}}, "SENTIMENT_MAX_REQUESTS"),
        ({"settings": {"AIRFLOW__CORE__FERNET_KEY": "k"}}, "AIRFLOW__CORE__FERNET_KEY"),
        ({"image": {"api": {"tag": "latest"}}}, "tag"),
        ({"image": {"api": {"digest": "sha256:1"}}}, "digest"),
        ({"objectStore": {"artifacts": "a folder"}}, "artifacts"),
        ({"networkPolicy": {"database": {"cidrs": []}}}, "cidrs"),
        ({"networkPolicy": {"callers": ["everybody"]}}, "callers"),
        ({"mlflow": {"enabled": False}}, "set global.sentiment.mlflowUri"),
        ({"mlflow": {"enabled": False}, "global": {"sentiment": {"mlflowUri": "http://m"}}}, "networkPolicy.mlflow"),
        ({"global": {"sentiment": {"mlflowUri": "https://u:p@mlflow"}}}, "contains a user or a password"),
        ({"settings": {"SENTIMENT_MLFLOW_TRACKING_URI": "https://t@mlflow"}}, "contains a user or a password"),
        ({"global": {"sentiment": {"mlflowLogin": "token"}}}, "has no login"),
        ({"global": {"sentiment": {"mlflowLogin": "oauth"}}}, "mlflowLogin"),
        ({"secrets": {"generate": True, "external": {"enabled": True, "entry": "s"}}}, "enable only one"),
        ({"secrets": {"external": {"enabled": True}}}, "names the store's entry"),
        ({"monitoring": {"rules": {"enabled": "yes"}}}, "enabled"),
        ({"arrivals": {"everySeconds": 5}}, "everySeconds"),
        ({"arrivals": {"queueUrl": "arrivals"}}, "queueUrl"),
        ({"arrivals": {"queueUrl": "https://q"}, "airflow": {"triggerer": {"replicas": 0}}}, "the triggerer"),
        ({"airflow": {"pgbouncer": {"enabled": True}}}, "configSecretName"),
        ({"airflow": {"defaultAirflowDigest": "sha256:1"}}, "defaultAirflowDigest"),
        ({"secrets": {"generate": True}}, "dev.postgres"),
        ({"networkPolicy": {"extraEgress": {"apii": []}}}, "apii"),
        ({"networkPolicy": {"extraEgress": {"api": [{}]}}}, "extraEgress"),
        (
            {"networkPolicy": {"extraEgress": {"api": [{"from": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]}}},
            "`to`",
        ),
        ({"networkPolicy": {"smtp": {"cidrs": [], "port": 25}}}, "smtp"),
        ({"airflow": {"jwtSecretName": "other"}}, "must be equal"),
        ({"airflow": {"extraEnv": "- {name: A, value: b}"}}, "airflowVariables"),
    ],
)
def test_invalid_values_are_rejected(helm, chart, values, told) -> None:
    with pytest.raises(HelmError, match=re.escape(told)):
        helm.template(chart, **values)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_is_rejected_as_a_value(helm, chart, name) -> None:
    for values in ({"settings": {name: "s"}}, {"api": {"settings": {name: "s"}}}):
        with pytest.raises(HelmError, match=name):
            helm.template(chart, **values)


def test_the_schema_knows_every_value_and_all_objects_but_maps_are_closed() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = schema["definitions"][node["$ref"].rpartition("/")[2]]
        return node

    def check(values: Any, node: dict[str, Any], path: str) -> None:
        node = resolve(node)
        if node.get("type") != "object" or path in (".airflow", ".global"):
            return
        assert "additionalProperties" in node, path
        for key, value in values.items():
            if node["additionalProperties"] is False:
                assert key in node["properties"], f"{path}.{key}"
                check(value, node["properties"][key], f"{path}.{key}")

    values = values_of("default")
    check(values, schema, "")
    missing = set(schema["properties"]) ^ set(values)
    assert missing == set()


@pytest.mark.parametrize("profile", PROFILES)
def test_no_secret_is_among_the_values_or_in_what_they_make(render, profile) -> None:
    assert not re.search(
        r"(?i)(password|secret[_-]?key|token|dsn):\s*[\"']?[A-Za-z0-9+/]{8,}", yaml.safe_dump(values_of(profile))
    )
    assert not any(each["kind"] == "Secret" for each in render(profile))
    for name, pod in pods(render(profile)).items():
        for container in containers(pod):
            for variable in container.get("env", []):
                assert ("valueFrom" in variable) == bool(SECRET.search(variable["name"])), f"{name}: {variable['name']}"


def test_external_secrets_give_every_key_that_pods_read(render) -> None:
    manifests = render(**ALL_ON)
    (secret,) = (each for each in manifests if each["kind"] == "ExternalSecret")
    given = {each["secretKey"] for each in secret["spec"]["data"]}
    text = json.dumps(manifests) + json.dumps(values_of("dev")["airflow"])
    read = set(re.findall(r'"secretKeyRef": \{"key": "([^"]+)"', text)) | set(re.findall(r"key: ([a-z0-9-]+)\}", text))
    assert read - {"postgres-password"} <= given
    assert given <= set(re.findall(r"^\| `([a-z0-9-]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_values_for_airflow_are_what_the_official_chart_takes(checkout: Path, profile) -> None:
    require_airflow_takes(values_of(profile)["airflow"], checkout)


def require_airflow_takes(values: dict[str, Any], checkout: Path) -> None:
    """Require that the official chart's schema accepts these values and knows each name."""
    schema = _airflow_schema(checkout)
    jsonschema.validate(values, schema, jsonschema.Draft7Validator)
    # A name that the chart does not know has no effect, and not every object of the schema rejects it.
    assert sorted(_unknown(values, schema, schema, "airflow")) == ["airflow.enabled"]


def _airflow_schema(checkout: Path) -> dict[str, Any]:
    """Return the schema of the official chart: the archive's own, else the copy of it beside this repository."""
    if ARCHIVE.exists():
        with tarfile.open(ARCHIVE) as archive:
            member = archive.extractfile("airflow/values.schema.json")
            assert member is not None
            schema: dict[str, Any] = json.load(member)
            return schema
    path = Path(os.environ.get("SENTIMENT_REAL_DATA", checkout / "../shared/data"))
    path /= "airflow-chart-1.22.0.values.schema.json.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not here; SENTIMENT_REAL_DATA names its folder")
    copied: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return copied


def _unknown(values: dict[str, Any], node: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    while "$ref" in node:
        found: Any = schema
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    if "properties" not in node:
        return []
    names = []
    for key, value in values.items():
        if key in node["properties"]:
            if isinstance(value, dict):
                names += _unknown(value, node["properties"][key], schema, f"{path}.{key}")
        elif not node.get("additionalProperties"):
            names.append(f"{path}.{key}")
    return names


def test_the_values_for_airflow_are_of_its_new_keys() -> None:
    airflow = values_of("eks")["airflow"]
    assert airflow["executor"] == "KubernetesExecutor"
    assert set(airflow["workers"]) == {"kubernetes"}
    assert airflow["migrateDatabaseJob"]["enabled"] is False
    assert airflow["config"]["logging"]["remote_logging"] == "True"
    security = airflow["securityContexts"]
    assert security["containers"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert security["pod"]["runAsNonRoot"]
    assert security["pod"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_the_readme_lists_every_value_with_its_default_and_its_meaning() -> None:
    readme = (CHART / "README.md").read_text()
    written = readme.partition(BEGIN)[2].partition(END)[0].strip()
    assert written == table(), "`python -m tests.chart.values_table` writes it"
