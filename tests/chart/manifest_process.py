"""Run a container of a manifest as a process of this machine, with its own command.

Its environment contains only what the manifest sets.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chart.helm import named

# The folder of the package's commands, and bash.
PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"


def environment(
    container: Mapping[str, Any], manifests: "list[dict[str, Any]]", secret: Mapping[str, str]
) -> dict[str, str]:
    """Return a container's variables, combined as a kubelet does."""
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        values |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        if "value" in variable:
            values[variable["name"]] = variable["value"]
        else:
            values[variable["name"]] = secret[variable["valueFrom"]["secretKeyRef"]["key"]]
    return values


def start(
    container: Mapping[str, Any],
    manifests: "list[dict[str, Any]]",
    secret: Mapping[str, str],
    folder: Path,
    changed: Mapping[str, str],
) -> "subprocess.Popen[str]":
    """Start a container's command in a folder.

    The folder replaces `/tmp` in its variables, and `changed` takes precedence over all other variables.
    """
    values = environment(container, manifests, secret)
    values = {name: value.replace("/tmp", str(folder)) for name, value in values.items()}  # noqa: S108
    # The cache of this checkout's compiled code, as the image has its own. This is the only variable not in the
    # manifest.
    values |= {"PATH": PATH, "LANG": "C.UTF-8", **changed}
    values.setdefault("HOME", str(folder))
    for name in ("NO_PROXY", "no_proxy"):
        values[name] = os.environ.get(name, "127.0.0.1,localhost")
    return subprocess.Popen(
        [*container["command"], *container.get("args", [])],
        env=values,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]", seconds: float = 300) -> str:
    """Return a process's output. The process must have succeeded."""
    output, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, f"exit status {process.returncode}\n{output}\n{errors}"
    return output
