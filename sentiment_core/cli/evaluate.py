"""`sentiment evaluate`: measure a bundle on labelled reviews of a file, snapshot or suite, or on behavioural cases."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sentiment_core.cli.common import open_storage, write_folder, write_output
from sentiment_core.cli.metrics_table import AS_JSON, CSV, FOLDER, print_metrics
from sentiment_core.cli.tables import print_table
from sentiment_core.errors import OutputUnsupported, TrainingDataInvalid
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.datasets.labelled_reviews import LabelledReviews
    from sentiment_core.evaluation.predictions import Predictor
    from sentiment_core.evaluation.suite_table import SuiteTable


@click.command
@click.argument("bundle", type=FOLDER)
@click.argument("csv", type=CSV, required=False)
@click.option("--test-only", is_flag=True, help="Use only the rows that training held out (test_size).")
@click.option("--params", type=CSV, help="Training configuration with the label column and the spellings of labels.")
@click.option("--snapshot", metavar="ID", help="Measure on the test side of a stored snapshot instead of a CSV file.")
@click.option("--suite", metavar="DIR", help="Measure over all sets of a folder or S3 prefix with a corpora.tsv.")
@click.option("--against", type=FOLDER, help="With --suite: also measure this bundle on the same rows.")
@click.option("--vader", is_flag=True, help="With --suite: also measure VADER on the English sets.")
@click.option(
    "--split",
    type=click.IntRange(1, 99),
    metavar="PERCENT",
    help="With --suite: measure only the test side of this split by text, which a training on the rest has not seen.",
)
@click.option("--language", "languages", multiple=True, help="With --suite: only sets of this language. Repeatable.")
@click.option("--card", is_flag=True, help="With --suite: store the means in the bundle's provenance and model card.")
@click.option("--behaviour", is_flag=True, help="Run the behavioural cases and customers' sentences of the package.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the metrics: .json, with --suite also .csv or .md.",
)
@click.option("--plots", type=FOLDER, help="With CSV or --snapshot: folder for the points of plots, as CSV files.")
@AS_JSON
def evaluate(
    bundle: Path,
    csv: Path | None,
    test_only: bool,
    params: Path | None,
    snapshot: str | None,
    suite: str | None,
    against: Path | None,
    vader: bool,
    split: int | None,
    languages: tuple[str, ...],
    card: bool,
    behaviour: bool,
    out: Path | None,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Measure a model bundle on labelled reviews in a CSV file.

    A bad row stops the command. docs/models.md (Bad rows) lists the rules. With --snapshot, the reviews are the test
    side of a snapshot, without those that the model has learned from. With --suite, the reviews are many sets, and the
    result is a table by set, kind, domain and language. A set that cannot be measured is named, and the exit code is
    then 1. With --behaviour, the result is the pass rate of short sentences by group and language.
    """
    if (csv is not None) + (snapshot is not None) + (suite is not None) + behaviour != 1:
        raise click.UsageError(
            "Give a CSV file of labelled reviews, a snapshot (--snapshot ID), a suite (--suite DIR) or --behaviour."
        )
    if suite is None and (against or vader or split or languages or card):
        raise click.UsageError("--against, --vader, --split, --language and --card need a suite (--suite DIR).")
    if csv is None and (test_only or params):
        raise click.UsageError("--test-only and --params need a CSV file. A suite has --split.")
    if (behaviour and out) or (plots and (behaviour or suite is not None)):
        raise click.UsageError("--out needs reviews or a suite, and --plots needs a CSV file or --snapshot.")
    model = Bundle.load(bundle)
    if csv is not None:
        _evaluate_reviews(model, _read_file(model, csv, test_only, params), csv.name, {}, out, plots, as_json)
    elif snapshot is not None:
        reviews, facts = _read_snapshot(model, snapshot)
        _evaluate_reviews(model, reviews, f"Test side of {snapshot[:12]}", facts, out, plots, as_json)
    elif suite is not None:
        table = _evaluate_suite(model, suite, _others(against, vader), split, languages, out, as_json)
        if card:
            model.with_suite(table.recorded()).save(bundle)
        if table.faults:
            raise SystemExit(1)
    else:
        _evaluate_behaviour(model, as_json)


def _read_file(model: Bundle, csv: Path, test_only: bool, params: Path | None) -> "LabelledReviews":
    from sentiment_core.datasets.labelled_csv import read_labelled  # noqa: PLC0415
    from sentiment_core.datasets.labelled_reviews import split  # noqa: PLC0415
    from sentiment_core.params import DEFAULTS, Params  # noqa: PLC0415

    test_size = model.manifest.training["data"]["test_size"] if test_only else 0
    if test_only and not test_size:
        raise click.UsageError("The training of this model held out no rows, because its test_size is 0.")
    group_column = model.provenance.get("grouped_by") if test_only else None
    data = Params.load(params or DEFAULTS).data.with_every_label()
    reviews = read_labelled([csv], data, group_column, every_label=False)
    return split(reviews, test_size).test if test_only else reviews


def _read_snapshot(model: Bundle, name: str) -> tuple["LabelledReviews", dict[str, Any]]:
    """Return the test rows that the model has not learned from, and the facts that identify them in the metrics."""
    from sentiment_core.datasets.snapshot import labelled_reviews  # noqa: PLC0415
    from sentiment_core.datasets.snapshot_store import SnapshotStore  # noqa: PLC0415
    from sentiment_core.text.fingerprints import are_known  # noqa: PLC0415

    config = settings()
    found = SnapshotStore.of(open_storage(config), config).read(name)
    reviews = labelled_reviews(found.test_rows)
    seen = None if model.known_texts is None else are_known(reviews.texts, model.known_texts)
    if seen is not None:
        reviews = reviews.take(~seen)
    if not reviews.texts:
        why = f"the snapshot {found.id[:12]} has no test rows that the model has not learned from"
        raise TrainingDataInvalid(why=why)
    return reviews, {"snapshot": found.id, "learned_rows_left_out": None if seen is None else int(seen.sum())}


def _evaluate_reviews(
    model: Bundle,
    reviews: "LabelledReviews",
    title: str,
    facts: dict[str, Any],
    out: Path | None,
    plots: Path | None,
    as_json: bool,
) -> None:
    from sentiment_core.evaluation.bundle_evaluation import evaluate as measure_bundle  # noqa: PLC0415
    from sentiment_core.evaluation.plot_tables import plot_tables  # noqa: PLC0415

    if out is not None and out.suffix.lower() != ".json":
        raise OutputUnsupported(path=out, why="its ending must be .json")
    found = measure_bundle(model, reviews)
    metrics = found.as_dict() | facts | {"digest": model.digest}
    if out is not None:
        write_output(out, json.dumps(metrics, indent=2) + "\n")
    if plots is not None:
        write_folder(plots, plot_tables(found.predictions, reviews.labels))
    print_metrics(metrics, title, as_json)


def _others(against: Path | None, vader: bool) -> dict[str, "Predictor"]:
    """Return the models to compare with. Raises `BaselineMissing` when VADER is not installed."""
    from sentiment_core.evaluation.predictions import BundlePredictor  # noqa: PLC0415
    from sentiment_core.evaluation.vader import Vader  # noqa: PLC0415

    others: dict[str, Any] = {"against": BundlePredictor(Bundle.load(against))} if against else {}
    return others | ({"vader": Vader()} if vader else {})


def _evaluate_suite(
    model: Bundle,
    location: str,
    others: dict[str, "Predictor"],
    split: int | None,
    languages: Sequence[str],
    out: Path | None,
    as_json: bool,
) -> "SuiteTable":
    from sentiment_core.datasets.suite import Suite  # noqa: PLC0415
    from sentiment_core.evaluation.suite_report import as_json as json_of  # noqa: PLC0415
    from sentiment_core.evaluation.suite_report import document  # noqa: PLC0415
    from sentiment_core.evaluation.suite_table import measure_suite  # noqa: PLC0415

    if out is not None and out.suffix.lower() not in (".json", ".csv", ".md"):
        raise OutputUnsupported(path=out, why="its ending must be .json, .csv or .md")
    suite = Suite.open(location)
    if languages:
        suite = suite.of_languages(languages)
    with Console(stderr=True).status("Reading") as status:
        table = measure_suite(model, suite, split, others, lambda name: status.update(f"Measuring: {name}"))
    if out is not None:
        write_output(out, document(table, out) or "")
    if as_json:
        click.echo(json_of(table), nl=False)
    else:
        _print_suite(table)
    return table


def _print_suite(table: "SuiteTable") -> None:
    from sentiment_core.evaluation.suite_report import notes, sections  # noqa: PLC0415

    models = ", ".join(f"{title} ({role})" for role, title in table.titles.items())
    click.echo(f"{models}, over {table.location}: {table.selection}")
    for section in sections(table):
        click.echo()
        print_table(section.header, section.rows, section.title)
    for note in notes(table):
        click.echo(note, err=True)


def _evaluate_behaviour(model: Bundle, as_json: bool) -> None:
    from sentiment_core.promotion.behavioural_tests import (  # noqa: PLC0415
        CUSTOMERS,
        DEFAULT_CASES,
        Cases,
        pass_rates,
        run_cases,
    )

    scorer = Scorer(model)
    sentences, others = (run_cases(scorer, Cases.load(path)) for path in (CUSTOMERS, DEFAULT_CASES))
    rates = {
        "Customers' sentences by language": pass_rates(sentences, lambda each: each.language),
        "Customers' sentences by group": pass_rates(sentences, lambda each: each.group),
        "Other cases": pass_rates(others, lambda each: each.group),
    }
    failed = [result for result in (*sentences, *others) if not result.holds]
    if as_json:
        named = zip(("language", "group", "other"), rates.values(), strict=True)
        shares = {name: {key: rate._asdict() for key, rate in mine.items()} for name, mine in named}
        click.echo(json.dumps(shares | {"failed": [result._asdict() for result in failed], "digest": model.digest}))
        return
    for title, mine in rates.items():
        rows = [(key, str(rate.cases), str(rate.passed), f"{rate.share:.1%}") for key, rate in mine.items()]
        print_table(("", "cases", "passed", "share"), rows, title)
        click.echo()
    for result in failed:
        click.echo(f"{result.language} {result.group}: {result.case}")
