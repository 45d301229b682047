"""Evaluation of a model bundle on labelled reviews. Their labels can differ from the model's."""

from typing import Any, NamedTuple

import joblib

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.evaluation.metrics import ClassificationMetrics, measure
from sentiment_core.evaluation.predictions import Predictions, predictions_of
from sentiment_core.evaluation.set_measures import MEASURES, SetMeasures, measure_polar, measure_set
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer


class BundleEvaluation(NamedTuple):
    """The metrics of a bundle on n labelled reviews."""

    metrics: ClassificationMetrics | None  # None: the reviews lack negative or positive rows
    polar_only: bool  # whether `metrics` cover only rows with a sentiment, because the labels differ from the model's
    measures: SetMeasures  # of the score and the given labels, as in a suite's table
    predictions: Predictions

    def as_dict(self) -> dict[str, Any]:
        """Return all measures as a JSON-serializable dictionary. `missing` gives a reason for each undefined one."""
        found = {} if self.metrics is None else self.metrics._asdict()
        measures = {name: value for name in MEASURES if (value := getattr(self.measures, name)) is not None}
        return found | {
            "polar_only": self.polar_only,
            "labels_given": {"rows": self.measures.rows, "polar_rows": self.measures.polar_rows} | measures,
            "missing": dict(self.measures.missing),
        }


def evaluate(bundle: Bundle, reviews: LabelledReviews) -> BundleEvaluation:
    """Measure a bundle on labelled reviews.

    If the reviews have the model's labels, the metrics cover all rows. Otherwise they cover the rows with a sentiment,
    by the score (`measure_polar`). The neutral rows count in `measures` in both cases.
    """
    names, thresholds = bundle.manifest.labels, bundle.manifest.thresholds
    found = predictions_of(Scorer(bundle), TextColumn.from_texts(reviews.texts), joblib.cpu_count())
    measures = measure_set(found, reviews.labels)
    if set(reviews.names) == set(names):
        columns = [LABELS.index(name) for name in names]
        assert found.probabilities is not None  # noqa: S101 -- every bundle gives probabilities
        metrics = measure(found.probabilities[:, columns], reviews.labels, names, thresholds)
        return BundleEvaluation(metrics, False, measures, found)
    both = {"negative", "positive"} <= set(reviews.names)
    return BundleEvaluation(measure_polar(found, reviews.labels) if both else None, True, measures, found)
