"""The notebooks run from the first to the last cell, on a database, an object store and MLflow with examples."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.stack import Stack
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.integration.test_snapshots import csv_of
from tests.repro.conftest import Tool


class Notebooks:
    """Execute notebooks in the kernel of the separate environment, with the settings of the stack."""

    def __init__(self, folder: Path, jupyter: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._jupyter = jupyter
        self.environment = environment

    def execute(self, name: str) -> list[str]:
        """Return the outputs of each code cell as text. A cell that fails fails the test with its error."""
        command = [str(self._jupyter), "execute", "--inplace", f"{name}.ipynb"]
        done = subprocess.run(
            command, cwd=self._folder, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        cells = json.loads((self._folder / f"{name}.ipynb").read_text())["cells"]
        return [_text(cell["outputs"]) for cell in cells if cell["cell_type"] == "code"]


def _text(outputs: list[dict[str, Any]]) -> str:
    parts = [output.get("text") or output["data"].get("text/plain", "") for output in outputs if output]
    pictures = ["picture" for output in outputs if "image/png" in output.get("data", {})]
    return "\n".join(["".join(part) for part in parts] + pictures)


@pytest.fixture
def notebooks(checkout: Path, tool: Tool, stack: Stack, bucket: str, tmp_path: Path) -> Notebooks:
    jupyter = tool("notebooks", "jupyter")
    shutil.copytree(checkout / "notebooks", tmp_path / "notebooks")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SENTIMENT_", "PYTEST_"))}
    environment = (
        kept
        | stack.env()
        | {
            "SENTIMENT_BUCKET": bucket,
            "SENTIMENT_MODEL_NAME": bucket,
            "PATH": f"{jupyter.parent}{os.pathsep}{os.environ['PATH']}",
            "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
        }
    )
    return Notebooks(tmp_path / "notebooks", jupyter, environment)


def test_scored_reviews_are_explored_in_sql(notebooks: Notebooks, example_database: Any) -> None:
    notebooks.environment["SENTIMENT_DATABASE_URL"] = example_database.url
    outputs = notebooks.execute("1_scored_reviews")
    assert "web-shop" in outputs[1]
    assert [("picture" in output) for output in outputs] == [False, False, True, True, False, False]
    assert "negative" in outputs[5]


def test_a_recipe_is_judged_against_the_champion(
    notebooks: Notebooks, database_url: str, stack: Stack, bucket: str, tmp_path: Path
) -> None:
    notebooks.environment["SENTIMENT_DATABASE_URL"] = database_url
    stack.object_store.client().put_object(Bucket=bucket, Key="training/shop/a.csv", Body=csv_of(0, 6_000).encode())
    models = RegisteredModel(stack.mlflow.url, bucket, tmp_path / "models")
    models.set_alias("champion", models.register(STARTER))
    sentiment = str(notebooks.environment["PATH"].split(os.pathsep)[0]) + "/sentiment"
    subprocess.run([sentiment, "snapshot", "create"], env=notebooks.environment, check=True, capture_output=True)
    outputs = notebooks.execute("2_recipe_against_champion")
    assert "training  test" in outputs[0]
    assert outputs[2].startswith("Would be ")
    assert "accuracy better" in outputs[2]
    assert [version.version for version in models.versions()] == [1]


def test_stars_of_a_file_train_a_better_model_than_the_starter(notebooks: Notebooks) -> None:
    outputs = notebooks.execute("3_stars_of_your_csv")
    [accuracy] = [line.split()[1:] for line in outputs[2].splitlines() if line.startswith("accuracy")]
    starter, mine = map(float, accuracy)
    assert mine > starter
    assert "mine: " in outputs[3]
