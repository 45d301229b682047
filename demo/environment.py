"""The environment with which the stack's programs start."""

import importlib.util
import os
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
# These settings of another installation would otherwise affect this one.
FOREIGN = ("AIRFLOW_", "_AIRFLOW_", "AWS_", "MLFLOW_", "_MLFLOW_", "PG", "SENTIMENT_")


def base(state: Path) -> dict[str, str]:
    """Return this process's environment without settings of other installations, for programs that use loopback."""
    values = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    # With this variable set, each Airflow and MLflow process would compile its thousand modules again.
    values.pop("PYTHONDONTWRITEBYTECODE", None)
    if not _has_bytecode():
        values["PYTHONPYCACHEPREFIX"] = str(state / "bytecode")
    if not os.access(CHECKOUT / "sentiment_core", os.W_OK):
        # Compiled kernels are cached next to their source if that folder is writable.
        values["NUMBA_CACHE_DIR"] = str(state / "kernels")
    return values | {
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        **loopback(),
    }


def loopback() -> dict[str, str]:
    """Return the variables that make requests to this machine bypass a proxy."""
    hosts = [host for host in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",") if host]
    hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts]
    return {"NO_PROXY": ",".join(hosts), "no_proxy": ",".join(hosts)}


@cache
def code_version() -> str:
    """Return the Git revision of the checkout, or "unknown"."""
    command = ("git", "-C", str(CHECKOUT), "rev-parse", "--short=12", "HEAD")
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found or "unknown"


def _has_bytecode() -> bool:
    """Return whether the bytecode of the installed packages exists next to them or can be written there."""
    packages = Path(sysconfig.get_paths()["purelib"])
    cached = importlib.util.cache_from_source(str(packages / "psutil" / "__init__.py"))
    return os.access(packages, os.W_OK) or Path(cached).exists()
