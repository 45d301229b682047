"""A scikit-learn transformer over the text recipe: which n-grams of hashed tokens occur in each text."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.ngrams.document_frequencies import document_frequencies
from sentiment_core.ngrams.lookup import features
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

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the features' names: their identities in hexadecimal, for an n-gram's text is not kept."""
        del input_features
        check_is_fitted(self)
        return np.array([f"{ngram:012x}" for ngram in self.ngrams_.tolist()], object)

    def _learn(self, column: TextColumn) -> TokenColumn:
        """Learn from texts and return their tokens."""
        self.tokens_, self.canonical_ = canonical_table([column], self.stop_words, self.lemmatize)
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


def checked_texts(texts: Iterable[str]) -> Sequence[str]:
    """Return texts as a sequence. Raises `ValueError` for a single string and `TypeError` if one is not a string."""
    if isinstance(texts, str):
        # What scikit-learn's own vectorizers raise.
        raise ValueError("Iterable over raw text documents expected, string object received.")  # noqa: TRY004
    listed: Sequence[str] = texts if isinstance(texts, list) else list(texts)
    for text in listed:
        if not isinstance(text, str):
            raise TypeError(f"Texts must be strings, and one is {type(text).__name__}.")
    return listed


def _column(texts: Iterable[str]) -> TextColumn:
    return TextColumn.from_texts(checked_texts(texts))
