"""The verb `sentiment experiment`."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console

from sentiment_core.cli.tables import output, print_table
from sentiment_core.errors import ExperimentInvalid
from sentiment_core.experiments import catalogue
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.experiments.comparison import TrialComparison
    from sentiment_core.experiments.mlflow_run import ExperimentRun
    from sentiment_core.experiments.trial import ExperimentData
    from sentiment_core.params import Params
    from sentiment_core.training.train import TrainingStep

_CSV: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command
@click.argument("name", type=click.Choice(catalogue.NAMES))
@click.argument("csv", nargs=-1, required=True, type=_CSV)
@click.option("--group", "group_column", metavar="COLUMN", help="Rows with equal values in this column share a fold.")
@click.option("--unlabelled", multiple=True, type=_CSV, help="CSV file of unlabelled reviews.")
@click.option(
    "--rows", type=click.IntRange(min=1), help="Maximum reviews of each kind, chosen by hash.  [default: all]"
)
@click.option("--params", "params_file", type=_CSV, help="Training configuration instead of the package's params.yaml.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the table and the plot.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def experiment(
    name: str,
    csv: tuple[Path, ...],
    group_column: str | None,
    unlabelled: tuple[Path, ...],
    rows: int | None,
    params_file: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run the experiment NAME on labelled reviews in CSV files, and compare its trials.

    With SENTIMENT_MLFLOW_TRACKING_URI the runs, table and plot are also in MLflow, as sentiment/experiments/NAME.
    """
    from sentiment_core.datasets.labelled_csv import read_labelled, read_texts  # noqa: PLC0415
    from sentiment_core.experiments.trial import prepare  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415

    wanted = catalogue.experiment(name)
    if wanted.needs_unlabelled and not unlabelled:
        raise ExperimentInvalid(name=name, why="it needs unlabelled reviews (--unlabelled FILE)")
    params = Params.load(params_file or DEFAULTS)
    console = Console(stderr=True)
    with console.status("Reading") as status:
        data = prepare(read_labelled(csv, params.data, group_column), params, read_texts(unlabelled), rows)
        described = {
            "data": ", ".join(path.name for path in (*csv, *unlabelled)),
            "group_column": group_column,
            "folds": params.calibration.folds,
        }
        run = _start(name, data, described)
        comparison = _run(wanted, data, params, run, status.update)
    if out is not None:
        comparison.write(out)
    if as_json:
        click.echo(json.dumps(_as_dict(comparison, run)))
    else:
        _print(comparison, run)
    comparison.require_success()


def _start(name: str, data: "ExperimentData", described: dict[str, Any]) -> "ExperimentRun | None":
    tracking_uri = settings().mlflow_tracking_uri
    if tracking_uri is None:
        return None
    from sentiment_core.experiments.mlflow_run import ExperimentRun  # noqa: PLC0415 -- imports MLflow

    return ExperimentRun.start(tracking_uri, name, data, described)


def _run(
    wanted: catalogue.Experiment,
    data: "ExperimentData",
    params: "Params",
    run: "ExperimentRun | None",
    step: "TrainingStep",
) -> "TrialComparison":
    """Run all rounds; where there is MLflow, it says that the experiment was broken off if it is."""
    from sentiment_core.experiments.comparison import TrialComparison  # noqa: PLC0415
    from sentiment_core.experiments.trial import run_trial  # noqa: PLC0415

    results: list[catalogue.TrialResult] = []
    with run.killed_on_error() if run else nullcontext():
        for number in range(len(wanted.shares)):
            for trial in wanted.round(number, results):
                step(trial.name)
                recorded = run.record(trial, data, params, step) if run else run_trial(trial, data, params, step)
                results.append(recorded)
        comparison = TrialComparison.of(wanted, results)
        if run:
            run.finish(comparison)
    return comparison


def _as_dict(comparison: "TrialComparison", run: "ExperimentRun | None") -> dict[str, Any]:
    return {
        "experiment": comparison.experiment.name,
        "mlflow_run_id": run.run_id if run else None,
        "failed": len(comparison.failures),
        "best": comparison.best.trial if comparison.best else None,
        "trials": [
            {
                "trial": result.trial,
                "parameters": dict(result.parameters),
                "measures": dict(result.measures),
                "failure": result.failure,
            }
            for result in comparison.results
        ],
    }


def _print(comparison: "TrialComparison", run: "ExperimentRun | None") -> None:
    from sentiment_core.experiments.comparison import HEADER  # noqa: PLC0415

    print_table(HEADER, comparison.rows(), comparison.experiment.question)
    console = output()
    for result in comparison.failures:
        console.print(f"{result.trial}: {result.failure}", style="red", markup=False)
    if run is not None:
        console.print(f"MLflow: {run.experiment.name}, run {run.run_id}", markup=False)
