"""scikit-learn estimators over the text recipe: n-grams of hashed tokens, and their naive-Bayes weighting."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from sentiment_core.columns import TextColumn
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.frequencies import document_frequencies, has_collision
from sentiment_core.kernel import Hashes, TokenColumn, hash_tokens
from sentiment_core.ngrams import features, vocabulary
from sentiment_core.text import CHECK_SEED


class NgramVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Tells which n-grams occur in each text.

    Parameters: `shortest` and `longest`, n-gram sizes in tokens; `min_texts`, in how many texts an n-gram must occur
    to be a feature. Learned: `hashes_`, uint64 of shape (n_features,), ascending: feature j is the n-gram of hash j.
    """

    def __init__(self, shortest: int = 1, longest: int = 3, min_texts: int = 2) -> None:
        self.shortest = shortest
        self.longest = longest
        self.min_texts = min_texts

    def fit(self, texts: Sequence[str], y: ArrayLike | None = None) -> Self:  # noqa: ARG002 (pipelines pass it)
        """Learn the features from texts. Raises `TrainingDataInvalid` when there are none, or two share a hash."""
        column = TextColumn.from_texts(texts)
        self._learn(column, hash_tokens(column))
        return self

    def transform(self, texts: Sequence[str]) -> scipy.sparse.csr_array:
        """Return a float64 array of shape (n_texts, n_features): 1 where the n-gram occurs in the text."""
        check_is_fitted(self)
        return self._matrix(hash_tokens(TextColumn.from_texts(texts)))

    def fit_transform(self, texts: Sequence[str], y: ArrayLike | None = None) -> scipy.sparse.csr_array:  # noqa: ARG002
        """Learn the features and return the texts' array, reading them once."""
        column = TextColumn.from_texts(texts)
        tokens = hash_tokens(column)
        self._learn(column, tokens)
        return self._matrix(tokens)

    def _learn(self, column: TextColumn, tokens: TokenColumn) -> None:
        kept = []
        for size in range(self.shortest, self.longest + 1):
            hashes, texts = document_frequencies(tokens, size)
            kept.append(hashes[texts >= self.min_texts])
        ngrams: Hashes = np.sort(np.concatenate(kept))
        if len(ngrams) == 0:
            raise TrainingDataInvalid(why=f"no n-gram occurs in {self.min_texts} of {len(column.offsets) - 1} texts")
        known = vocabulary(ngrams)
        if has_collision(tokens, hash_tokens(column, CHECK_SEED), self.shortest, self.longest, known):
            raise TrainingDataInvalid(why="two of its n-grams have one hash; change SEED in sentiment_core/text.py")
        self.hashes_ = ngrams

    def _matrix(self, tokens: TokenColumn) -> scipy.sparse.csr_array:
        known = vocabulary(self.hashes_)
        indices, begins = features(tokens, self.shortest, self.longest, known)
        shape = (len(begins) - 1, len(self.hashes_))
        matrix = scipy.sparse.csr_array((np.ones(len(indices)), indices, begins), shape=shape)
        matrix.sort_indices()
        return matrix


class NaiveBayesWeighting(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Brings rows to length 1 and scales features by their naive-Bayes log-count ratios (Wang and Manning, ACL 2012).

    Parameters: `smoothing`, added to each count; `features`, how many are kept: those of the largest ratio times the
    root of their frequency. Learned: `kept_`, int64 indices of them, ascending; `ratios_`, float64, one each.
    """

    def __init__(self, smoothing: float = 1.0, features: int = 500_000) -> None:
        self.smoothing = smoothing
        self.features = features

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Learn the ratios from an array of shape (n_texts, n_features), none negative, and the texts' classes.

        The largest class is positive, all others are negative.
        """
        rows, classes = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_non_negative(rows, "NaiveBayesWeighting")
        positive: NDArray[np.bool_] = classes == np.max(classes)
        for_it, against = (
            self.smoothing + np.asarray(rows[chosen].sum(axis=0)).ravel() for chosen in (positive, ~positive)
        )
        ratios = np.log(for_it / for_it.sum()) - np.log(against / against.sum())
        rank = np.abs(ratios) * np.sqrt(for_it + against)
        self.kept_ = np.sort(np.argsort(-rank, kind="stable")[: self.features])
        self.ratios_ = ratios[self.kept_]
        return self

    def transform(self, X: Any) -> scipy.sparse.csr_array:  # noqa: N803
        """Return a float64 array of shape (n_texts, n_kept)."""
        check_is_fitted(self)
        rows = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        kept = normalize(scipy.sparse.csr_array(rows)[:, self.kept_])
        return scipy.sparse.csr_array(kept.multiply(self.ratios_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        return tags
