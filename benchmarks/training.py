"""Retraining end to end: the shipped configuration compared with scikit-learn's TfidfVectorizer and LogisticRegression.

The project's side is all of `sentiment train` except reading the file: five folds for calibration and metrics, the
model of all reviews, and the compiled bundle. The reference fits one model, n-grams of one to three words, with
scikit-learn's default settings. Both start from the same texts in memory and can use all cores.
"""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks.harness import arguments, interleaved, labelled_reviews, report
from sentiment_core.datasets.labelled_reviews import LabelledReviews, split
from sentiment_core.evaluation.bundle_evaluation import evaluate
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.params import Params
from sentiment_core.training.train import cross_validate, fit, train

GOALS = {"training_vs_sklearn": "≤ 0.2 (time)"}


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
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
    fold = interleaved(
        {"one fit": lambda: fit(reviews, params.model), "folds": lambda: cross_validate(reviews, params)}, rounds
    )
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
