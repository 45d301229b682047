"""The recipes that experiments compare: each fits scikit-learn estimators from texts to labels."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.experiments.catalogue import ParameterValue, PipelineName, Trial
from sentiment_core.params import ModelParams
from sentiment_core.text.nltk_normalisation import canonical_word
from sentiment_core.training.classifier import NgramClassifier
from sentiment_core.training.train import fit as fit_shipped
from sentiment_core.training.vectorizer import NgramVectorizer


class MostFrequent(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps the features that occur in the most texts. Learned: `kept_`, int64 indices of them, ascending."""

    def __init__(self, features: int = 50_000) -> None:
        self.features = features

    def fit(self, X: csr_array, y: ArrayLike | None = None) -> Self:  # noqa: N803, ARG002 (pipelines pass it)
        """Learn from an array of shape (n_texts, n_features) of presences."""
        texts = np.bincount(X.indices, minlength=X.shape[1])
        self.kept_ = np.sort(np.argsort(-texts, kind="stable")[: self.features])
        return self

    def transform(self, X: csr_array) -> csr_array:  # noqa: N803
        """Return an array of shape (n_texts, n_kept)."""
        check_is_fitted(self)
        return csr_array(X[:, self.kept_])


def fit(
    trial: Trial, reviews: LabelledReviews, shipped: ModelParams, unlabelled: Sequence[str] = ()
) -> Pipeline | NgramClassifier:
    """Return the pipeline of a trial, fitted to reviews; `shipped` is the configuration that a trial may vary.

    Raises `TrainingDataInvalid` and `LanguageDataMissing`.
    """
    if trial.recipe == "shipped":
        return fit_shipped(reviews, shipped.model_copy(update=dict(trial.parameters)), unlabelled)
    return _UNFITTED[trial.recipe](len(reviews.names), trial.parameters).fit(reviews.texts, reviews.labels)


def feature_count(model: Pipeline | NgramClassifier) -> int:
    """Return the number of features of a fitted model."""
    return len(model.ngrams_) if isinstance(model, NgramClassifier) else int(model[-1].n_features_in_)


def _words(labels: int, parameters: Mapping[str, ParameterValue]) -> Pipeline:
    """Return scikit-learn's own vectorizer and logistic regression, as the usual tutorials have them."""
    kind = {"counts": CountVectorizer, "tf-idf": TfidfVectorizer}[str(parameters["weighting"])]
    options: dict[str, Any] = (
        {"tokenizer": _Normalised(), "token_pattern": None} if parameters.get("normalised") else {}
    )
    vectorizer = kind(max_features=parameters["features"], ngram_range=(1, parameters["longest_ngram"]), **options)
    return make_pipeline(vectorizer, _logistic_regression(labels, parameters))


def _tokens(labels: int, parameters: Mapping[str, ParameterValue]) -> Pipeline:
    """Return an algorithm on n-grams of this project's tokens: their presence, or that weighted by TF-IDF."""
    classifier = parameters["classifier"]
    steps: list[Any] = [
        NgramVectorizer(longest=int(parameters["longest_ngram"])),
        MostFrequent(int(parameters["features"])),
    ]
    if parameters["weighting"] == "tf-idf":
        steps.append(TfidfTransformer())
    if classifier == "gradient boosting":
        steps.append(FunctionTransformer(csr_array.toarray, accept_sparse=True))
    return make_pipeline(*steps, _CLASSIFIERS[str(classifier)](labels, parameters))


_UNFITTED: Final[Mapping[PipelineName, Callable[[int, Mapping[str, ParameterValue]], Pipeline]]] = {
    "words": _words,
    "tokens": _tokens,
}


def _logistic_regression(labels: int, parameters: Mapping[str, ParameterValue]) -> LogisticRegression:
    return LogisticRegression(
        C=float(parameters.get("C", 1.0)),
        l1_ratio=1.0 if parameters.get("penalty") == "l1" else 0.0,
        solver="liblinear" if labels == 2 else "saga",  # both know both penalties; the first knows two labels only
        tol=0.01,
        max_iter=1_000,
        random_state=0,
    )


# What draws random numbers draws the same ones each time.
_CLASSIFIERS: Final[Mapping[str, Callable[[int, Mapping[str, ParameterValue]], Any]]] = {
    "logistic regression": _logistic_regression,
    "linear SVM": lambda *_: LinearSVC(C=0.1, random_state=0),
    "naive Bayes": lambda *_: MultinomialNB(),
    "random forest": lambda *_: RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
    "gradient boosting": lambda *_: HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=15, early_stopping=False, random_state=0
    ),
}


class _Normalised:
    """Splits a text as scikit-learn does, leaves NLTK's stop words out and puts WordNet's lemmas for the others."""

    def __init__(self) -> None:
        self._words = CountVectorizer().build_tokenizer()
        self._canonical = canonical_word(stop_words=True, lemmatize=True)
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> list[str]:
        known = self._known
        words = []
        for word in self._words(text):
            canonical = known.get(word)
            if canonical is None:
                canonical = known[word] = self._canonical(word)
            if canonical:
                words.append(canonical)
        return words
