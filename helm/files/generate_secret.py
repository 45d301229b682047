"""Create the Secret of an evaluation in the cluster, with random values. Keys that the Secret has are never changed.

A Job runs this instead of a template, because a template would make other values at each rendering: under `helm
template`, and so under Argo CD, it cannot look up the values that exist. Standard library only.
"""

import base64
import json
import os
import secrets
import ssl
import string
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path(os.environ.get("ACCOUNT_FOLDER", "/var/run/secrets/kubernetes.io/serviceaccount"))
LETTERS = string.ascii_letters + string.digits


def text(length: int) -> str:
    """Return random letters and digits."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def made(host: str, password: str) -> dict[str, str]:
    """Return a value for every key, for the database on this host with this password."""
    login = f"sentiment:{password}@{host}:5432"
    readers = ("database-url", "api-database-url", "monitor-database-url", "insights-database-url")
    return {
        "postgres-password": password,
        **dict.fromkeys(readers, f"postgresql://{login}/sentiment"),
        "mlflow-backend-uri": f"postgresql+psycopg2://{login}/mlflow",
        "connection": f"postgresql+psycopg2://{login}/airflow",
        "erasure-key": text(48),
        "fernet-key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "api-secret-key": text(48),
        "jwt-secret": text(64),
        "airflow-admin-password": text(20),
        "s3-access-key": text(20),
        "s3-secret-key": text(40),
    }


def ask(method: str, path: str, body: object = None) -> dict[str, dict[str, str]]:
    """Return the answer of the Kubernetes API. Raises `urllib.error.HTTPError` when it refuses."""
    headers = {
        "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
        "Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json",
    }
    server = os.environ.get("KUBERNETES_API", "https://kubernetes.default.svc")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}/api/v1/namespaces/{path}", data, headers, method=method)
    authority = ACCOUNT / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority)) if authority.exists() else None
    with urllib.request.urlopen(request, timeout=30, context=context) as response:
        answer: dict[str, dict[str, str]] = json.load(response)
        return answer


def main() -> None:
    """Create the Secret, or add the keys that it lacks."""
    name = os.environ["OBJECT_NAME"]
    folder = f"{(ACCOUNT / 'namespace').read_text()}/secrets"
    try:
        found = ask("GET", f"{folder}/{name}").get("data") or {}
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        found = None
    old = {key: base64.b64decode(value).decode() for key, value in (found or {}).items()}
    new = made(os.environ["POSTGRES_HOST"], old.get("postgres-password") or text(32))
    missing = {key: value for key, value in new.items() if key not in old}
    if found is None:
        metadata = {"name": name, "labels": json.loads(os.environ["OBJECT_LABELS"])}
        ask("POST", folder, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": missing})
    elif missing:
        ask("PATCH", f"{folder}/{name}", {"stringData": missing})
    print(f"The Secret {name} has {len(old)} keys of before and {len(missing)} new ones.")


main()
