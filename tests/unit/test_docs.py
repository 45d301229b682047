"""The documentation's lists match the code."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic_core import PydanticUndefined

from api.contract.problems import STATUS
from api.contract.settings import ServiceSettings
from api.observability.metrics import ServiceMetrics
from api.server.router import ROUTES, STATIC
from insights.settings import InsightsSettings
from sentiment_core.cli.group import VERBS, main
from sentiment_core.datasets.labelled_csv import LabelCode
from sentiment_core.datasets.star_scale import LeftOut, Refusal
from sentiment_core.drift.statistics import Cause
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.source_contract import SourceContract, presets, read_contract
from sentiment_core.experiments.catalogue import EXPERIMENTS
from sentiment_core.ledger.metrics import FIGURES
from sentiment_core.params import Params, StarParams


@pytest.fixture(scope="module")
def docs(checkout: Path) -> Path:
    return checkout / "docs"


def first_cells(page: Path) -> list[str]:
    """Return the code in the first cell of each table row of a page."""
    return [
        name
        for row in re.findall(r"^\| ([^|]*`[^|]*) \|", page.read_text(), re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]


def table(page: Path, header: str) -> list[list[str]]:
    """Return the rows, as lists of cells, of all tables on a page whose first column has the given header."""
    rows = []
    for block in re.findall(
        rf"^\| {re.escape(header)} \|.*\n\|[-:|]+\|\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE
    ):
        rows += [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
    return rows


def codes(cells: list[str]) -> list[str]:
    """Return the text between backquotes in the cells."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def first_codes(page: Path, header: str) -> list[str]:
    """Return the code in the first column of the tables with the given header."""
    return codes([row[0] for row in table(page, header)])


ALL_SETTINGS = ServiceSettings.model_fields | InsightsSettings.model_fields


def settings_table() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in ALL_SETTINGS.items():
        assert field.default is not PydanticUndefined
        default = "" if field.default is None else f"`{shown(field.default)}`"
        rows.append(f"| `SENTIMENT_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def shown(default: Any) -> str:
    return str(list(default)).replace("'", '"') if isinstance(default, tuple) else str(default)


def test_every_setting_is_listed_with_its_default_and_its_meaning(docs: Path) -> None:
    page = docs / "configuration.md"
    assert settings_table() in page.read_text(), f"put this table in:\n{settings_table()}"
    assert len(table(page, "variable")) == len(ALL_SETTINGS)


def test_every_part_and_variable_of_the_compose_file_is_listed(docs: Path, checkout: Path) -> None:
    composed = (checkout / "docker-compose.yaml").read_text()
    variables = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", composed))
    variables |= dict(line.split("=") for line in (checkout / ".env").read_text().splitlines() if line[0] != "#")
    page = (docs / "compose.md").read_text()
    listed = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| `([^`]+)` \|", page, re.MULTILINE))
    assert listed == variables
    assert sorted(yaml.safe_load(composed)["services"]) == sorted(first_codes(docs / "compose.md", "service"))
    ports = dict(re.findall(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}", composed))
    assert set(re.findall(r"localhost:(\d+) \|", page)) == set(ports.values())


def test_every_sample_query_is_listed_with_its_question(docs: Path, checkout: Path) -> None:
    listed = {codes([row[0]])[0]: row[1].rstrip(" |") for row in table(docs / "sql.md", "query")}
    asked = {}
    for path in (checkout / "sql" / "queries").glob("*.sql"):
        comment = re.match(r"(?:-- .*\n)+", path.read_text())
        assert comment, path
        asked[path.stem] = " ".join(comment[0].replace("-- ", "").split()).partition("?")[0] + "?"
    assert listed == asked


def test_the_key_of_each_view_is_listed(docs: Path, checkout: Path) -> None:
    [sources] = yaml.safe_load((checkout / "sql/dbt/models/sources.yml").read_text())["sources"]
    tested = {
        each["name"]: each["data_tests"][0]["unique_combination"]["arguments"]["columns"] for each in sources["tables"]
    }
    listed = {codes([row[0]])[0]: codes([row[1]]) for row in table(docs / "sql.md", "rows of")}
    assert listed == tested
    assert sorted(listed) == sorted(first_codes(docs / "sql.md", "view"))


def test_every_reject_code_is_explained(docs: Path) -> None:
    assert sorted(first_codes(docs / "drops.md", "code")) == sorted(RejectCode)
    assert sorted(first_codes(docs / "models.md", "code")) == sorted(LabelCode)


def test_every_part_of_a_contract_and_every_preset_is_explained(docs: Path) -> None:
    assert first_codes(docs / "sources.md", "part") == list(SourceContract.model_fields)
    assert first_codes(docs / "sources.md", "preset") == presets()
    example = re.search(r"```yaml\n(.*?)```", (docs / "sources.md").read_text(), re.DOTALL)
    assert example
    assert read_contract(example[1], "the example").delimiter == ";"


# The page that explains the params of each DAG.
PARAMS_IN = {
    "score_reviews": "backfill",
    "replay": "quarantine",
    "retrain": "models",
    "experiments": "experiments",
    "monitor_drift": "drift",
    "rescore": "rescore",
    "rollback": "rollback",
}


def test_every_dag_has_a_page(checkout: Path) -> None:
    dags = {path.stem for path in (checkout / "dags").glob("*.py") if "@dag(" in path.read_text()}
    without_params = {"score_arrivals": "arrivals", "announce_moves": "notifications"}
    assert dags == {*PARAMS_IN, *without_params}
    for dag, page in without_params.items():
        assert f"`{dag}`" in (checkout / "docs" / f"{page}.md").read_text()


@pytest.mark.parametrize(("dag", "page"), PARAMS_IN.items())
def test_every_param_of_a_dag_is_explained_and_no_other(docs: Path, checkout: Path, dag: str, page: str) -> None:
    params = re.findall(r'^        "(\w+)": Param\(', (checkout / "dags" / f"{dag}.py").read_text(), re.MULTILINE)
    assert params
    assert sorted(params) == sorted(first_codes(docs / f"{page}.md", "param"))


def test_every_task_of_the_retraining_is_explained(docs: Path, checkout: Path) -> None:
    code = (checkout / "dags" / "retrain.py").read_text()
    tasks = re.findall(r"^    @(?:linked_)?task\b.*\n(?:    @.*\n)*    def (\w+)", code, re.MULTILINE)
    assert sorted(tasks) == sorted(first_codes(docs / "models.md", "task"))


def test_every_limit_of_snapshots_and_every_section_of_the_gate_is_explained(docs: Path, checkout: Path) -> None:
    core = checkout / "sentiment_core"
    (params,), (gate,) = core.rglob("params.yaml"), core.rglob("gate.yaml")
    thresholds = {"short_characters", "long_characters"}  # explained in the rows of the limits that use them
    limits = set(yaml.safe_load(params.read_text())["checks"]) - thresholds
    assert sorted(limits) == sorted(first_codes(docs / "models.md", "limit"))
    explained = codes([row[-1] for row in table(docs / "models.md", "check")])
    assert set(explained) == set(yaml.safe_load(gate.read_text()))


def test_every_setting_of_stars_and_every_reason_to_leave_ratings_out_is_explained(docs: Path) -> None:
    page = docs / "models.md"
    assert sorted(first_codes(page, "refusal")) == sorted(Refusal)
    assert sorted(first_codes(page, "reason")) == sorted(LeftOut)
    assert sorted(first_codes(page, "setting of `stars`")) == sorted(StarParams.model_fields)
    rows = [zip(codes([row[0]]), codes([row[1]]), strict=True) for row in table(page, "setting of `stars`")]
    defaults = {name: json.loads(value) for row in rows for name, value in row}
    assert defaults == StarParams().model_dump(mode="json")
    assert Params.load().stars == StarParams()


def test_every_measure_of_drift_is_explained(docs: Path) -> None:
    measures = table(docs / "drift.md", "measure")
    assert sorted(row[0] for row in measures) == sorted(Cause)
    named = set(codes([row[2] for row in measures]))
    assert named <= {f"SENTIMENT_{name.upper()}" for name in ALL_SETTINGS}


def test_every_setting_that_a_page_names_exists(docs: Path, checkout: Path) -> None:
    known = {f"SENTIMENT_{name.upper()}" for name in ALL_SETTINGS}
    known |= set(first_codes(docs / "compose.md", "variable"))
    for page in (checkout / "README.md", *docs.rglob("*.md")):
        named = set(re.findall(r"`(SENTIMENT_[A-Z0-9_]+)[`=]", page.read_text()))
        assert named <= known, page


def test_every_experiment_is_listed_with_its_question(docs: Path) -> None:
    page = docs / "experiments.md"
    assert [row[:2] for row in table(page, "experiment")] == [[f"`{one.name}`", one.question] for one in EXPERIMENTS]


def test_every_view_is_listed(docs: Path, checkout: Path) -> None:
    views = re.findall(r"^CREATE VIEW sentiment\.(\w+)", (checkout / "sql" / "schema.sql").read_text(), re.MULTILINE)
    assert sorted(views) == sorted(first_codes(docs / "sql.md", "view"))


def commands() -> dict[str, click.Command]:
    """Return every command and every command of a group, by the words that a user types."""
    context = click.Context(main)
    found: dict[str, click.Command] = {}
    for verb in VERBS:
        command = main.get_command(context, verb)
        assert command is not None
        found[f"sentiment {verb}"] = command
        if isinstance(command, click.Group):
            found |= {f"sentiment {verb} {name}": command.commands[name] for name in command.commands}
    return found


def test_the_summary_of_each_verb_is_the_first_sentence_of_its_help() -> None:
    for name, verb in VERBS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        paragraph = " ".join((command.help or "").split("\n\n")[0].split())
        assert re.split(r"(?<=\.) ", paragraph)[0] == f"{verb.summary}.", name


def test_every_command_is_listed_and_helps(docs: Path) -> None:
    verb = r"[a-z]+(?: [a-z][a-z-]*)*"
    listed = {re.findall(verb, name)[0] for name in first_cells(docs / "commands.md")}
    known = commands()
    groups = {name for name, command in known.items() if isinstance(command, click.Group)}
    assert listed | groups == set(known)
    assert all(command.help for command in known.values())


def test_every_page_can_be_found_from_the_readme_and_no_link_is_dead(checkout: Path, docs: Path) -> None:
    pages = [checkout / "README.md", checkout / "CONTRIBUTING.md", *docs.rglob("*.md")]
    reached = set()
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            path = (page.parent / target).resolve()
            assert path.exists(), f"{page}: {target}"
            reached |= {path, *(path.glob("*.md") if path.is_dir() else ())}
    assert {page.resolve() for page in docs.rglob("*.md")} <= reached


def test_every_guarantee_names_a_test_that_is_there(checkout: Path, docs: Path) -> None:
    page = (docs / "guarantees.md").read_text()
    named = re.findall(r"\[(\w+)\]\(\.\./(tests/[^)]+)\)", page)
    for name, path in named:
        assert re.search(rf"^(?:async )?def {name}\(", (checkout / path).read_text(), re.MULTILINE), f"{path}: {name}"
    for promise in page.split("\n## ")[1:-1]:
        assert re.search(r"\]\(\.\./tests/", promise), promise.splitlines()[0]


def test_the_readme_fits_a_screen_and_its_commands_are_make_targets(checkout: Path) -> None:
    readme = (checkout / "README.md").read_text()
    assert len(readme.splitlines()) <= 60
    targets = re.findall(r"^([a-z-]+):.*## ", (checkout / "Makefile").read_text(), re.MULTILINE)
    shell = [line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()]
    assert shell == ["make demo", "make test"]
    assert {"demo", "test", "setup", "check", "help"} <= set(targets)


def test_every_error_code_of_the_service_is_listed_with_its_status(docs: Path) -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", (docs / "api.md").read_text(), re.MULTILINE))
    assert listed == {code: str(int(status)) for code, status in STATUS.items()}


def test_every_metric_of_the_service_is_listed(docs: Path) -> None:
    exposed = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in ServiceMetrics(hourly_price_usd=1).registry.collect()
        if not metric.name.startswith("process_")
    }
    assert exposed <= set(first_cells(docs / "api.md"))


def test_every_metric_of_the_database_is_listed_with_its_meaning(docs: Path) -> None:
    listed = {
        codes([row[0]])[0]: row[1].rstrip(" |") for row in table(docs / "monitoring.md", "metric of the database")
    }
    verified = {"sentiment_ledger_findings", "sentiment_ledger_verified_timestamp_seconds", "sentiment_database_up"}
    assert {name: listed[name] for name in FIGURES} == {name: figure.help for name, figure in FIGURES.items()}
    assert listed.keys() == FIGURES.keys() | verified


def test_every_address_of_the_service_is_listed(docs: Path) -> None:
    served = {f"{route.method} {route.path}" for route in ROUTES if route.path != STATIC}
    assert served == {name for name in first_cells(docs / "api.md") if " /" in name}
