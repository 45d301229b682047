"""Download model artifacts that the tracking server does not serve, from their store, through the `mlflow` package.

MLflow runs in a separate process, `python -m sentiment_core.registry.artifacts`. Importing it takes seconds of
interpreter time and 200 MB, which a service cannot spare between two requests.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sentiment_core.errors import ArtifactsNotServed, RegistryUnavailable

_TIMEOUT_S = 120
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
# Parts of a URI that must not be shown: user and password before the host, and signatures in the query string.
_SECRETS = re.compile(r"(?<=://)[^/\s@]+@|\?[^\s'\"]+")
_MAX_REASON_CHARACTERS = 300


def download(server: str, artifact_uri: str, folder: Path) -> Path:
    """Copy the files below an artifact URI into `folder`, and return the path of their root.

    `server` is used in error messages only.

    Raises `ArtifactsNotServed` when a required package is not installed or this machine cannot read the files, and
    `RegistryUnavailable` when the artifact store fails or times out.
    """
    wanted = json.dumps({"artifact_uri": artifact_uri, "dst_path": str(folder)})
    command = [sys.executable, "-m", "sentiment_core.registry.artifacts"]
    try:
        run = subprocess.run(
            command,
            input=wanted,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env=os.environ | _QUIET,
        )
    except subprocess.TimeoutExpired:
        raise RegistryUnavailable(uri=server, why=f"its files were not downloaded within {_TIMEOUT_S} s") from None
    try:
        answer = json.loads(run.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        answer = {"failed": f"the download ended with code {run.returncode}"}
    if "missing" in answer:
        raise ArtifactsNotServed(uri=server, why=answer["missing"])
    if "failed" in answer:
        raise RegistryUnavailable(uri=server, why=answer["failed"])
    return Path(answer["path"])


def redact(text: str) -> str:
    """Return a message with passwords and signatures removed from the URIs in it."""
    return _SECRETS.sub("", text)


def below(artifact_uri: str, name: str) -> str:
    """Return the URI of an entry in the folder at an artifact URI."""
    parts = urlsplit(artifact_uri)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _download(wanted: dict[str, str]) -> dict[str, Any]:
    scheme = urlsplit(wanted["artifact_uri"]).scheme or "file"
    try:
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415 -- MLflow is optional

        return {"path": download_artifacts(**wanted)}
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        return {"missing": f"the package {package}, which reads {scheme}: addresses, is not installed"}
    except Exception as error:  # noqa: BLE001 -- each artifact store's client raises its own exceptions
        why = redact(f"{type(error).__name__}: {error}")[:_MAX_REASON_CHARACTERS]
        if scheme == "file":
            return {"missing": f"they cannot be read on this machine's disk ({why})"}
        return {"failed": f"its store for {scheme}: addresses failed ({why})"}


if __name__ == "__main__":
    print(json.dumps(_download(json.load(sys.stdin))))  # noqa: T201
