"""The verbs `sentiment train`, `evaluate` and `predict`.

Each imports what it works with when it runs: scoring needs no scikit-learn and no pandas.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.registry.names import CHALLENGER
from sentiment_core.registry.registered_model import registered_model
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.model.scorer import Explanation
    from sentiment_core.params import Params
    from sentiment_core.training.train import CrossValidation, Trained, TrainingStep

_CSV: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
_TOP: Final = 12  # n-grams that an explanation shows to people
_COLOURS: Final = {"negative": "red", "neutral": "yellow", "positive": "green"}


@click.command
@click.argument("csv", nargs=-1, type=_CSV)
@click.option("--snapshot", metavar="ID", help="Train on a stored snapshot instead of CSV files.")
@click.option("--out", type=_FOLDER, help="Folder for the bundle. Without it nothing is kept but the metrics.")
@click.option("--cross-validate", "group_column", metavar="COLUMN", help="Rows equal in this column share a fold.")
@click.option("--unlabelled", multiple=True, type=_CSV, help="CSV file of reviews without labels that help to count.")
@click.option("--params", type=_CSV, help="Training configuration instead of the package's params.yaml.")
@click.option("--track", is_flag=True, help="Log the training to MLflow and register its version as `challenger`.")
@click.option(
    "--learning-curve/--no-learning-curve", default=True, help="With --track: also train on parts of the data."
)
@click.option("--data-name", help="What to call the data in provenance.json.  [default: the names of the files]")
@_AS_JSON
def train(
    csv: tuple[Path, ...],
    snapshot: str | None,
    out: Path | None,
    group_column: str | None,
    unlabelled: tuple[Path, ...],
    params: Path | None,
    track: bool,
    learning_curve: bool,
    data_name: str | None,
    as_json: bool,
) -> None:
    """Train a model on labelled reviews, in CSV files or a snapshot of S3, and write its bundle.

    The model is cross-validated first: calibration, neutral band and metrics come from held-out reviews.
    """
    from sentiment_core.datasets.labelled_reviews import read_labelled, read_texts  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training.train import cross_validate, train_measured  # noqa: PLC0415

    if bool(csv) == bool(snapshot):
        raise click.UsageError("Name CSV files to train on, or a snapshot (--snapshot ID).")
    if snapshot and group_column:
        raise click.UsageError("A snapshot says itself which column groups its rows.")
    if out is None and group_column is None and not snapshot and not track:
        raise click.UsageError(
            "Say where the bundle goes (--out DIR, --track), or only measure (--cross-validate COLUMN)."
        )
    if track:
        registered_model().versions()  # a server that is not there is told of before minutes of work
    configuration = Params.load(params or DEFAULTS)
    others = read_texts(unlabelled)
    with _steps() as step:
        if snapshot:
            trained = _train_snapshot(snapshot, configuration, others, {"data": data_name} if data_name else {}, step)
        else:
            reviews = read_labelled(csv, configuration.data, group_column)
            if out is None and not track:
                metrics = _of_folds(cross_validate(reviews, configuration, others, step))
                _print(metrics, "Held-out reviews", as_json)
                return
            names = data_name or ", ".join(path.name for path in (*csv, *unlabelled))
            trained = train_measured(reviews, configuration, {"data": names, "grouped_by": group_column}, others, step)
        metrics = _of_bundle(trained.bundle)
        with _folder(out) as folder:
            trained.bundle.save(folder)
            if track:
                metrics |= _track(trained, configuration, others, folder, learning_curve, step)
    _print(metrics, "Held-out reviews", as_json)


def _train_snapshot(
    name: str, params: "Params", unlabelled: list[str], provenance: dict[str, Any], step: "TrainingStep"
) -> "Trained":
    from sentiment_core.cli.common import open_storage  # noqa: PLC0415
    from sentiment_core.datasets.snapshot_store import SnapshotStore  # noqa: PLC0415
    from sentiment_core.training.from_snapshot import train_snapshot  # noqa: PLC0415

    config = settings()
    snapshot = SnapshotStore.of(open_storage(config), config).read(name)
    return train_snapshot(snapshot, params, provenance, unlabelled, step)


def _of_folds(held_out: "CrossValidation") -> dict[str, Any]:
    return held_out.metrics._asdict() | {
        "fold_accuracies": held_out.fold_accuracies,
        "brier_uncalibrated": held_out.uncalibrated.brier,
        "ece_uncalibrated": held_out.uncalibrated.ece,
    }


def _of_bundle(bundle: Bundle) -> dict[str, Any]:
    metrics: dict[str, Any] = bundle.provenance["held_out"] | {"digest": bundle.digest}
    return metrics | {name: bundle.provenance[name] for name in ("test", "snapshot") if name in bundle.provenance}


@click.command
@click.argument("bundle", type=_FOLDER)
@click.argument("csv", type=_CSV)
@click.option("--test-only", is_flag=True, help="Only the rows that the model's training kept aside (test_size).")
@click.option("--params", type=_CSV, help="Configuration that names the label column and the labels' spellings.")
@_AS_JSON
def evaluate(bundle: Path, csv: Path, test_only: bool, params: Path | None, as_json: bool) -> None:
    """Measure a model bundle on labelled reviews in a CSV file."""
    from sentiment_core.datasets.labelled_reviews import read_labelled, split  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training.train import evaluate as measure_bundle  # noqa: PLC0415

    model = Bundle.load(bundle)
    test_size = model.manifest.training["data"]["test_size"] if test_only else 0
    if test_only and not test_size:
        raise click.UsageError("This model's training kept no rows aside: its test_size is 0.")
    group_column = model.provenance.get("grouped_by") if test_only else None
    reviews = read_labelled([csv], Params.load(params or DEFAULTS).data, group_column)
    if test_only:
        reviews = split(reviews, test_size).test
    _print(measure_bundle(model, reviews)._asdict() | {"digest": model.digest}, csv.name, as_json)


@click.command
@click.argument("text", nargs=-1, required=True)
@click.option("--explain", is_flag=True, help="Show the n-grams that made the score.")
@click.option("--model", type=_FOLDER, default=STARTER, help="Bundle to score with.  [default: the starter model]")
@_AS_JSON
def predict(text: tuple[str, ...], explain: bool, model: Path, as_json: bool) -> None:
    """Score texts given as arguments."""
    from sentiment_core.model.scorer import Scorer  # noqa: PLC0415

    scorer = Scorer(Bundle.load(model))
    explanations: list[Explanation] = [scorer.explain(each) for each in text]
    if as_json:
        results = [_as_dict(explanation, explain) for explanation in explanations]
        click.echo(json.dumps({"digest": scorer.bundle.digest, "results": results}, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for explanation in explanations:
        colour = _COLOURS[explanation.label]
        shown = _highlighted(explanation) if explain else Text(explanation.text)
        console.print(Text.assemble((f"{explanation.label:<8}", colour), f" {explanation.score:.3f}  ", shown))
        for part in explanation.contributions[:_TOP] if explain else ():
            sign = _COLOURS["positive" if part.weight > 0 else "negative"]
            times = f"  x {len(part.spans)}" if len(part.spans) > 1 else ""
            console.print(Text.assemble("    ", (f"{part.weight:+.3f}", sign), f"  {part.ngram}", (times, "dim")))


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Give the chosen folder, else one that is there for the while."""
    if chosen is not None:
        yield chosen
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch)


def _track(
    trained: "Trained",
    params: "Params",
    unlabelled: list[str],
    folder: Path,
    learning_curve: bool,
    step: "TrainingStep",
) -> dict[str, Any]:
    """Log the training, register its bundle, and let the alias of the next champion point at it."""
    from sentiment_core.training.learning_curve import learning_curve as curve_of  # noqa: PLC0415
    from sentiment_core.training.mlflow_run import log_training  # noqa: PLC0415

    evaluation = trained.evaluation
    if learning_curve:
        evaluation = evaluation._replace(learning_curve=curve_of(trained, params, unlabelled, step=step))
    step("the run in MLflow")
    registry = registered_model()
    uri = settings().require_mlflow_tracking_uri()
    snapshot_id = trained.bundle.provenance.get("snapshot")
    run = log_training(uri, registry.name, folder, evaluation, name=registry.name, snapshot_id=snapshot_id)
    registry.set_alias(CHALLENGER, run.version)
    return {"run_id": run.run_id, "version": run.version}


def _highlighted(explanation: "Explanation") -> Text:
    """Return the text with its strongest n-grams in the colour of the side that they speak for."""
    shown = Text(explanation.text)
    for part in reversed(explanation.contributions[:_TOP]):
        for start, end in part.spans:
            shown.stylize(_COLOURS["positive" if part.weight > 0 else "negative"], start, end)
    return shown


def _as_dict(explanation: "Explanation", explain: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"label": explanation.label, "score": explanation.score}
    if explain:
        values["bias"] = explanation.bias
        values["contributions"] = [
            {"ngram": part.ngram, "weight": part.weight, "spans": part.spans} for part in explanation.contributions
        ]
    return values


@contextmanager
def _steps() -> Iterator["TrainingStep"]:
    """Show the step that runs, on a terminal."""
    console = Console(stderr=True)
    with console.status("Reading") as status:
        yield lambda name: status.update(f"Training: {name}")


def _print(metrics: dict[str, Any], title: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(metrics))
        return
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in metrics.items():
        table.add_row(name.replace("_", " "), _shown(value))
    Console().print(table)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key.replace('_', ' ')}: {_shown(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return f"{value:.4f}" if isinstance(value, float) else str(value)
