"""infra/: Terraform's own checks, the plan, what moto can hold of it, and the chart with the values that come out."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
import yaml

from tests.chart.conftest import chart, helm, helm_program
from tests.chart.helm import CHART, REVISION, Helm, merged, named, values_of
from tests.deploy.conftest import moto_server
from tests.deploy.test_guide import ACTIONS

__all__ = ["chart", "helm", "helm_program"]

# Each start of the provider takes seconds, and minutes on a busy machine.
pytestmark = pytest.mark.timeout(1800)

ACCOUNT = "123456789012"  # moto's
REGION = "eu-central-1"
HOST = "sentiment.example.com"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
INPUTS = {
    "account_id": ACCOUNT,
    "region": REGION,
    "zones": [f"{REGION}a", f"{REGION}b"],
    "administrators": [f"arn:aws:iam::{ACCOUNT}:role/platform"],
    "budget": {"limit_usd": 600, "emails": ["platform@example.com"]},
    "github": {"repository": "example/reviews"},
    "host": HOST,
    "certificate_arn": CERTIFICATE,
}
# The backend and the endpoints of this machine in place of AWS's.
OVERRIDE = """
terraform {
  backend "local" {}
}

provider "aws" {
  skip_metadata_api_check = true
  s3_use_path_style       = true
}
"""
# moto has no Pod Identity, and forgets which queues may use a dead-letter queue. Its clusters, networks and databases
# would show nothing that the plan does not.
HELD_BY_MOTO = (
    "module.reviews",
    "module.models",
    "module.registry[0]",
    "module.arrivals.aws_s3_bucket_notification.this",
    "module.network.aws_cloudwatch_log_group.flow",
    "module.cluster.aws_cloudwatch_log_group.control_plane",
    "module.database.aws_cloudwatch_log_group.this",
    "module.logs",
    "module.pod_roles.aws_iam_role_policy.this",
    "module.github[0].aws_iam_role.this",
)
GIVEN = ("-input=false", "-no-color", "-var-file=inputs.tfvars.json")
Terraform = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def program() -> str:
    """Terraform, or the program that the variable TERRAFORM names, such as tofu."""
    name = os.environ.get("TERRAFORM", "terraform")
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture(scope="session")
def terraform(checkout: Path, program: str, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Run Terraform in a copy of infra, for which the provider is installed."""
    folder = tmp_path_factory.mktemp("terraform") / "infra"
    shutil.copytree(checkout / "infra", folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    (folder / "local_override.tf").write_text(OVERRIDE)
    (folder / "inputs.tfvars.json").write_text(json.dumps(INPUTS))

    def start(
        *arguments: str, check: bool = True, module: str = ".", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        command = [program, f"-chdir={folder / module}", *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
            env=os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"} | environment,
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    ready = start("init", "-input=false", "-no-color", check=False)
    if ready.returncode and "CI" not in os.environ:
        pytest.skip(
            f"{program} cannot install the provider (a mirror can be named in TF_CLI_CONFIG_FILE): {ready.stderr}"
        )
    assert ready.returncode == 0, ready.stderr
    return start


@pytest.fixture(scope="session")
def aws(tool: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """A moto server. Yields the variables by which Terraform and boto3 use it in place of AWS."""
    with moto_server(tool("moto_server"), REGION) as variables:
        yield variables


@pytest.fixture(scope="session")
def plan(terraform: Terraform, aws: dict[str, str]) -> dict[str, Any]:
    """The plan of everything as JSON, made with moto as the account."""
    terraform("plan", *GIVEN, "-out=all.tfplan", **aws)
    found: dict[str, Any] = json.loads(terraform("show", "-json", "all.tfplan").stdout)
    return found


@pytest.fixture(scope="session")
def values(plan: dict[str, Any]) -> dict[str, Any]:
    """The values for the chart. Nothing in them depends on what AWS returns, so the plan already has them."""
    found: dict[str, Any] = yaml.safe_load(plan["planned_values"]["outputs"]["values"]["value"])
    return found


def planned(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all planned resources."""
    modules = [plan["planned_values"]["root_module"]]
    while modules:
        module = modules.pop()
        yield from module.get("resources", [])
        modules += module.get("child_modules", [])


def test_the_files_are_in_terraforms_format(run, program) -> None:
    run(program, "fmt", "-check", "-recursive", "-diff", "infra")


def test_the_configuration_is_valid(terraform) -> None:
    assert json.loads(terraform("validate", "-json").stdout)["diagnostics"] == []


def test_the_bootstrap_is_valid(terraform) -> None:
    terraform("init", "-input=false", "-no-color", module="bootstrap")
    assert json.loads(terraform("validate", "-json", module="bootstrap").stdout)["diagnostics"] == []


def test_terraforms_own_tests_pass(terraform) -> None:
    told = terraform("test", "-no-color").stdout
    assert re.search(r"Success! \d+ passed, 0 failed\.", told), told


def test_checkov_finds_nothing_and_each_skip_has_a_reason(run, tool, checkout) -> None:
    for path in (checkout / "infra").rglob("*.tf"):
        for line in re.findall(r"checkov:skip=.*", path.read_text()):
            assert re.fullmatch(r"checkov:skip=CKV2?_AWS_\d+:.{30,}", line), f"{path}: {line}"
    options = ("--skip-download", "--compact", "--quiet", "--framework", "terraform", "--directory", "infra")
    told = run(tool("checkov"), *options, check=False)
    assert told.returncode == 0, told.stdout


def test_another_account_is_refused_before_anything_is_planned(terraform, aws) -> None:
    other = terraform("plan", *GIVEN, "-var=account_id=210987654321", check=False, **aws)
    assert other.returncode == 1
    assert "AWS account ID not allowed: 123456789012" in other.stderr


def test_the_plan_has_no_secret(plan) -> None:
    """RDS makes the master user's password, so that neither a plan nor a state has it."""
    (database,) = (each for each in planned(plan) if each["type"] == "aws_db_instance")
    assert database["values"]["manage_master_user_password"] is True
    assert database["values"].get("password") is None
    kinds = {each["type"] for each in planned(plan)}
    assert (
        kinds & {"aws_secretsmanager_secret_version", "aws_iam_access_key", "random_password", "tls_private_key"}
        == set()
    )


def test_the_charts_schema_takes_the_values(values) -> None:
    jsonschema.validate(merged(values_of("eks"), values), json.loads((CHART / "values.schema.json").read_text()))


def test_helm_renders_the_chart_with_the_values(helm: Helm, chart: Path, values) -> None:
    manifests = helm.render(chart, "eks", **values)
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    (service,) = named(manifests, "Deployment", "sentiment-api-blue")["spec"]["template"]["spec"]["containers"]
    assert service["image"] == f"{registry}/sentiment-api:{REVISION}"
    settings = named(manifests, "ConfigMap", "sentiment-settings")["data"]
    assert settings["SENTIMENT_BUCKET"] == f"sentiment-{ACCOUNT}-reviews"
    assert settings["AWS_DEFAULT_REGION"] == REGION
    ingress = named(manifests, "Ingress", "sentiment-api")
    assert ingress["spec"]["rules"][0]["host"] == HOST
    assert ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/certificate-arn"] == CERTIFICATE
    # No Prometheus operator is known, so there are none of its objects.
    assert {each["kind"] for each in manifests} & {"PodMonitor", "PrometheusRule"} == set()


def test_each_role_is_for_a_service_account_of_the_chart(helm: Helm, chart: Path, values, plan) -> None:
    rendered = {
        each["metadata"]["name"] for each in helm.render(chart, "eks", **values) if each["kind"] == "ServiceAccount"
    }
    airflow = merged(values_of("eks"), values)["airflow"]
    parts = [airflow["workers"]["kubernetes"], *(airflow[part] for part in ("apiServer", "scheduler", "triggerer"))]
    accounts = rendered | {part["serviceAccount"]["name"] for part in parts}
    associated = {
        each["values"]["service_account"]: each["values"]["namespace"]
        for each in planned(plan)
        if each["type"] == "aws_eks_pod_identity_association"
    }
    assert set(associated) <= accounts
    assert set(associated.values()) == {"sentiment"}
    assert accounts - set(associated) == {"sentiment-api", "sentiment-jobs"}  # these call no service of AWS


def empty(s3: Any, bucket: str) -> None:
    """Delete all versions in a bucket: Terraform deletes only an empty one."""
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


@pytest.fixture(scope="session")
def held(terraform: Terraform, aws: dict[str, str]) -> Iterator[Callable[[str], Any]]:
    """What moto can hold, applied and afterwards destroyed. Yields a function that returns a client of boto3."""
    targets = [f"-target={each}" for each in HELD_BY_MOTO]
    terraform("apply", *GIVEN, "-auto-approve", *targets, **aws)

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": aws["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": aws["AWS_SECRET_ACCESS_KEY"]}
        return boto3.client(service, region_name=REGION, endpoint_url=aws["AWS_ENDPOINT_URL"], **keys)

    yield client
    empty(client("s3"), f"sentiment-{ACCOUNT}-reviews")
    terraform("destroy", *GIVEN, "-auto-approve", **aws)
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("sqs").list_queues().get("QueueUrls", []) == []


@pytest.mark.parametrize("use", ["reviews", "models"])
def test_buckets_are_private_encrypted_and_keep_versions(held, use) -> None:
    s3, bucket = held("s3"), {"Bucket": f"sentiment-{ACCOUNT}-{use}"}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (statement,) = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rules = {each["ID"]: each for each in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]}
    assert rules["old-versions"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
    assert ("expire-airflow-logs" in rules) == (use == "reviews")
    # A drop stays until a person deletes it.
    assert all(
        each.get("Filter", {}).get("Prefix") == "airflow-logs/"
        for each in rules.values()
        if "Days" in each.get("Expiration", {})
    )


def test_a_drop_becomes_a_message_and_a_log_does_not(held) -> None:
    s3, sqs = held("s3"), held("sqs")
    # moto refuses every request because of the policy: it does not evaluate the condition.
    s3.delete_bucket_policy(Bucket=f"sentiment-{ACCOUNT}-reviews")
    queue = sqs.get_queue_url(QueueName="sentiment-arrivals")["QueueUrl"]
    # S3 sends a test message when notifications are turned on.
    while sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        pass
    drop = "incoming/web-shop/dt=2026-11-16/reviews.csv"
    for key in ("airflow-logs/run.log", drop):
        s3.put_object(Bucket=f"sentiment-{ACCOUNT}-reviews", Key=key, Body=b"text")
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    (record,) = json.loads(message["Body"])["Records"]
    assert urllib.parse.unquote_plus(record["s3"]["object"]["key"]) == drop
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(attributes["RedrivePolicy"])
    assert (redrive["deadLetterTargetArn"], int(redrive["maxReceiveCount"])) == (attributes["QueueArn"] + "-dead", 5)


def test_images_cannot_be_overwritten_and_are_scanned(held) -> None:
    found = {each["repositoryName"]: each for each in held("ecr").describe_repositories()["repositories"]}
    assert set(found) == {"sentiment-api", "sentiment-airflow", "charts/sentiment"}
    assert {each["imageTagMutability"] for each in found.values()} == {"IMMUTABLE"}
    assert all(each["imageScanningConfiguration"]["scanOnPush"] for each in found.values())


def test_logs_are_kept_for_a_time(held) -> None:
    groups = {each["logGroupName"]: each["retentionInDays"] for each in held("logs").describe_log_groups()["logGroups"]}
    assert groups == dict.fromkeys(
        (
            "/aws/vpc/sentiment/flow",
            "/aws/eks/sentiment/cluster",
            "/aws/rds/instance/sentiment/postgresql",
            "/aws/rds/instance/sentiment/upgrade",
            "/aws/containerinsights/sentiment/application",
            "/aws/containerinsights/sentiment/dataplane",
            "/aws/containerinsights/sentiment/host",
            "/aws/containerinsights/sentiment/performance",
            "/sentiment/airflow",
        ),
        365,
    )


def test_with_task_logs_in_cloudwatch_the_roles_have_the_rights_of_the_docs_on_the_group(
    held, terraform, aws, checkout
) -> None:
    # The key exists in what is held, so the plan has the policies.
    terraform("plan", *GIVEN, "-var=task_logs=cloudwatch", "-target=module.pod_roles", "-out=logs.tfplan", **aws)
    plan = json.loads(terraform("show", "-json", "logs.tfplan").stdout)
    policies = {
        each["index"]: json.loads(each["values"]["policy"])["Statement"]
        for each in planned(plan)
        if each["address"].startswith("module.pod_roles.aws_iam_role_policy.")
    }
    assert len(policies) == 5
    groups = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    needed = set(re.findall(r"`(logs:\w+)`", (checkout / "docs/logs.md").read_text()))
    for account, statements in policies.items():
        allowed = {
            (action, resource)
            for each in statements
            for action in each["Action"]
            for resource in each["Resource"]
            if action.startswith("logs:")
        }
        expected = {
            (action, f"{groups}*" if action == "logs:DescribeLogGroups" else f"{groups}/sentiment/airflow:*")
            for action in (needed if account != "sentiment-mlflow" else ())
        }
        assert allowed == expected, account
    assert "airflow-logs" not in json.dumps(policies)


def rights(held: Callable[[str], Any], account: str) -> dict[str, set[str]]:
    """Return the actions that the role of a service account allows, by resource."""
    policy = held("iam").get_role_policy(RoleName=f"sentiment-{account}", PolicyName="data")["PolicyDocument"]
    found: dict[str, set[str]] = {}
    for statement in policy["Statement"]:
        for resource in statement["Resource"]:
            found.setdefault(resource.removeprefix("arn:aws:s3:::"), set()).update(statement["Action"])
    return found


def test_tasks_may_do_all_that_they_ask_of_the_bucket(held) -> None:
    allowed = rights(held, "sentiment-worker")
    bucket = f"sentiment-{ACCOUNT}-reviews"
    assert set().union(*allowed.values()) >= set().union(*ACTIONS.values())
    assert allowed[f"{bucket}/incoming/*"] == {"s3:GetObject", "s3:GetObjectVersion"}  # no task changes a drop
    assert {"s3:PutObject", "s3:DeleteObjectVersion"} <= allowed[f"{bucket}/training/*"]
    assert all(not resource.startswith(f"sentiment-{ACCOUNT}-models") for resource in allowed)


def test_only_the_triggerer_receives_messages(held) -> None:
    for account in ("worker", "airflow-api-server", "airflow-scheduler", "airflow-triggerer", "mlflow"):
        actions = set().union(*rights(held, f"sentiment-{account}").values())
        receives = {"sqs:ReceiveMessage", "sqs:DeleteMessage"} <= actions
        assert receives == (account == "airflow-triggerer"), account
        assert not any("*" in action for action in actions)


def test_mlflow_has_its_bucket_only(held) -> None:
    buckets = {resource for resource in rights(held, "sentiment-mlflow") if not resource.startswith("arn:aws:kms:")}
    assert buckets == {f"sentiment-{ACCOUNT}-models", f"sentiment-{ACCOUNT}-models/*"}


def test_githubs_roles_trust_one_repository(held) -> None:
    subjects = {
        "push": ["repo:example/reviews:ref:refs/heads/main"],
        "deploy": [f"repo:example/reviews:environment:{name}" for name in ("staging", "production")],
    }
    subjects["model"] = [*subjects["deploy"], *(f"{each}-training" for each in subjects["deploy"])]
    for name, expected in subjects.items():
        role = held("iam").get_role(RoleName=f"sentiment-github-{name}")["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        trusted = statement["Condition"]["StringEquals"]
        assert trusted["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        found = trusted["token.actions.githubusercontent.com:sub"]
        assert sorted([found] if isinstance(found, str) else found) == sorted(expected)
        assert role["MaxSessionDuration"] == (10800 if name == "model" else 3600)


def test_the_workflows_variables_are_outputs(checkout, plan) -> None:
    section = (checkout / "docs/deploy.md").read_text().partition("\n## The pipeline\n")[2].partition("\n## ")[0]
    expected = set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)) - {"HELM_VALUES"}
    names = re.findall(r"^ +([A-Z_]+) +=", (checkout / "infra/outputs.tf").read_text(), re.MULTILINE)
    assert set(names) == expected


def costs(checkout: Path, plan: object, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "infra/costs.py", *options],
        input=json.dumps(plan),
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_costs_of_the_plan_are_those_of_the_documentation(checkout, plan) -> None:
    found = costs(checkout, plan)
    assert found.returncode == 0, found.stderr
    assert found.stdout in (checkout / "docs/infra.md").read_text()


def test_the_documentation_lists_every_module(checkout) -> None:
    section = (checkout / "docs/infra.md").read_text().partition("\n## What is created\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (checkout / "infra/modules").iterdir())


def test_the_documentation_counts_the_refused_inputs(checkout) -> None:
    text = (checkout / "infra/tests/refused.tftest.hcl").read_text()
    refused = sum(len(each.split(",")) for each in re.findall(r"expect_failures = \[(.*)\]", text))
    assert f"and {refused} refused inputs" in (checkout / "docs/infra.md").read_text()


def test_the_example_has_all_required_inputs_and_no_unknown_one(checkout) -> None:
    declared = re.findall(
        r'^variable "(\w+)" \{\n(.*?)^\}', (checkout / "infra/variables.tf").read_text(), re.MULTILINE | re.DOTALL
    )
    required = {name for name, text in declared if not re.search("^  default", text, re.MULTILINE)}
    example = (checkout / "infra/terraform.tfvars.example").read_text()
    given = set(re.findall(r"^(\w+) +=", example, re.MULTILINE))
    assert required <= given <= {name for name, _ in declared}


def test_the_ingress_class_of_auto_mode_is_that_of_the_chart(checkout) -> None:
    manifests = list(yaml.safe_load_all((checkout / "infra/auto-mode.yaml").read_text()))
    assert named(manifests, "IngressClass", values_of("eks")["api"]["ingress"]["className"])
