"""Retraining end to end: the shipped configuration compared with scikit-learn's TfidfVectorizer and LogisticRegression.

The project's side is all of `sentiment train` except reading the file: five folds for calibration and metrics, the
model of all reviews, and the compiled bundle. The reference fits one model, n-grams of one to three words, with
scikit-learn's default settings. Both start from the same texts in memory and can use all cores.

`--rows ROWSxCHARACTERS` measures instead the memory and time of `sentiment train` on a file of generated reviews, each
size in a separate process, with the labels of `--labels`.
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks.generated_csv import write_reviews
from benchmarks.harness import argument_parser, interleaved, labelled_reviews, measured, report
from sentiment_core.datasets.labelled_reviews import LabelledReviews, split
from sentiment_core.evaluation.bundle_evaluation import evaluate
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.params import Params
from sentiment_core.training.train import cross_validate, fit, train

GOALS = {"training_vs_sklearn": "≤ 0.2 (time)"}


TWO_OR_THREE = {2: ("negative", "positive"), 3: LABELS}


def main() -> None:
    """Run the benchmark and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rows", nargs="+", metavar="ROWSxCHARACTERS", help="measure memory and time by size")
    parser.add_argument("--labels", type=int, choices=TWO_OR_THREE, default=3, help="with --rows  [default: 3]")
    options = parser.parse_args()
    if options.rows:
        by_size(options)
    else:
        against_sklearn(options)


def by_size(options: argparse.Namespace) -> None:
    """Report the peak memory and the time of `sentiment train` for each size."""
    figures: dict[str, object] = {"reviews": f"generated, {options.labels} labels"}
    print("| rows | characters | MB of text | seconds | processor seconds | peak MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        file, params = Path(folder, "reviews.csv"), Path(folder, "params.yaml")
        params.write_text(json.dumps(_configuration(TWO_OR_THREE[options.labels])))
        for size in options.rows:
            rows, characters = map(int, size.split("x"))
            write_reviews(file, rows, characters, TWO_OR_THREE[options.labels])
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [str(Path(sys.executable).with_name("sentiment")), "train", str(file), "--params", str(params)]
            command += ["--cross-validate", "product_id", "--out", str(Path(folder, "bundle"))]
            seconds, peak = measured(command, {})
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            megabytes = file.stat().st_size / 1e6
            print(f"| {rows:,} | {characters:,} | {megabytes:,.0f} | {seconds:,.0f} | {used:,.0f} | {peak:,.0f} |")
            figures[size] = {"text_mb": megabytes, "seconds": seconds, "processor_seconds": used, "peak_mb": peak}
    report(figures, {}, {}, options.json)


def _configuration(labels: tuple[str, ...]) -> dict[str, object]:
    """Return the shipped configuration with these labels."""
    params = Params.load().model_dump(mode="json")
    params["data"]["labels"] = {label: [label] for label in labels}
    return params


def against_sklearn(options: argparse.Namespace) -> None:
    """Report the time and accuracy of the shipped configuration and of scikit-learn."""
    read = labelled_reviews(options.quick)
    labels = np.array([LABELS.index(label) for label in read.labels], np.int8)
    reviews = LabelledReviews(read.texts, labels, read.groups)
    params = Params.load()
    trained: dict[str, Bundle | Pipeline] = {}
    rounds = 1 if options.quick else 2

    def ours() -> None:
        trained["ours"] = train(reviews, params, {})

    def reference() -> None:
        trained["reference"] = make_pipeline(TfidfVectorizer(ngram_range=(1, 3)), LogisticRegression()).fit(
            reviews.texts, reviews.labels
        )

    seconds = interleaved({"ours": ours, "reference": reference}, rounds)
    runs = {
        "one fit": lambda: fit(reviews, params.model, (), joblib.cpu_count()),
        "folds": lambda: cross_validate(reviews, params),
    }
    fold = interleaved(runs, rounds)
    learned, held_out = split(reviews, 20)
    twin = make_pipeline(TfidfVectorizer(ngram_range=(1, 3)), LogisticRegression()).fit(learned.texts, learned.labels)
    figures = {
        "reviews": f"{len(reviews.texts):,} of {read.name}",
        "ours: seconds": seconds["ours"].best,
        "ours: one fit without folds, seconds": fold["one fit"].best,
        "ours: five folds, seconds": fold["folds"].best,
        "reference: seconds": seconds["reference"].best,
        "ours: accuracy on unseen groups": evaluate(train(learned, params, {}), held_out).metrics.accuracy,
        "reference: accuracy on unseen groups": float(twin.score(held_out.texts, held_out.labels)),
    }
    report(figures, {"training_vs_sklearn": seconds["ours"].best / seconds["reference"].best}, GOALS, options.json)


if __name__ == "__main__":
    main()
