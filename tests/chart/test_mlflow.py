"""MLflow: the login at a server that the chart does not run, and the names under which its own server is reached."""

import yaml
from mlflow.server.security_utils import is_allowed_host_header, should_block_cors_request

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


def server_variables(manifests) -> dict[str, str]:
    """Return the plain variables of the chart's MLflow server."""
    (container,) = named(manifests, "Deployment", "sentiment-mlflow")["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def test_the_server_accepts_its_service_names_port_forwards_and_the_added_hosts_and_no_others(render) -> None:
    variables = server_variables(render(mlflow={"allowedHosts": ["mlflow.example.org"]}))
    hosts = variables["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    accepted = (
        "sentiment-mlflow:5000",
        "sentiment-mlflow.reviews.svc",
        "localhost:15000",
        "127.0.0.1:8000",
        "[::1]:5000",
    )
    for host in (*accepted, "mlflow.example.org"):
        assert is_allowed_host_header(hosts, host), host
    for host in ("example.org", "sentiment-mlflow.reviews.svc.example.org", "localhost.example.org:80", "10.0.0.1"):
        assert not is_allowed_host_header(hosts, host), host


def test_the_servers_pages_can_send_from_the_added_hosts_only(render) -> None:
    assert "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS" not in server_variables(render())
    variables = server_variables(render(mlflow={"allowedHosts": ["mlflow.example.org"]}))
    origins = variables["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
    for origin in ("https://mlflow.example.org", "http://localhost:15000"):
        assert not should_block_cors_request(origin, "POST", origins), origin
    assert should_block_cors_request("https://example.org", "POST", origins)
