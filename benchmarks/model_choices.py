"""The effect of each modelling choice: one variant after another in five folds, with no group in two of them.

Variants of `params.yaml` run through the product's own training. Options that the product does not offer, because they
did not pay off, are implemented here. Stop words and lemmas need NLTK's data (NLTK_DATA). A variant that cannot run
reports this.
"""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from threadpoolctl import threadpool_limits

from benchmarks.harness import REAL_DATA, arguments, labelled_reviews, report
from benchmarks.naive_bayes import NaiveBayesTfidf, build_pipeline, logistic_regression
from sentiment_core.datasets.labelled_csv import read_texts
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import LanguageDataMissing
from sentiment_core.labels import LABELS
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles
from sentiment_core.params import ModelParams, Params
from sentiment_core.text.specification import IDENTITY_SHIFT, NGRAM_STEP
from sentiment_core.training.classifier import NgramClassifier
from sentiment_core.training.folds import Fold, group_folds
from sentiment_core.training.train import build_classifier, fit
from sentiment_core.training.vectorizer import NgramVectorizer

FOLDS = 5
Fit = Callable[[LabelledReviews, LabelledReviews], Any]  # from the training and the held-out reviews to a fitted model


class Result(NamedTuple):
    """The result of a variant."""

    accuracy: float
    auc: float
    features: int
    seconds: float


class CountingVectorizer(NgramVectorizer):
    """Count the occurrences of each n-gram in a text; `damp` is applied to the counts."""

    def __init__(self, damp: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.positive, **params: Any) -> None:
        super().__init__(**params)
        self.damp = damp

    def _rows(self, tokens: Any) -> csr_array:
        rows = np.repeat(np.arange(len(tokens.offsets) - 1), np.diff(tokens.offsets))
        grams, places = tokens.hashes, np.arange(len(rows))
        found: list[csr_array] = []
        shape = (len(tokens.offsets) - 1, len(self.ngrams_))
        for size in range(1, self.longest + 1):
            if size > 1:
                whole = rows[places] == rows[np.minimum(places + size - 1, len(rows) - 1)]
                whole &= places + size <= len(rows)
                grams, places = grams[whole], places[whole]
                grams = grams * np.uint64(NGRAM_STEP) + tokens.hashes[places + size - 1]
                grams ^= grams >> np.uint64(32)
            identities = grams >> np.uint64(IDENTITY_SHIFT) | np.uint64(1)
            column = np.searchsorted(self.ngrams_, identities).clip(max=len(self.ngrams_) - 1)
            known = self.ngrams_[column] == identities
            found.append(csr_array((np.ones(known.sum()), (rows[places[known]], column[known])), shape=shape))
        counted = csr_array(sum(found[1:], found[0]))
        counted.indices, counted.indptr = counted.indices.astype(np.int32), counted.indptr.astype(np.int32)
        counted.data = self.damp(counted.data)
        return counted


class WithoutIdf(NaiveBayesTfidf):
    """Weight n-grams by their naive-Bayes ratios alone."""

    def fit(self, X: Any, y: Any, **options: Any) -> "WithoutIdf":  # noqa: N803
        """Fit the ratios, and remove idf again."""
        super().fit(X, y, **options)
        texts = np.bincount(csr_array(X).indices, minlength=X.shape[1])[self.kept_]
        self.scales_ = self.scales_ / (np.log((1 + X.shape[0]) / (1 + texts)) + 1)
        return self


def variants(params: ModelParams) -> dict[str, Fit]:
    """Return all variants except those with unlabelled reviews, by name."""

    def changed(**changes: Any) -> Fit:
        return lambda learned, _: fit(learned, params.model_copy(update=changes))

    def replaced(**steps: Any) -> Fit:
        def run(learned: LabelledReviews, _: LabelledReviews) -> Pipeline:
            own = {name: clone(step, safe=False) for name, step in steps.items()}  # folds run concurrently
            return build_pipeline(params).set_params(**own).fit(learned.texts, learned.labels)

        return run

    counting: dict[str, Any] = {"longest": params.longest_ngram, "negation_reach": params.negation_reach}
    old = params.model_copy(update={"negation_reach": 0, "power": 1.0, "C": 30.0, "features": 400_000})
    return {
        "shipped configuration": changed(),
        "shipped configuration as scikit-learn estimators, liblinear": replaced(),
        "counts instead of presence": replaced(ngrams=CountingVectorizer(**counting)),
        "1 + log counts instead of presence": replaced(ngrams=CountingVectorizer(_one_plus_log, **counting)),
        "without idf": replaced(weighting=WithoutIdf(power=params.power, features=params.features), classifier__C=10),
        "without naive-Bayes ratios": changed(power=0.0),
        "ratios at power 0.5": changed(power=0.5),
        "ratios at power 1": changed(power=1.0),
        "smoothing 0.5": changed(smoothing=0.5),
        "smoothing 2": changed(smoothing=2.0),
        "1-2-grams": changed(longest_ngram=2),
        "1-4-grams": changed(longest_ngram=4),
        "1-4-grams, 400,000 features": changed(longest_ngram=4, features=400_000),
        "50,000 features": changed(features=50_000),
        "100,000 features": changed(features=100_000),
        "400,000 features": changed(features=400_000),
        "all features": changed(features=10_000_000),
        "n-grams of 3 texts": changed(min_texts=3),
        "C = 0.3": changed(C=0.3),
        "C = 3": changed(C=3.0),
        "10 steps of the solver": changed(iterations=10),
        "200 steps of the solver": changed(tolerance=1e-6, iterations=200),
        "without negation": changed(negation_reach=0),
        "negation scope of 1 token": changed(negation_reach=1),
        "negation scope up to the next punctuation mark": changed(negation_reach=1_000),
        "without NLTK stop words": changed(stop_words=True),
        "WordNet lemmas": changed(lemmatize=True),
        "without stop words, with lemmas": changed(stop_words=True, lemmatize=True),
        "text recipe of version 1: presence, ratios, C = 30": lambda learned, _: (
            build_pipeline(old)
            .set_params(weighting=WithoutIdf(power=1.0, features=400_000))
            .fit(learned.texts, learned.labels)
        ),
        "scikit-learn: TF-IDF 1-3-grams": lambda learned, _: make_pipeline(
            TfidfVectorizer(ngram_range=(1, 3), sublinear_tf=True, min_df=2), LogisticRegression(C=30, max_iter=300)
        ).fit(learned.texts, learned.labels),
        "scikit-learn: TF-IDF characters 2-5, 300,000": lambda learned, _: make_pipeline(
            characters(), LogisticRegression(C=10, max_iter=300)
        ).fit(learned.texts, learned.labels),
        "shipped configuration plus these characters": lambda learned, _: make_pipeline(
            make_union(build_pipeline(params)[:2], characters()), logistic_regression(params.C)
        ).fit(learned.texts, learned.labels),
    }


def characters() -> TfidfVectorizer:
    """Return scikit-learn's n-grams of two to five characters inside words."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), max_features=300_000, sublinear_tf=True)


def _one_plus_log(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 + np.log(counts)


def with_unlabelled(params: ModelParams, texts: list[str], reviews: LabelledReviews) -> dict[str, Fit]:
    """Return the variants that use unlabelled reviews. They measure the gain, and how much of it is a leak."""
    shingles = Shingles(texts)
    rare = RareWords(texts, reviews)
    dice = np.random.default_rng(0)

    def helped(keep: Callable[[LabelledReviews], NDArray[np.bool_]], **changes: Any) -> Fit:
        def run(learned: LabelledReviews, held_out: LabelledReviews) -> NgramClassifier:
            kept = [text for text, stays in zip(texts, keep(held_out).tolist(), strict=True) if stays]
            return fit(learned, params.model_copy(update=changes), kept)

        return run

    def apart(held_out: LabelledReviews) -> NDArray[np.bool_]:
        return shingles.containment(held_out.texts) <= NEARLY_ALL

    def strangers(held_out: LabelledReviews) -> NDArray[np.bool_]:
        return apart(held_out) & ~rare.shared_with(held_out)

    def as_many_at_random(held_out: LabelledReviews) -> NDArray[np.bool_]:
        return dice.permutation(strangers(held_out))

    def self_trained(learned: LabelledReviews, held_out: LabelledReviews) -> NgramClassifier:
        """Train on the unlabelled reviews too, each with both labels, weighted by half their probabilities."""
        model = helped(apart)(learned, held_out)
        chosen = [text for text, stays in zip(texts, apart(held_out).tolist(), strict=True) if stays]
        weights = np.concatenate((np.ones(len(learned.texts)), *(0.5 * model.predict_proba(chosen)).T))
        labels = np.concatenate((learned.labels, *(np.full(len(chosen), each) for each in model.classes_)))
        return build_classifier(params).fit([*learned.texts, *chosen, *chosen], labels, weights)

    return {
        "unlabelled reviews in the counts": helped(apart),
        "unlabelled reviews in the counts, and in training with soft labels": self_trained,
        "unlabelled reviews at weight 0.5": helped(apart, unlabelled_weight=0.5),
        "unlabelled, near-duplicates of held-out reviews kept": helped(lambda _: np.ones(len(texts), np.bool_)),
        "unlabelled, without rare words of held-out films": helped(strangers),
        "unlabelled, random sample of the same size": helped(as_many_at_random),
        "unlabelled, without negation": helped(apart, negation_reach=0),
    }


class RareWords:
    """Words that occur in few reviews and that two or more reviews of one group share.

    Most are names of persons, places and titles.
    """

    MAX_TEXTS = 60

    def __init__(self, unlabelled: list[str], reviews: LabelledReviews) -> None:
        self.vectorizer = NgramVectorizer(longest=1, negation_reach=0)
        rows = self.vectorizer.fit_transform(reviews.texts)
        self.few = np.bincount(rows.indices, minlength=rows.shape[1]) <= self.MAX_TEXTS
        self.unlabelled = self.vectorizer.transform(unlabelled)

    def shared_with(self, held_out: LabelledReviews) -> NDArray[np.bool_]:
        """Return which unlabelled reviews contain such a word of the held-out groups."""
        rows = self.vectorizer.transform(held_out.texts)
        _, group = np.unique(held_out.groups, return_inverse=True)
        by_group = csr_array((np.ones(len(group)), (group, np.arange(len(group))))) @ rows
        common = np.zeros(rows.shape[1])
        common[by_group.indices[by_group.data >= 2]] = 1
        shared: NDArray[np.bool_] = self.unlabelled @ (common * self.few) > 0
        return shared


def cross_validate(reviews: LabelledReviews, make: Fit) -> Result:
    """Return a variant's result on held-out folds, with a decision threshold of 0 on its margin."""
    start = time.perf_counter()
    folds = list(group_folds(reviews, FOLDS))
    margins = np.empty(len(reviews.texts))

    def one(fold: Fold) -> int:
        learned, held_out = (reviews.take(rows) for rows in fold)
        model = make(learned, held_out)
        margins[fold.held_out] = model.decision_function(held_out.texts)
        return int((model.weights_ if isinstance(model, NgramClassifier) else model[-1].coef_).shape[1])

    with threadpool_limits(1), ThreadPoolExecutor(joblib.cpu_count()) as pool:
        widths = list(pool.map(one, folds))
    positive = reviews.labels == LABELS.index("positive")
    accuracy, auc = float(((margins >= 0) == positive).mean()), float(roc_auc_score(positive, margins))
    return Result(accuracy, auc, int(np.mean(widths)), time.perf_counter() - start)


def main() -> None:
    """Measure every variant and report."""
    options = arguments(__doc__)
    read = labelled_reviews(options.quick)
    labels = np.array([LABELS.index(label) for label in read.labels], np.int8)
    reviews = LabelledReviews(read.texts, labels, read.groups)
    params = Params.load().model
    wanted = re.compile(options.only or "")
    rows = variants(params)
    unlabelled = REAL_DATA / "imdb_unlabelled.csv.xz"
    if options.quick:
        rows |= with_unlabelled(params, read.texts, reviews)
    elif unlabelled.exists():
        rows |= with_unlabelled(params, read_texts([unlabelled]), reviews)
    figures: dict[str, object] = {"reviews": f"{len(reviews.texts):,} of {read.name}"}
    print("| variant | accuracy | AUC | features | seconds for five folds |\n|---|---|---|---|---|")
    for name, make in rows.items():
        if not wanted.search(name):
            continue
        try:
            result = cross_validate(reviews, make)
        except LanguageDataMissing as missing:
            print(f"| {name} | not measured: {missing} |")
            continue
        figures[name] = result._asdict()
        print(f"| {name} | {result.accuracy:.2%} | {result.auc:.4f} | {result.features:,} | {result.seconds:.0f} |")
    report(figures, {}, {}, options.json)


if __name__ == "__main__":
    main()
