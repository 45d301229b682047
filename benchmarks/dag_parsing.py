"""CPU seconds to read the DAG folder, beyond Airflow's own imports: the best of three new processes.

The DAG processor reads each file in a fork of itself. This reads all files in one process, so it also says what the
first file costs with the modules that the files share.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

DAGS = Path(__file__).parent.parent / "dags"
MEASURE = """
import os, time
import airflow.providers.amazon.aws.hooks.s3, airflow.providers.standard.operators.trigger_dagrun
import airflow.sdk, airflow.providers.standard.operators.python
from airflow.dag_processing.dagbag import DagBag
DagBag(os.environ["EMPTY"])
start = time.process_time()
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
seconds = time.process_time() - start
assert bag.dags and not bag.import_errors, bag.import_errors
print(seconds)
"""


def measured() -> float:
    """Return the CPU seconds of one process."""
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
        command = [sys.executable, "-c", MEASURE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(f"{min(measured() for _ in range(3)):.2f} s")
