"""Time to read the DAG folder, beyond Airflow's own imports. Each measurement is a new process; the best of three.

The DAG processor reads each file in a process of its own, which a fork of the processor makes. `all` is the whole
folder in one process, and `first file` what the first file of a process costs with the modules that the files share.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parent.parent / "dags"
MEASURE = """
import json, os, sys, time
import airflow.providers.amazon.aws.hooks.s3, airflow.providers.standard.operators.trigger_dagrun
import airflow.sdk, airflow.timetables.base, airflow.providers.standard.operators.python
from airflow.dag_processing.dagbag import DagBag
DagBag(os.environ["EMPTY"])
start = time.perf_counter()
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
seconds = time.perf_counter() - start
assert not bag.import_errors, bag.import_errors
files = {os.path.basename(stat.file): stat.duration.total_seconds() for stat in bag.dagbag_stats}
print(json.dumps([seconds, files]))
"""


def measured() -> tuple[float, dict[str, float]]:
    """Return the seconds for the folder and for each file, in the order in which they were read."""
    with tempfile.TemporaryDirectory() as home:
        empty = Path(home) / "empty"
        empty.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "PYTHONPATH": f"{DAGS.parent}:{DAGS}",
            "EMPTY": str(empty),
        }
        done = subprocess.run([sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True)
    seconds, files = json.loads(done.stdout.splitlines()[-1])
    return seconds, files


def main() -> Any:
    """Print the best of three."""
    best = min((measured() for _ in range(3)), key=lambda each: each[0])
    print(f"all          {best[0]:.2f} s")
    for number, (name, seconds) in enumerate(best[1].items()):
        print(f"{name:<22} {seconds:.2f} s{'  (first file, with the shared modules)' if not number else ''}")


if __name__ == "__main__":
    main()
