"""MLflow: the login at a server that the chart does not run, and the names under which its own server is reached."""

import yaml

from tests.chart.helm import Helm, containers, named, pods, without_airflow
from tests.chart.test_task_pods import EVALUATED

HOSTED = {"mlflow": {"enabled": False}, "networkPolicy": {"mlflow": {"cidrs": ["10.9.0.0/16"]}}}
KEYS = {
    "token": {"MLFLOW_TRACKING_TOKEN": "mlflow-tracking-token"},
    "password": {
        "MLFLOW_TRACKING_USERNAME": "mlflow-tracking-username",
        "MLFLOW_TRACKING_PASSWORD": "mlflow-tracking-password",
    },
}
CLIENTS = {"api", "first-model", "load"}


def hosted(login: str) -> dict[str, object]:
    """Return the values of an installation that uses an external server."""
    return HOSTED | {"global": {"sentiment": {"mlflowUri": "https://mlflow.example.org", "mlflowLogin": login}}}


def read_keys(variables) -> dict[str, str]:
    """Return the keys of the Secret that contain the login, by variable."""
    return {
        each["name"]: each["valueFrom"]["secretKeyRef"]["key"]
        for each in variables
        if each["name"].startswith("MLFLOW_TRACKING")
    }


def test_the_login_at_a_hosted_server_reaches_its_clients_and_no_other_container(render) -> None:
    for login, expected in KEYS.items():
        for pod in pods(render(**hosted(login))).values():
            for container in containers(pod):
                keys = expected if container["name"] in CLIENTS else {}
                assert read_keys(container.get("env", [])) == keys, container["name"]
    assert "MLFLOW_TRACKING_TOKEN" not in str(render())


def test_airflows_pods_get_the_login_too(helm_program, tmp_path) -> None:
    chart = without_airflow(tmp_path)
    (chart / "templates" / "evaluated.yaml").write_text(EVALUATED)
    helm = Helm(helm_program, "v4")
    for login, expected in KEYS.items():
        evaluated = named(helm.render(chart, **hosted(login)), "ConfigMap", "evaluated")["data"]
        assert read_keys(yaml.safe_load(evaluated["extraEnv"])) == expected
    helm.close()


def test_the_external_secret_has_the_keys_of_the_login(render) -> None:
    external = {"secrets": {"external": {"enabled": True, "store": {"name": "vault"}, "entry": "sentiment"}}}
    for login, expected in KEYS.items():
        secret = named(render(**external, **hosted(login)), "ExternalSecret", "sentiment")
        keys = {each["secretKey"] for each in secret["spec"]["data"]}
        assert set(expected.values()) <= keys
        assert "mlflow-backend-uri" not in keys
