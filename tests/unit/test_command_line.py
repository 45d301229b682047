"""The command line as a whole: what it lists, and what it costs to ask."""

import json
import subprocess
import sys

import pytest

from sentiment_core.cli.group import VERBS

# What a verb may import when it runs, and `--help` must not.
HEAVY = {"airflow", "alembic", "boto3", "mlflow", "numba", "numpy", "pandas", "psycopg2", "pydantic", "rich", "sklearn"}
HELP = """
import json, sys
from sentiment_core.cli import main
try:
    main(["--help"])
except SystemExit:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
MISSING = """
import sys
sys.modules["psycopg2"] = None  # as if it were not installed
from sentiment_core.cli import main
main(sys.argv[1:])
"""


def test_help_lists_every_verb_and_imports_none() -> None:
    lines = subprocess.check_output([sys.executable, "-c", HELP], text=True).splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("  ") and line.strip()}
    assert set(VERBS) <= listed
    assert not HEAVY & set(json.loads(lines[-1]))


def test_a_verb_names_the_package_that_it_needs() -> None:
    ran = subprocess.run([sys.executable, "-c", MISSING, "load", "x.csv"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "`sentiment load` needs psycopg2, which is not installed" in ran.stderr


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_a_module_of_its_own(name: str) -> None:
    module, _, attribute = VERBS[name].target.partition(":")
    assert attribute == name
    assert module in (f"sentiment_core.cli.{name}", f"{name}.command")
