"""`sentiment evaluate`: measure a bundle on labelled reviews."""

from pathlib import Path

import click

from sentiment_core.cli.metrics import AS_JSON, CSV, FOLDER, print_metrics
from sentiment_core.model.bundle import Bundle


@click.command
@click.argument("bundle", type=FOLDER)
@click.argument("csv", type=CSV)
@click.option("--test-only", is_flag=True, help="Use only the rows that training held out (test_size).")
@click.option("--params", type=CSV, help="Training configuration with the label column and the spellings of labels.")
@AS_JSON
def evaluate(bundle: Path, csv: Path, test_only: bool, params: Path | None, as_json: bool) -> None:
    """Measure a model bundle on labelled reviews in a CSV file.

    A bad row stops the command. docs/models.md (Bad rows) lists the rules.
    """
    from sentiment_core.datasets.labelled_csv import read_labelled  # noqa: PLC0415
    from sentiment_core.datasets.labelled_reviews import split  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415
    from sentiment_core.training.train import evaluate as measure_bundle  # noqa: PLC0415

    model = Bundle.load(bundle)
    test_size = model.manifest.training["data"]["test_size"] if test_only else 0
    if test_only and not test_size:
        raise click.UsageError("The training of this model held out no rows, because its test_size is 0.")
    group_column = model.provenance.get("grouped_by") if test_only else None
    reviews = read_labelled([csv], Params.load(params or DEFAULTS).data, group_column)
    if test_only:
        reviews = split(reviews, test_size).test
    print_metrics(measure_bundle(model, reviews)._asdict() | {"digest": model.digest}, csv.name, as_json)
