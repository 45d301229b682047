"""The pipeline's and the notebooks' files are consistent with the package."""

import json
import re
from pathlib import Path

import click
import pytest
import yaml

from sentiment_core.cli.group import main
from sentiment_core.params import DEFAULTS, Params

NOTEBOOKS = ("1_scored_reviews", "2_recipe_against_champion", "3_stars_of_your_csv")


def test_the_pipelines_params_are_those_of_the_package_with_stars(checkout: Path) -> None:
    package = yaml.safe_load(DEFAULTS.read_text())
    assert yaml.safe_load((checkout / "params.yaml").read_text()) == package | {
        "stars": package["stars"] | {"enabled": True}
    }
    assert Params.load(checkout / "params.yaml") == Params.load().with_stars(True)


def test_the_pipelines_stages_name_params_files_and_options_that_exist(checkout: Path) -> None:
    pipeline = yaml.safe_load((checkout / "dvc.yaml").read_text())
    values = yaml.safe_load((checkout / "params.yaml").read_text())
    made = set()
    for name, stage in pipeline["stages"].items():
        for param in stage.get("params", ()):
            section, _, key = param.partition(".")
            assert key in values[section] if key else section in values, f"{name}: {param}"
        code = {dep for dep in stage.get("deps", ()) if dep.startswith("sentiment_core/")}
        assert all((checkout / dep).is_dir() for dep in code), name
        outputs = [*stage.get("outs", ()), *stage.get("metrics", ())]
        made |= {next(iter(each)) if isinstance(each, dict) else each for each in outputs}
        assert {dep for dep in stage.get("deps", ()) if dep not in code} <= made, name
        command = main
        for word in stage["cmd"].split()[1:]:
            if not isinstance(command, click.Group) or word.startswith("-"):
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, stage["cmd"]
            command = found
        known = {option for each in command.params for option in each.opts}
        assert set(re.findall(r" (--[a-z-]+)", stage["cmd"])) <= known, name


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_no_outputs_and_its_links_exist(checkout: Path, name: str) -> None:
    assert sorted(path.stem for path in (checkout / "notebooks").glob("*.ipynb")) == sorted(NOTEBOOKS)
    cells = json.loads((checkout / f"notebooks/{name}.ipynb").read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) <= 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)#]+)", prose):
        assert (checkout / "notebooks" / target).exists(), target
