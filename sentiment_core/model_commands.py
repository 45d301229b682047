"""The verbs `sentiment train`, `evaluate` and `predict`.

Each imports what it works with when it runs: scoring needs no scikit-learn and no pandas.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sentiment_core.bundle import STARTER, Bundle

if TYPE_CHECKING:
    from sentiment_core.training import Step

_CSV: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
_TOP: Final = 12  # n-grams that an explanation shows to people
_COLOURS: Final = {"negative": "red", "neutral": "yellow", "positive": "green"}


@click.command
@click.argument("csv", nargs=-1, required=True, type=_CSV)
@click.option("--out", type=_FOLDER, help="Folder for the bundle. Without it nothing is kept but the metrics.")
@click.option("--cross-validate", "group_column", metavar="COLUMN", help="Rows equal in this column share a fold.")
@click.option("--params", type=_CSV, help="Training configuration instead of the package's params.yaml.")
@click.option("--data-name", help="What to call the data in provenance.json.  [default: the names of the files]")
@_AS_JSON
def train(
    csv: tuple[Path, ...],
    out: Path | None,
    group_column: str | None,
    params: Path | None,
    data_name: str | None,
    as_json: bool,
) -> None:
    """Train a model on labelled reviews in CSV files and write its bundle.

    The model is cross-validated first: calibration, neutral band and metrics come from held-out reviews.
    """
    from sentiment_core.labelled import read_labelled  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training import cross_validate  # noqa: PLC0415
    from sentiment_core.training import train as train_bundle  # noqa: PLC0415

    if out is None and group_column is None:
        raise click.UsageError("Say where the bundle goes (--out DIR), or only measure (--cross-validate COLUMN).")
    configuration = Params.load(params or DEFAULTS)
    reviews = read_labelled(csv, configuration.data, group_column)
    with _steps() as step:
        if out is None:
            held_out = cross_validate(reviews, configuration, step)
            metrics: dict[str, Any] = held_out.metrics._asdict() | {"fold_accuracies": held_out.fold_accuracies}
        else:
            names = data_name or ", ".join(path.name for path in csv)
            bundle = train_bundle(reviews, configuration, {"data": names, "grouped_by": group_column}, step)
            bundle.save(out)
            metrics = bundle.provenance["held_out"] | {"digest": bundle.digest}
    _print(metrics, "Held-out reviews", as_json)


@click.command
@click.argument("bundle", type=_FOLDER)
@click.argument("csv", type=_CSV)
@click.option("--params", type=_CSV, help="Configuration that names the label column and the labels' spellings.")
@_AS_JSON
def evaluate(bundle: Path, csv: Path, params: Path | None, as_json: bool) -> None:
    """Measure a model bundle on labelled reviews in a CSV file."""
    from sentiment_core.evaluation import measure  # noqa: PLC0415
    from sentiment_core.labelled import read_labelled  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.scorer import Scorer  # noqa: PLC0415

    scorer = Scorer(Bundle.load(bundle))
    reviews = read_labelled([csv], Params.load(params or DEFAULTS).data)
    scores = scorer.score_texts(reviews.texts).score
    metrics = measure(scores, reviews.positive, scorer.bundle.manifest.thresholds)
    _print(metrics._asdict() | {"digest": scorer.bundle.digest}, csv.name, as_json)


@click.command
@click.argument("text", nargs=-1, required=True)
@click.option("--explain", is_flag=True, help="Show the n-grams that made the score.")
@click.option("--model", type=_FOLDER, default=STARTER, help="Bundle to score with.  [default: the starter model]")
@_AS_JSON
def predict(text: tuple[str, ...], explain: bool, model: Path, as_json: bool) -> None:
    """Score texts given as arguments."""
    from sentiment_core.scorer import Explanation, Scorer  # noqa: PLC0415

    scorer = Scorer(Bundle.load(model))
    explanations: list[Explanation] = [scorer.explain(each) for each in text]
    if as_json:
        fields = ("label", "score", *(("bias", "contributions") if explain else ()))
        results = [_as_dict(explanation, fields) for explanation in explanations]
        click.echo(json.dumps({"digest": scorer.bundle.digest, "results": results}, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for each, explanation in zip(text, explanations, strict=True):
        colour = _COLOURS[explanation.label]
        console.print(f"[{colour}]{explanation.label:<8}[/] {explanation.score:.3f}  {escape(each)}")
        for part in explanation.contributions[:_TOP] if explain else ():
            sign = "green" if part.weight > 0 else "red"
            console.print(f"    [{sign}]{part.weight:+.3f}[/]  {escape(part.ngram)}")


def _as_dict(explanation: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    values = explanation._asdict() | {"contributions": [part._asdict() for part in explanation.contributions]}
    return {field: values[field] for field in fields}


@contextmanager
def _steps() -> Iterator["Step"]:
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
        shown = ", ".join(f"{each:.4f}" for each in value) if isinstance(value, tuple) else value
        table.add_row(name.replace("_", " "), f"{shown:.4f}" if isinstance(shown, float) else str(shown))
    Console().print(table)
