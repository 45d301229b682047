"""Airflow as the chart runs it, with each task in a pod: the executor, the login, and the log of a deleted pod.

The official chart's archive is not needed. These tests reproduce what its templates do and the containers that they
build from the chart's values.
"""

import configparser
import io
import time
from collections.abc import Iterator
from typing import NamedTuple

import boto3
import pytest
import urllib3
import yaml

from demo.airflow_client import AirflowClient
from demo.errors import AirflowUnavailable
from sentiment_core.database.connection import connect
from tests.chart.helm import Helm, merged, named, values_of, without_airflow
from tests.chart.pod_api import Kubelet, Pod, PodApi
from tests.chart.test_commands import free_port, until
from tests.deploy.conftest import REVISION

pytestmark = pytest.mark.timeout(3600)  # images are built first
DAG = "score_reviews"
DAY = "2026-11-16"
# The values that the Airflow chart evaluates as templates in its own context.
EVALUATED = """apiVersion: v1
kind: ConfigMap
metadata: {name: evaluated}
data:
  {{- $values := merge (dict "global" .Values.global) .Values.airflow }}
  {{- $airflow := dict "Values" $values "Release" .Release "Template" .Template }}
  extraEnv: {{ tpl .Values.airflow.extraEnv $airflow | quote }}
  extraEnvFrom: {{ tpl .Values.airflow.extraEnvFrom $airflow | quote }}
"""
# The variables that it sets in all of Airflow's containers, by the key of the Secret.
STANDARD = {
    "AIRFLOW__CORE__FERNET_KEY": "fernet-key",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "connection",
    "AIRFLOW__API__SECRET_KEY": "api-secret-key",
    "AIRFLOW__API_AUTH__JWT_SECRET": "jwt-secret",
}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "users": [{"name": "airflow", "user": {"token": "t"}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "airflow"}}],
    "current-context": "here",
}


def airflow_pod(airflow: Pod, evaluated: Pod, name: str, args: list[str], resources: Pod) -> Pod:
    """Return a pod of Airflow with the chart's values in it, built as the templates of the Airflow chart build it.

    It enables service links, because a template of that chart might ignore the value that disables them.
    """
    files = [("airflow.cfg", "/opt/airflow"), ("config", "/opt/airflow/kube"), ("template.yaml", "/opt/airflow/pods")]
    secrets = [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": "sentiment", "key": key}}}
        for variable, key in STANDARD.items()
    ]
    # The API server writes no logs, so it gets no volume for them.
    logs = [] if name.startswith("api-server") else [{"name": "logs", "mountPath": "/opt/airflow/logs"}]
    container = {
        "name": "base",
        "image": f"{airflow['defaultAirflowRepository']}:{airflow['defaultAirflowTag']}",
        "args": args,
        "envFrom": yaml.safe_load(evaluated["extraEnvFrom"]),
        "env": [*secrets, *yaml.safe_load(evaluated["extraEnv"])],
        "securityContext": airflow["securityContexts"]["containers"],
        "resources": resources,
        "volumeMounts": [
            *airflow["volumeMounts"],
            *logs,
            *({"name": "config", "mountPath": f"{path}/{file}", "subPath": file} for file, path in files),
        ],
    }
    volumes = [{"name": "logs", "emptyDir": {}}, {"name": "config", "configMap": {"name": "config"}}]
    spec = {
        "restartPolicy": "Never",
        "securityContext": airflow["securityContexts"]["pod"],
        "containers": [container],
        "volumes": [*airflow["volumes"], *volumes],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {}}, "spec": spec}


def configuration(airflow: Pod, port: int) -> str:
    """Return airflow.cfg: the chart's values, the Airflow chart's additions, and the address of the pods' API."""
    image = {"repository": airflow["defaultAirflowRepository"], "tag": airflow["defaultAirflowTag"]}
    added = {
        "core": {
            "executor": airflow["executor"],
            "dags_folder": "/opt/airflow/dags",
            "execution_api_server_url": f"http://127.0.0.1:{port}/execution/",
        },
        "api": {"host": "127.0.0.1", "port": port},
        "scheduler": {"scheduler_heartbeat_sec": 1, "enable_health_check": False},
        "kubernetes_executor": {
            "namespace": "reviews",
            "pod_template_file": "/opt/airflow/pods/template.yaml",
            "in_cluster": False,
            "config_file": "/opt/airflow/kube/config",
            **{f"worker_container_{key}": value for key, value in image.items()},
        },
    }
    file = configparser.ConfigParser(interpolation=None)
    for section in {*airflow["config"], *added}:
        file[section] = {
            key: str(value) for key, value in {**airflow["config"].get(section, {}), **added.get(section, {})}.items()
        }
    text = io.StringIO()
    file.write(text)
    return text.getvalue()


class Airflow(NamedTuple):
    """Airflow's programs and its tasks, as containers of the image that the chart names."""

    kubelet: Kubelet
    api: PodApi
    url: str
    client: AirflowClient
    names: list[str]

    def answers(self) -> bool:
        """Return whether the API server accepts the first user's login."""
        try:
            self.client.get("/version")
        except AirflowUnavailable:
            return False
        return True

    def told(self) -> str:
        """Return the last output of the programs and the tasks."""
        names = [*self.names, *self.api.seen]
        return "\n".join(f"{name}:\n{self.kubelet.docker('logs', '--tail', '60', name, check=False)}" for name in names)

    def page(self, path: str, password: str) -> tuple[int, str]:
        """Return the response of a page to the user `admin`, or to an unauthenticated user if the password is wrong."""
        login = {"username": "admin", "password": password}
        answer = urllib3.request("POST", f"{self.url}/auth/token", json=login, retries=False)
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"} if answer.status == 201 else {}
        found = urllib3.request("GET", self.url + path, headers=headers, retries=False)
        return found.status, found.data.decode()


@pytest.fixture
def secret(stack, empty_database) -> Iterator[dict[str, str]]:
    """The Secret of a release, with new databases."""
    names = [f"{name}_{time.monotonic_ns()}" for name in ("airflow", "mlflow")]
    airflow, mlflow = (stack.postgres.create_database(name).replace("://", "+psycopg2://", 1) for name in names)
    yield {
        "database-url": empty_database,
        "mlflow-backend-uri": mlflow,
        "connection": airflow,
        "fernet-key": "c2l4dGVlbiBieXRlcyBhbmQgYXMgbWFueSBhZ2Fpbi4=",
        "api-secret-key": "s" * 32,
        "jwt-secret": "j" * 64,
        "airflow-admin-password": "first-password",
        "erasure-key": "k",
        "s3-access-key": stack.object_store.access_key,
        "s3-secret-key": stack.object_store.secret_key,
    }
    for name in names:
        stack.postgres.drop_database(name)


@pytest.fixture
def mlflow_port() -> int:
    """A free port for MLflow, in place of its Service's port."""
    return free_port()


@pytest.fixture
def rendered(helm_program, images, stack, bucket, tmp_path, mlflow_port) -> tuple[list[Pod], Pod]:
    """The manifests of the profile `dev` with this machine's parts, and its values for the Airflow chart."""
    chart = without_airflow(tmp_path)
    (chart / "templates" / "evaluated.yaml").write_text(EVALUATED)
    repository, _, tag = images["airflow"].partition(":")
    values = {
        "global": {"sentiment": {"mlflowUri": f"http://127.0.0.1:{mlflow_port}"}},
        "mlflow": {"allowedHosts": [f"127.0.0.1:{mlflow_port}"]},
        "objectStore": {
            "bucket": bucket,
            "artifacts": f"s3://{bucket}/mlflow",
            "logs": f"s3://{bucket}/airflow-logs",
            "endpointUrl": stack.object_store.endpoint,
        },
        "airflow": {"defaultAirflowRepository": repository, "defaultAirflowTag": tag},
    }
    helm = Helm(helm_program, "v4")
    manifests = helm.render(chart, "dev", **values)
    helm.close()
    return manifests, merged(values_of("dev"), values)["airflow"]


@pytest.fixture
def kubelet(rendered, secret, tmp_path) -> Iterator[Kubelet]:
    """The kubelet that runs pods. All pods that it starts end with the test."""
    running = Kubelet(rendered[0], secret, tmp_path)
    yield running
    running.end()


@pytest.fixture
def api(kubelet) -> Iterator[PodApi]:
    """The Kubernetes API that Airflow uses for pods."""
    serving = PodApi(kubelet)
    yield serving
    serving.end()


@pytest.fixture
def migrated(rendered, kubelet, mlflow_port) -> None:
    """The databases after the chart's own Jobs, with MLflow running and a first model in it."""
    for kind, name in (("Job", "migrate"), ("Deployment", "mlflow"), ("Job", "first-model")):
        template = named(rendered[0], kind, f"sentiment-{name}")["spec"]["template"]
        (container,) = template["spec"]["containers"]
        container["command"] = [str(mlflow_port) if word == "5000" else word for word in container["command"]]
        unique = f"{name}-{mlflow_port}"
        kubelet.start(template | {"metadata": {"name": unique}})
        if kind == "Job":
            assert kubelet.docker("wait", unique).strip() == "0", kubelet.docker("logs", unique)


@pytest.fixture
def installed(rendered, secret, kubelet, api, migrated) -> Airflow:
    """An API server, a DAG processor and a scheduler."""
    manifests, airflow = rendered
    port = free_port()
    evaluated = named(manifests, "ConfigMap", "evaluated")["data"]
    template = airflow_pod(airflow, evaluated, "placeholder", [], airflow["workers"]["kubernetes"]["resources"])
    cluster = {"clusters": [{"name": "here", "cluster": {"server": api.url}}]}
    files = {"airflow.cfg": configuration(airflow, port), "config": yaml.safe_dump(KUBECONFIG | cluster)}
    files["template.yaml"] = yaml.safe_dump(template)
    manifests.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}, "data": files})
    programs = {"api-server": "apiServer", "dag-processor": "dagProcessor", "scheduler": "scheduler"}
    for program, part in programs.items():
        args = airflow[part].get("args") or ["bash", "-c", f"exec airflow {program}"]
        kubelet.start(airflow_pod(airflow, evaluated, f"{program}-{port}", args, airflow[part]["resources"]))
    url = f"http://127.0.0.1:{port}"
    client = AirflowClient(url, "admin", secret["airflow-admin-password"])
    return Airflow(kubelet, api, url, client, [f"{program}-{port}" for program in programs])


def test_each_task_is_a_pod_that_leaves_rows_and_its_log(installed, secret, bucket, stack, checkout) -> None:
    keys = {"aws_access_key_id": stack.object_store.access_key, "aws_secret_access_key": stack.object_store.secret_key}
    store = boto3.client("s3", endpoint_url=stack.object_store.endpoint, region_name="us-east-1", **keys)
    key = f"incoming/web-shop/dt={DAY}/reviews.csv"
    store.upload_file(str(checkout / "examples" / key), bucket, key)
    client = installed.client
    try:
        until(installed.answers, 120)
    except AssertionError:
        pytest.fail(installed.told())
    client.wait_for_dag(DAG, 120)
    client.unpause(DAG)
    run = client.ended(DAG, client.trigger(DAG, DAY), 300)
    if not run.ended:
        pytest.fail(installed.told())
    client.require_success(DAG, run)

    tasks = client.tasks(DAG, run.run_id)
    assert sorted(task.task_id for task in tasks) == ["plan", "score", "summary"]
    pods = installed.api.seen
    until(lambda: all("deletionTimestamp" in pod["metadata"] for pod in list(pods.values())))
    assert [pod["status"]["phase"] for pod in pods.values()] == ["Succeeded"] * len(tasks)
    with connect(secret["database-url"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT code_version, rows_scored FROM sentiment.scoring_batch")
        ((version, rows),) = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM sentiment.score")
        assert cursor.fetchone() == (rows,)
    assert version == REVISION
    logs = {task.task_id: client.log(DAG, run.run_id, task) for task in tasks}
    assert all(f"s3://{bucket}/airflow-logs/" in log for log in logs.values())
    assert f"{rows} scored" in logs["score"]

    for name, part in zip(installed.names[1:], ("dagProcessor", "scheduler"), strict=True):
        installed.kubelet.docker("exec", name, *values_of("dev")["airflow"][part]["livenessProbe"]["command"])

    assert installed.page("/sentiment/files", "wrong")[0] == 401
    status, page = installed.page("/sentiment/files", secret["airflow-admin-password"])
    assert (status, key in page) == (200, True)
