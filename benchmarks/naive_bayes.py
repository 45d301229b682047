"""The shipped model as a pipeline of scikit-learn estimators over a matrix of all n-grams.

The product trains without this matrix (`sentiment_core/training/classifier.py`). Variants that change one step of the
recipe need the steps.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import check_is_fitted, validate_data

from sentiment_core.params import ModelParams
from sentiment_core.training.vectorizer import NgramVectorizer


def build_pipeline(params: ModelParams) -> Pipeline:
    """Return the unfitted pipeline of two labels."""
    ngrams = NgramVectorizer(
        params.shortest_ngram,
        params.longest_ngram,
        params.min_texts,
        params.negation_reach,
        stop_words=params.stop_words,
        lemmatize=params.lemmatize,
    )
    weighting = NaiveBayesTfidf(params.smoothing, params.power, params.features)
    return Pipeline([("ngrams", ngrams), ("weighting", weighting), ("classifier", logistic_regression(params.C))])


def logistic_regression(inverse_regularization: float) -> LogisticRegression:
    """Return scikit-learn's logistic regression, with a solver that stops early."""
    return LogisticRegression(C=inverse_regularization, solver="liblinear", tol=0.03)


class NaiveBayesTfidf(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Weight n-grams by how rare they are and how well they separate the classes, as `NgramClassifier` does.

    Learned: `kept_`, the ascending indices of the selected features, and the scale of each, `scales_`.
    """

    def __init__(self, smoothing: float = 1.0, power: float = 0.7, features: int = 200_000) -> None:
        self.smoothing = smoothing
        self.power = power
        self.features = features

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Learn from an array of shape (n_texts, n_features) of presences, and the texts' classes."""
        rows, classes = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        rows = csr_array(rows)
        known, numbers = np.unique(classes, return_inverse=True)
        lengths = row_norms(rows)
        lengths = np.where(lengths, lengths, 1)
        shares = np.eye(len(known))[numbers] * (lengths.mean() / lengths)[:, np.newaxis]
        counts: NDArray[np.float64] = (rows.T @ shares).T + self.smoothing
        others = counts.sum(axis=0) - counts
        ratios = np.log(counts / counts.sum(axis=1, keepdims=True)) - np.log(others / others.sum(axis=1, keepdims=True))
        ratio = np.abs(ratios).max(axis=0)
        rank = ratio * np.sqrt(counts.sum(axis=0))
        self.kept_ = np.sort(np.argsort(-rank, kind="stable")[: self.features])
        texts = np.bincount(rows.indices, minlength=rows.shape[1])[self.kept_]
        idf = np.log((1 + rows.shape[0]) / (1 + texts)) + 1
        self.scales_ = idf * ratio[self.kept_] ** self.power
        return self

    def transform(self, X: Any) -> csr_array:  # noqa: N803
        """Return a float64 array of shape (n_texts, n_kept)."""
        check_is_fitted(self)
        rows = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        kept = normalize(csr_array(rows)[:, self.kept_])
        kept.data *= self.scales_[kept.indices]
        return csr_array(kept)
