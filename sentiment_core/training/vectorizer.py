"""scikit-learn estimators over the text recipe: n-grams of hashed tokens, and their naive-Bayes-weighted TF-IDF."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils import Tags
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.ngrams.document_frequencies import document_frequencies
from sentiment_core.ngrams.lookup import features, unknown_shares
from sentiment_core.text.canonical import canonical_tokens
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.nltk_normalisation import canonical_table
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import vocabulary


class NgramVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Tells which n-grams occur in each text.

    Parameters: `shortest` and `longest`, n-gram sizes in tokens; `min_texts`, in how many texts an n-gram must occur
    to be a feature; `negation_reach`, how many tokens after a negation are others (`specification.py`); `stop_words`,
    whether NLTK's English stop words are left out; `lemmatize`, whether WordNet's lemmas stand for the words.

    Learned: `ngrams_`, uint64 of shape (n_features,), ascending: the identity of each feature's n-gram; `tokens_` and
    `canonical_`, the tokens that others stand for and those (`text/nltk_normalisation.py`), in training and ever after;
    `ambiguous_`, how many n-grams were left out because another one has the same identity.
    """

    def __init__(
        self,
        shortest: int = 1,
        longest: int = 3,
        min_texts: int = 2,
        negation_reach: int = 3,
        stop_words: bool = False,
        lemmatize: bool = False,
    ) -> None:
        self.shortest = shortest
        self.longest = longest
        self.min_texts = min_texts
        self.negation_reach = negation_reach
        self.stop_words = stop_words
        self.lemmatize = lemmatize

    def fit(self, X: Iterable[str], y: ArrayLike | None = None) -> Self:  # noqa: N803, ARG002 (pipelines pass it)
        """Learn the features from texts. Raises `TrainingDataInvalid` when there are none."""
        self._learn(_column(X))
        return self

    def transform(self, X: Iterable[str]) -> csr_array:  # noqa: N803
        """Return a float64 array of shape (n_texts, n_features): 1 where the n-gram occurs in the text."""
        check_is_fitted(self)
        return self._rows(self._recipe().tokens(_column(X)))

    def fit_transform(self, X: Iterable[str], y: ArrayLike | None = None) -> csr_array:  # noqa: N803, ARG002
        """Learn the features and return the texts' array, reading them once."""
        return self._rows(self._learn(_column(X)))

    def unknown_shares(self, X: Iterable[str], kept: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: N803
        """Return for each text the share of its n-grams that are none of the kept features, given by their indices."""
        known = vocabulary(self.ngrams_[kept], np.zeros(len(kept), np.uint32))
        return unknown_shares(self._recipe().tokens(_column(X)), self.shortest, self.longest, known)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the features' names: their identities in hexadecimal, for an n-gram's text is not kept."""
        del input_features
        check_is_fitted(self)
        return np.array([f"{ngram:012x}" for ngram in self.ngrams_.tolist()], object)

    def _learn(self, column: TextColumn) -> TokenColumn:
        """Learn from texts and return their tokens."""
        self.tokens_, self.canonical_ = canonical_table(column, self.stop_words, self.lemmatize)
        tokens = self._recipe().tokens(column)
        found = document_frequencies(tokens, self.shortest, self.longest)
        frequent = found.texts >= self.min_texts
        self.ambiguous_ = int(np.count_nonzero(frequent & found.ambiguous))
        self.ngrams_: Hashes = found.ngrams[frequent & ~found.ambiguous]
        if len(self.ngrams_) == 0:
            raise TrainingDataInvalid(
                why=f"no n-gram occurs in at least {self.min_texts} of the {column.size} texts. Add rows, or "
                "lower min_texts"
            )
        return tokens

    def _recipe(self) -> TokenPipeline:
        table = canonical_tokens(self.tokens_, self.canonical_) if len(self.tokens_) else None
        return TokenPipeline(self.negation_reach, table)

    def _rows(self, tokens: TokenColumn) -> csr_array:
        indices, begins = features(
            tokens, self.shortest, self.longest, vocabulary(self.ngrams_, np.arange(len(self.ngrams_), dtype=np.uint32))
        )
        return csr_array((np.ones(len(indices)), indices, begins), shape=(len(begins) - 1, len(self.ngrams_)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class NaiveBayesTfidf(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Weighs n-grams by how rare they are and how well they tell the classes apart.

    A row is what it has of the kept features, brought to length 1, times idf, times the naive-Bayes log-count ratio
    (S. Wang and C. Manning, ACL 2012) to some power. A power below 1 trusts large ratios less. The ratio is that of one
    class against all others, where it is the largest; a text counts for less, the more n-grams it has.

    Parameters: `smoothing`, added to each count; `power`, of the ratio; `features`, how many are kept: those of the
    largest ratio times the root of their count. Learned: `kept_`, int64 indices of them, ascending; `scales_`, float64,
    one each.
    """

    def __init__(self, smoothing: float = 1.0, power: float = 0.7, features: int = 200_000) -> None:
        self.smoothing = smoothing
        self.power = power
        self.features = features

    def fit(
        self,
        X: Any,  # noqa: N803
        y: ArrayLike,
        unlabelled: csr_array | None = None,
        probabilities: NDArray[np.float64] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from an array of shape (n_texts, n_features) of presences, and the texts' classes.

        Texts without labels may help to count: an array of shape (m_texts, n_features), and the probability that
        another model gives each class for each of them, of shape (m_texts, n_classes). `weights` has one
        weight a text, and None means 1.
        """
        rows, classes = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_non_negative(rows, "NaiveBayesTfidf")
        rows = csr_array(rows)
        known, numbers = np.unique(classes, return_inverse=True)
        lengths = _lengths(rows)
        usual = lengths.mean()
        shares = usual / lengths * (1 if weights is None else weights)
        counts = _sums(rows, np.eye(len(known))[numbers] * shares[:, np.newaxis])
        if unlabelled is not None and probabilities is not None:
            counts = counts + _sums(unlabelled, probabilities * (usual / _lengths(unlabelled))[:, np.newaxis])
        counts = counts + self.smoothing
        others = np.maximum(counts.sum(axis=0) - counts, self.smoothing)
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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        return tags


def _lengths(rows: csr_array) -> NDArray[np.float64]:
    """Return the Euclidean length of each row, 1 for a row of nothing."""
    lengths: NDArray[np.float64] = row_norms(rows)
    return np.where(lengths, lengths, 1)


def _sums(rows: csr_array, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns' sums in each class, of shape (classes, features), for shares of shape (rows, classes)."""
    sums: NDArray[np.float64] = rows.T @ shares
    return sums.T


def _column(texts: Iterable[str]) -> TextColumn:
    """Encode texts. Raises `ValueError` for a single string and `TypeError` for what is no text."""
    if isinstance(texts, str):
        # What scikit-learn's own vectorizers raise.
        raise ValueError("Iterable over raw text documents expected, string object received.")  # noqa: TRY004
    listed: Sequence[str] = texts if isinstance(texts, list) else list(texts)
    for text in listed:
        if not isinstance(text, str):
            raise TypeError(f"Texts must be strings, and one is {type(text).__name__}.")
    return TextColumn.from_texts(listed)
