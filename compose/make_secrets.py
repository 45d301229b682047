"""Create this installation's secrets once, in the volume that the other services read.

The repository contains none.
"""

import base64
import json
import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path("/var/lib/sentiment")
# Users of PostgreSQL, and the database of each user.
ROLES = {
    "sentiment": "sentiment",
    "sentiment_api": "sentiment",
    "sentiment_monitor": "sentiment",
    "sentiment_insights": "sentiment",
    "airflow": "airflow",
    "mlflow": "mlflow",
}
NAMES = (*(f"{role}-password" for role in ROLES), "postgres-password", "grafana-password", "airflow-password")
S3 = "http://s3:8333"
REGION = "us-east-1"


def main() -> None:
    """Write the missing secrets. Existing ones never change, because databases and files were created with them."""
    values = {name: _kept(name, secrets.token_urlsafe(24)) for name in NAMES}
    access_key, secret_key = _kept("s3-id", secrets.token_hex(10)), _kept("s3-key", secrets.token_urlsafe(30))
    urls = {
        role: f"postgresql://{role}:{values[f'{role}-password']}@postgres:5432/{database}"
        for role, database in ROLES.items()
    }
    _write("s3.json", json.dumps(_identities(access_key, secret_key)))
    _write("passwords.json", json.dumps({"admin": values["airflow-password"]}))
    s3 = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_DEFAULT_REGION": REGION}
    sentiment = {"SENTIMENT_DATABASE_URL": urls["sentiment"]}
    _environment("api", {"SENTIMENT_DATABASE_URL": urls["sentiment_api"]})
    _environment("monitor", {"SENTIMENT_DATABASE_URL": urls["sentiment_monitor"]})
    _environment("insights", {"SENTIMENT_INSIGHTS_DATABASE_URL": urls["sentiment_insights"]})
    _environment("mlflow", s3 | {"MLFLOW_BACKEND_STORE_URI": urls["mlflow"].replace("://", "+psycopg2://", 1)})
    _environment("airflow", s3 | sentiment | _airflow(urls, access_key, secret_key))


def _airflow(urls: Mapping[str, str], access_key: str, secret_key: str) -> dict[str, str]:
    extra = {"endpoint_url": S3, "region_name": REGION}
    connection = {"conn_type": "aws", "login": access_key, "password": secret_key, "extra": extra}
    fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": urls["airflow"].replace("://", "+psycopg2://", 1),
        "AIRFLOW__CORE__FERNET_KEY": _kept("fernet-key", fernet_key),
        "AIRFLOW__API__SECRET_KEY": _kept("session-key", secrets.token_hex(32)),
        "AIRFLOW__API_AUTH__JWT_SECRET": _kept("jwt-secret", secrets.token_hex(64)),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW_CONN_SENTIMENT_DB": urls["sentiment"],
        "SENTIMENT_ERASURE_KEY": _kept("erasure-key", secrets.token_urlsafe(32)),
    }


def _identities(access_key: str, secret_key: str) -> dict[str, object]:
    pair = {"accessKey": access_key, "secretKey": secret_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "admin", "credentials": [pair], "actions": actions}]}


def _kept(name: str, fresh: str) -> str:
    """Return the existing secret, or store and return the new one."""
    path = FOLDER / name
    if not path.exists():
        _write(name, fresh)
    return path.read_text(encoding="ascii")


def _environment(name: str, values: Mapping[str, str]) -> None:
    _write(f"{name}.env", "".join(f"export {key}={shlex.quote(value)}\n" for key, value in values.items()))


def _write(name: str, text: str) -> None:
    # The other images run as users with ids that are not known here. All users can therefore read the files, in a
    # private volume.
    unfinished = FOLDER / f".{name}"
    unfinished.write_text(text, encoding="ascii")
    unfinished.chmod(0o444)
    os.replace(unfinished, FOLDER / name)  # noqa: PTH105 -- in one step


if __name__ == "__main__":
    main()
