"""`sentiment train`: train a model on labelled reviews.

The command imports scikit-learn and MLflow when it runs, so that its help needs neither.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sentiment_core.cli.contract_options import ContractChoice, contract_options
from sentiment_core.cli.metrics_table import AS_JSON, CSV, FOLDER, print_metrics
from sentiment_core.model.bundle import Bundle
from sentiment_core.registry.names import CHALLENGER
from sentiment_core.registry.registered_model import registered_model
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.datasets.labelled_reviews import LabelledReviews
    from sentiment_core.datasets.suite import Suite
    from sentiment_core.params import Params
    from sentiment_core.training.train import CrossValidation, Trained, TrainingStep


@click.command
@click.argument("csv", nargs=-1, type=CSV)
@click.option("--snapshot", metavar="ID", help="Train on a stored snapshot instead of CSV files.")
@click.option(
    "--reproducible",
    is_flag=True,
    help="With --snapshot: date the model by its snapshot, so that a repeated training writes the same bytes.",
)
@click.option("--out", type=FOLDER, help="Folder for the bundle. Without it only metrics are printed.")
@click.option(
    "--cross-validate", "group_column", metavar="COLUMN", help="Rows with equal values in this column share a fold."
)
@click.option(
    "--unlabelled", multiple=True, type=CSV, help="CSV file of unlabelled reviews for semi-supervised training."
)
@click.option("--params", type=CSV, help="Training configuration instead of the package's params.yaml.")
@click.option("--track", is_flag=True, help="Log the training to MLflow and register its version as `challenger`.")
@click.option(
    "--learning-curve/--no-learning-curve", default=True, help="With --track: also train on fractions of the data."
)
@click.option(
    "--suite", metavar="DIR", help="Also measure the model over a suite, on texts that it did not learn from."
)
@click.option(
    "--sets", multiple=True, metavar="DIR", help="Also train on the sets of a folder with a corpora.tsv. Repeatable."
)
@click.option(
    "--licence", "licences", multiple=True, help="With --sets: those whose licence_class is this. Repeatable."
)
@click.option("--set", "names", multiple=True, metavar="NAME", help="With --sets: also this set. Repeatable.")
@click.option("--data-name", help="Name of the data in provenance.json.  [default: the file names]")
@contract_options
@AS_JSON
def train(
    csv: tuple[Path, ...],
    snapshot: str | None,
    reproducible: bool,
    out: Path | None,
    group_column: str | None,
    unlabelled: tuple[Path, ...],
    params: Path | None,
    track: bool,
    learning_curve: bool,
    suite: str | None,
    sets: tuple[str, ...],
    licences: tuple[str, ...],
    names: tuple[str, ...],
    data_name: str | None,
    as_json: bool,
    choice: ContractChoice,
) -> None:
    """Train a model on labelled reviews, in CSV files or a snapshot of S3, and write its bundle.

    The model is cross-validated first. Calibration, neutral band and metrics come from held-out reviews. A bad row in a
    file stops the command. docs/models.md (Bad rows) lists the rules.
    """
    from sentiment_core.datasets.labelled_csv import read_labelled, read_texts  # noqa: PLC0415
    from sentiment_core.datasets.suite import Suite  # noqa: PLC0415
    from sentiment_core.evaluation.suite_report import with_suite  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training.train import cross_validate, train_measured  # noqa: PLC0415

    _check_choice(bool(csv), snapshot, bool(sets), bool(licences or names), group_column)
    if reproducible and not snapshot:
        raise click.UsageError("--reproducible needs a snapshot (--snapshot ID).")
    if out is None and not track and (suite or not (group_column or snapshot)):
        raise click.UsageError("Give a folder for the bundle (--out DIR, --track), or only measure (--cross-validate).")
    measured = Suite.open(suite) if suite else None
    if track:
        registered_model().versions()  # fails now, not after minutes of training, if the server is unreachable
    configuration = Params.load(params or DEFAULTS)
    contract = choice.rules(settings()).contract
    others = read_texts(unlabelled, contract=contract)
    with _steps() as step:
        if snapshot:
            named = {"data": data_name} if data_name else {}
            trained = _train_snapshot(snapshot, configuration, others, named, reproducible, step)
        else:
            facts: dict[str, Any] = {"grouped_by": group_column}
            if sets:
                reviews = _read_sets(csv, [*map(Suite.open, sets)], licences, names, group_column, configuration, facts)
            else:
                reviews = read_labelled(csv, configuration.data, group_column, contract=contract)
            if out is None and not track:
                metrics = _fold_metrics(cross_validate(reviews, configuration, others, step))
                print_metrics(metrics, "Held-out reviews", as_json)
                return
            facts["data"] = data_name or ", ".join(path.name for path in (*csv, *unlabelled))
            trained = train_measured(reviews, configuration, facts, others, step)
        if measured is not None:
            step("the suite")
            trained = trained._replace(bundle=with_suite(trained.bundle, measured, partial(click.echo, err=True)))
        metrics = _bundle_metrics(trained.bundle)
        with _folder(out) as folder:
            trained.bundle.save(folder)
            if track:
                metrics |= _track(trained, configuration, others, folder, learning_curve, step)
    print_metrics(metrics, "Held-out reviews", as_json)


def _check_choice(csv: bool, snapshot: str | None, sets: bool, chosen: bool, group_column: str | None) -> None:
    """Raise `UsageError` when the options do not say what to train on, or say it twice."""
    if (csv or sets) == bool(snapshot):
        raise click.UsageError("Give CSV files or sets (--sets DIR) to train on, or a snapshot (--snapshot ID).")
    if sets != chosen:
        raise click.UsageError("Choose the sets of --sets by their licence (--licence CLASS) or name (--set NAME).")
    if snapshot and group_column:
        raise click.UsageError("A snapshot stores its own group column. Leave out --cross-validate.")


def _read_sets(
    csv: tuple[Path, ...],
    suites: list["Suite"],
    licences: tuple[str, ...],
    names: tuple[str, ...],
    group_column: str | None,
    params: "Params",
    facts: dict[str, Any],
) -> "LabelledReviews":
    """Read the CSV files, each a set of the first configured language, and the chosen sets; add their list to facts."""
    from sentiment_core.datasets import training_sets  # noqa: PLC0415
    from sentiment_core.datasets.labelled_csv import read_labelled  # noqa: PLC0415
    from sentiment_core.params import SetParams  # noqa: PLC0415

    language = next(iter(params.model.languages), "")
    chosen = [
        training_sets.TrainingSet(
            path.name.split(".")[0],
            language,
            "",
            path.name,
            read_labelled([path], params.data, group_column, every_label=False),
        )
        for path in csv
    ]
    chosen += training_sets.read_sets(suites, licences, names)
    facts["sets"] = training_sets.described(chosen)
    return training_sets.together(chosen, params.data.sets or SetParams())


def _train_snapshot(
    name: str,
    params: "Params",
    unlabelled: list[str],
    provenance: dict[str, Any],
    reproducible: bool,
    step: "TrainingStep",
) -> "Trained":
    from sentiment_core.cli.common import open_storage  # noqa: PLC0415
    from sentiment_core.datasets.snapshot_store import SnapshotStore  # noqa: PLC0415
    from sentiment_core.training.from_snapshot import train_snapshot  # noqa: PLC0415

    config = settings()
    store = SnapshotStore.of(open_storage(config), config)
    snapshot = store.read(name)
    if reproducible:
        provenance = provenance | {"created": store.find(snapshot.id).created.isoformat(timespec="seconds")}
    return train_snapshot(snapshot, params, provenance, unlabelled, step)


def _fold_metrics(held_out: "CrossValidation") -> dict[str, Any]:
    return held_out.metrics._asdict() | {
        "fold_accuracies": held_out.fold_accuracies,
        "brier_uncalibrated": held_out.uncalibrated.brier,
        "ece_uncalibrated": held_out.uncalibrated.ece,
    }


def _bundle_metrics(bundle: Bundle) -> dict[str, Any]:
    metrics: dict[str, Any] = bundle.provenance["held_out"] | {"digest": bundle.digest}
    return metrics | {name: bundle.provenance[name] for name in ("test", "snapshot") if name in bundle.provenance}


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Yield the chosen folder, or a temporary one."""
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
    """Log the training, register its bundle and point the alias `challenger` at it."""
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


@contextmanager
def _steps() -> Iterator["TrainingStep"]:
    """Show the current step on a terminal."""
    console = Console(stderr=True)
    with console.status("Reading") as status:
        yield lambda name: status.update(f"Training: {name}")
