"""docs/deploy.md: shells and the chart accept its commands and values, and its calculations are correct."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.guide import GUIDE, blocks


def merged(below: Any, above: Any) -> Any:
    """Merge values as Helm does, and return the result."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: merged(below.get(key), value) for key, value in above.items()}


@pytest.mark.parametrize("heading", blocks("sh"))
def test_a_shell_reads_the_commands(run, heading) -> None:
    run("bash", "-n", "-c", blocks("sh")[heading])


def test_the_chart_takes_the_values(checkout) -> None:
    folder = checkout / "helm"
    files = [(folder / name).read_text() for name in ("values.yaml", "values-eks.yaml")]
    typed = blocks("sh")["Install"]
    names = re.findall(r"--set-string ([\w.]+)=", typed)
    given = {name: f"sha256:{'0' * 64}" if name.lower().endswith("digest") else "x" for name in names}
    values: Any = {}
    for text in (*files, blocks("yaml")["Values"]):
        values = merged(values, yaml.safe_load(text))
    for key, value in given.items():
        *path, last = key.split(".")
        place = values
        for name in path:
            place = place[name]
        assert last in place, f"the chart has no value {key}"
        place[last] = value
    jsonschema.validate(values, json.loads((folder / "values.schema.json").read_text()))


def test_the_secret_has_every_key_that_the_chart_reads(checkout) -> None:
    template = checkout / "helm" / "templates" / "secrets.yaml"
    of_another_store = {"s3-access-key", "s3-secret-key"}
    defined = template.read_text().partition("{{- end }}\n{{- if .Values.secrets")[0]
    read = set(re.findall(r'"([a-z0-9]+-[a-z0-9-]+|connection)"', defined))
    assert read - of_another_store == set(re.findall(r"--from-literal=([\w-]+)=", blocks("sh")["Secrets"]))


# https://docs.aws.amazon.com/AmazonS3/latest/API: "Permissions" of each operation.
ACTIONS = {
    "delete_object": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "get_bucket_versioning": {"s3:GetBucketVersioning"},
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "head_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "list_object_versions": {"s3:ListBucketVersions"},
    "list_objects_v2": {"s3:ListBucket"},
    "put_object": {"s3:PutObject"},
}


def test_the_role_of_tasks_may_do_all_that_they_ask_of_the_bucket(checkout) -> None:
    code = "".join(path.read_text() for path in (checkout / "sentiment_core").rglob("*.py"))
    asked = set(re.findall(r"\.s3\.(?!get_paginator)(\w+)\(", code)) | set(re.findall(r'get_paginator\("(\w+)"', code))
    assert len(asked) >= 6
    policy = json.loads(re.search(r"policy='(.*?)'", blocks("sh")["Buckets and roles"], re.DOTALL)[1])  # type: ignore[index]
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert set().union(*(ACTIONS[operation] for operation in asked)) <= allowed


def test_the_costs_add_up() -> None:
    table = GUIDE.read_text().partition("\n## What it costs\n")[2].partition("\n## ")[0]
    costs = [int(cost) for cost in re.findall(r"^\| [^*|]+ \| [^|]+ \| (\d+) \|$", table, re.MULTILINE)]
    assert len(costs) >= 7
    assert f"| **all of it** | | **{sum(costs)}** |" in table


def test_every_workflow_is_explained(checkout) -> None:
    section = GUIDE.read_text().partition("\n## The pipeline\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z]+)` \|", section, re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (checkout / ".github" / "workflows").iterdir())


def test_every_file_that_it_names_is_there(checkout) -> None:
    text = GUIDE.read_text()
    named = [*re.findall(r"`(tests/[\w./=-]+)`", text), *re.findall(r"cp (examples/\S+)", text)]
    assert len(named) >= 4
    assert [path for path in named if not (checkout / path).exists()] == []
