"""The shipped model as a scikit-learn classifier: logistic regression on weighted n-grams, in bounded memory."""

from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.ngrams.logistic_loss import write_margins
from sentiment_core.ngrams.lookup import features as features_of
from sentiment_core.ngrams.lookup import unknown_shares
from sentiment_core.text.canonical import canonical_tokens
from sentiment_core.text.nltk_normalisation import canonical_table
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.text.vocabulary import Vocabulary, vocabulary
from sentiment_core.training.base_weights import BaseWeights
from sentiment_core.training.corpus import Chunk, Corpus
from sentiment_core.training.feature_selection import Selection, Sizes, class_shares, select, survey
from sentiment_core.training.logistic_regression import LinearModel, PresenceRows, Stopping, fit_logistic
from sentiment_core.training.vectorizer import checked_texts

_INDICES_PER_PART: Final = 1 << 20


class NgramClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on n-grams weighted by how rare they are and how well they separate the labels.

    The value of a selected n-gram in a text is 1 / sqrt(n) if the text has n selected n-grams, times idf, times the
    naive-Bayes log-count ratio (S. Wang and C. Manning, ACL 2012) to some power. A power below 1 trusts large ratios
    less. Of three labels, an n-gram has one ratio for positive against negative, and one for neutral against both
    (`logistic_regression.contrasts`).

    Parameters: those of `ModelParams`, and `memory` (bytes) for counting, `threads`, which do not affect the result.

    Learned, for m selected n-grams: `classes_`; `ngrams_`, uint64 of shape (m,), ascending: their identities;
    `scales_`, float64 of shape (m, contrasts), the weighting; `intercept_`, as of scikit-learn's
    `LogisticRegression`; `weights_`, float32 of shape (margins, m): what each n-gram adds to a margin, times sqrt(n);
    `tokens_` and `canonical_`, the canonical tokens (`text/nltk_normalisation.py`); `ambiguous_`, the number of n-grams
    that are left out because another one has the same identity.
    """

    def __init__(
        self,
        shortest_ngram: int = 1,
        longest_ngram: int = 3,
        min_texts: int = 2,
        negation_reach: int = 3,
        stop_words: bool = False,
        lemmatize: bool = False,
        smoothing: float = 1.0,
        power: float = 0.7,
        features: int = 200_000,
        C: float = 1.0,  # noqa: N803 (scikit-learn's name)
        tolerance: float = 1e-4,
        iterations: int = 100,
        unlabelled_weight: float = 1.0,
        memory: int = 1 << 30,
        threads: int = 1,
    ) -> None:
        self.shortest_ngram = shortest_ngram
        self.longest_ngram = longest_ngram
        self.min_texts = min_texts
        self.negation_reach = negation_reach
        self.stop_words = stop_words
        self.lemmatize = lemmatize
        self.smoothing = smoothing
        self.power = power
        self.features = features
        self.C = C
        self.tolerance = tolerance
        self.iterations = iterations
        self.unlabelled_weight = unlabelled_weight
        self.memory = memory
        self.threads = threads

    def fit(
        self,
        X: Sequence[str],  # noqa: N803
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        unlabelled: Sequence[str] = (),
        base: BaseWeights | None = None,
    ) -> Self:
        """Learn from texts and their classes.

        Unlabelled texts count in the naive-Bayes counts with the probabilities that a first model, fitted to the
        labelled texts alone, predicts (expectation-maximisation: K. Nigam et al., Machine Learning, 2000; one round).
        With a `base`, the model starts from the weights of another one and learns what the texts add to them. Raises
        `TrainingDataInvalid` when no n-gram occurs in `min_texts` texts.
        """
        self._base = base
        corpus, numbers, weights = self._read(X, y, sample_weight)
        texts = corpus.texts
        self._learn(corpus, corpus, self._known_classes(numbers, weights), numbers, weights)
        if len(unlabelled) and self.unlabelled_weight:
            predicted = self.unlabelled_weight * self.predict_proba(unlabelled)
            together = Corpus([*texts, *unlabelled], self.threads)
            probabilities = np.concatenate((self._known_classes(numbers, weights), predicted))
            self._learn(corpus, together, probabilities, numbers, weights)
        return self

    def selected(self, X: Sequence[str], y: ArrayLike, sample_weight: ArrayLike | None = None) -> Selection:  # noqa: N803
        """Return the n-grams that `fit` would select, without fitting their coefficients."""
        corpus, numbers, weights = self._read(X, y, sample_weight)
        return self._select(corpus, self._known_classes(numbers, weights), len(corpus.texts))

    def decision_function(self, X: Sequence[str]) -> NDArray[np.float64]:  # noqa: N803
        """Return the margins, of shape (n,) for two classes and (n, classes) for more."""
        check_is_fitted(self)
        weights = np.ascontiguousarray(self.weights_.T)

        def margins_of(chunk: Chunk) -> NDArray[np.float64]:
            present = features_of(chunk.tokens, *self._sizes, self._vocabulary)
            margins = np.empty((len(present.offsets) - 1, weights.shape[1]))
            write_margins(*present, weights, margins)
            return margins

        found = Corpus(checked_texts(X), self.threads).each(self._recipe(), margins_of)
        values = np.concatenate([np.empty((0, len(self.intercept_))), *found]) + self.intercept_
        return values[:, 0] if len(self.intercept_) == 1 else values

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:  # noqa: N803
        """Return the probability of each class, of shape (n, classes)."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            logits = np.stack((np.zeros_like(logits), logits), axis=1)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Sequence[str]) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each of n texts."""
        most_probable = self.predict_proba(X).argmax(axis=1)
        classes: NDArray[Any] = self.classes_[most_probable]
        return classes

    def unknown_shares(self, X: Sequence[str]) -> NDArray[np.float64]:  # noqa: N803
        """Return the fraction of each text's n-grams that are not selected ones, of shape (n,)."""
        known, sizes = self._vocabulary, self._sizes
        corpus = Corpus(checked_texts(X), self.threads)
        found = corpus.each(self._recipe(), lambda chunk: unknown_shares(chunk.tokens, *sizes, known))
        return np.concatenate([np.empty(0), *found])

    def scale_weights(self, X: Sequence[str], scales: NDArray[np.float64]) -> None:  # noqa: N803
        """Multiply the weights of each n-gram by the mean scale of the texts that contain it.

        `scales`, of shape (n,), has a scale for each of n texts. An n-gram that none of them contains keeps its
        weights. The intercepts stay the same.
        """
        known, sizes, count, row = self._vocabulary, self._sizes, len(self.ngrams_), 0
        texts, total = np.zeros(count, np.int64), np.zeros(count)
        corpus = Corpus(checked_texts(X), self.threads)
        for found in corpus.each(self._recipe(), lambda chunk: features_of(chunk.tokens, *sizes, known)):
            lengths = np.diff(found.offsets)
            texts += np.bincount(found.indices, minlength=count)
            total += np.bincount(found.indices, np.repeat(scales[row : row + len(lengths)], lengths), count)
            row += len(lengths)
        mean = np.divide(total, texts, out=np.ones(count), where=texts > 0)
        np.multiply(self.weights_, mean, out=self.weights_, casting="same_kind")

    def _read(
        self,
        X: Sequence[str],  # noqa: N803
        y: ArrayLike,
        sample_weight: ArrayLike | None,
    ) -> tuple[Corpus, NDArray[np.int8], NDArray[np.float64]]:
        """Learn the classes and the canonical tokens; return the texts, their classes as numbers, and their weights."""
        corpus = Corpus(checked_texts(X), self.threads)
        self.classes_, found = np.unique(np.asarray(y), return_inverse=True)
        weights = np.ones(len(corpus.texts)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.tokens_, self.canonical_ = canonical_table(corpus.columns(), self.stop_words, self.lemmatize)
        return corpus, found.astype(np.int8), weights

    def _known_classes(self, numbers: NDArray[np.int8], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted probabilities of the classes of n labelled texts, of shape (n, classes)."""
        probabilities = np.eye(len(self.classes_))[numbers]
        probabilities *= weights[:, np.newaxis]
        return probabilities

    def _learn(
        self,
        corpus: Corpus,
        counted: Corpus,
        probabilities: NDArray[np.float64],
        numbers: NDArray[np.int8],
        weights: NDArray[np.float64],
    ) -> None:
        """Select n-grams by the counts of one corpus, and fit the coefficients to another, whose texts it begins with.

        `probabilities`, of shape (counted texts, classes), are weighted. They are overwritten.
        """
        learned = len(corpus.texts)
        selection = self._select(counted, probabilities, learned)
        if not len(selection.ngrams):
            raise TrainingDataInvalid(
                why=f"no n-gram occurs in at least {self.min_texts} of the {learned} texts. Add rows, or "
                "lower min_texts"
            )
        idf = np.log((1 + learned) / (1 + selection.texts)) + 1
        self.ngrams_, self.ambiguous_ = selection.ngrams, selection.ambiguous
        self.scales_ = idf[:, np.newaxis] * selection.ratios**self.power
        if self._base:
            self.ngrams_ = _union(selection.ngrams, self._base.ngrams)
            # An n-gram of the base that is not selected keeps its weight.
            scales = np.zeros((len(self.ngrams_), self.scales_.shape[1]))
            scales[np.searchsorted(self.ngrams_, selection.ngrams)] = self.scales_
            self.scales_ = scales
        self._vocabulary: Vocabulary = vocabulary(self.ngrams_, np.arange(len(self.ngrams_), dtype=np.uint32))
        rows, stopping = self._rows(corpus, selection), Stopping(self.tolerance, self.iterations)
        if self._base:
            start = self._base.spread(self.ngrams_)
            # In most trainings few n-grams of the base occur. The solver gets only these.
            occurring = _renumber(rows.indices, len(self.ngrams_))
            prior, scales = LinearModel(start.weights[:, occurring], start.intercepts), self.scales_[occurring]
            added = fit_logistic(rows, numbers, weights, scales, self.C, stopping, self.threads, prior)
            start.weights[:, occurring] += added.weights
            found = LinearModel(start.weights, start.intercepts + added.intercepts)
        else:
            found = fit_logistic(rows, numbers, weights, self.scales_, self.C, stopping, self.threads)
        self.weights_, self.intercept_ = found.weights.astype(np.float32), found.intercepts

    def _select(self, corpus: Corpus, probabilities: NDArray[np.float64], learned: int) -> Selection:
        surveyed = survey(corpus, self._recipe(), self._sizes)
        return select(
            corpus,
            self._recipe(),
            self._sizes,
            surveyed,
            class_shares(surveyed.lengths, probabilities, learned),
            learned,
            smoothing=self.smoothing,
            min_texts=self.min_texts,
            features=self.features,
            memory=self.memory,
        )

    def _rows(self, corpus: Corpus, selection: Selection) -> PresenceRows:
        numbered, sizes = self._vocabulary, self._sizes
        present = int(selection.texts.sum())
        if self._base:
            found_by_chunk = corpus.each(self._recipe(), lambda chunk: features_of(chunk.tokens, *sizes, numbered))
            present = sum(len(found.indices) for found in found_by_chunk)
        indices = np.empty(present, np.int32)
        offsets = np.zeros(len(corpus.texts) + 1, np.int64)
        row = 0
        for found in corpus.each(self._recipe(), lambda chunk: features_of(chunk.tokens, *sizes, numbered)):
            more = len(found.offsets) - 1
            offsets[row : row + more + 1] = offsets[row] + found.offsets
            indices[offsets[row] : offsets[row + more]] = found.indices
            row += more
        return PresenceRows(indices, offsets)

    def _recipe(self) -> TokenPipeline:
        table = canonical_tokens(self.tokens_, self.canonical_) if len(self.tokens_) else None
        return TokenPipeline(self.negation_reach, table)

    @property
    def _sizes(self) -> Sizes:
        return Sizes(self.shortest_ngram, self.longest_ngram)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _union(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the values of two ascending arrays without repetition, ascending.

    A stable sort merges two ascending arrays in linear time. `np.union1d` hashes, which takes 100 times as long.
    """
    merged = np.sort(np.concatenate((left, right)), kind="stable")
    distinct: NDArray[np.uint64] = merged[np.append(True, merged[1:] != merged[:-1])]
    return distinct


def _renumber(indices: NDArray[np.int32], features: int) -> NDArray[np.int64]:
    """Give the features that occur in `indices` new numbers from 0, in place and in order. Return the old numbers."""
    # numpy copies an index array to int64, so it gets a part at a time.
    parts = [indices[start : start + _INDICES_PER_PART] for start in range(0, len(indices), _INDICES_PER_PART)]
    occurs = np.zeros(features, bool)
    for part in parts:
        occurs[part] = True
    numbers = np.cumsum(occurs, dtype=np.int32) - 1
    for part in parts:
        part[:] = numbers[part]
    return np.flatnonzero(occurs)
