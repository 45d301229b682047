"""What training makes of labelled texts: their tokens and n-grams, the n-grams that are kept, and examples."""

from typing import Any, Final

import joblib
import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.ngrams.distinct import distinct_ngrams
from sentiment_core.ngrams.lookup import features
from sentiment_core.params import ModelParams
from sentiment_core.text.canonical import canonical_tokens
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.text.vocabulary import Vocabulary, vocabulary
from sentiment_core.training.classifier import NgramClassifier
from sentiment_core.training.corpus import Chunk, Corpus
from sentiment_core.training.train import build_classifier

# Fixed sentences, not reviews: the report can be committed and published, and erasures need not search it.
EXAMPLES: Final = (
    "The kettle is quiet and quick. I'd buy it again!",
    "It does not work well, and nobody answers my emails.",
    "Great sound, but the battery is awful :(",
)
NEGATED: Final = "not_"  # marks a token that follows a negation
_SHOWN_FREQUENCIES: Final = (1, 2, 10, 100, 1_000)  # an n-gram is counted at the highest of these that it reaches


def feature_report(reviews: LabelledReviews, params: ModelParams) -> dict[str, Any]:
    """Return the report of a training's texts as a JSON-serializable dictionary. It contains no review text.

    The same texts and configuration give the same report. Raises `TrainingDataInvalid` when a text cannot be used.
    """
    classifier = build_classifier(params, joblib.cpu_count())
    selection = classifier.selected(reviews.texts, reviews.labels, reviews.weights)
    recipe = _recipe(classifier)
    tokens, ngrams = _counts(reviews, recipe, params)
    kept = vocabulary(selection.ngrams, np.arange(len(selection.ngrams), dtype=np.uint32))
    return {
        "texts": len(reviews.texts),
        "labels": reviews.rows,
        "tokens": _summary(tokens),
        "ngrams": _summary(ngrams)
        | {
            "sizes": [params.shortest_ngram, params.longest_ngram],
            "kept": len(selection.ngrams),
            "limit": params.features,
            "min_texts": params.min_texts,
            "ambiguous": selection.ambiguous,
            "kept_by_texts": _by_texts(selection.texts),
        },
        "examples": [_example(text, recipe, params, kept) for text in EXAMPLES],
    }


def _recipe(classifier: NgramClassifier) -> TokenPipeline:
    table = canonical_tokens(classifier.tokens_, classifier.canonical_) if len(classifier.tokens_) else None
    return TokenPipeline(classifier.negation_reach, table)


def _counts(
    reviews: LabelledReviews, recipe: TokenPipeline, params: ModelParams
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of tokens and of distinct n-grams of each of n texts."""

    def count(chunk: Chunk) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        grams = distinct_ngrams(chunk.tokens, params.shortest_ngram, params.longest_ngram)
        return np.diff(chunk.tokens.offsets), np.diff(grams.offsets)

    parts = list(Corpus(reviews.texts, joblib.cpu_count()).each(recipe, count))
    tokens, ngrams = (np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*parts, strict=True))
    return tokens, ngrams


def _summary(counts: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "total": int(counts.sum()),
        "median_per_text": float(np.median(counts)),
        "most_in_a_text": int(counts.max(initial=0)),
    }


def _by_texts(texts: NDArray[np.int64]) -> dict[str, int]:
    """Return the number of n-grams by the number of texts in which they occur."""
    reached = np.searchsorted(_SHOWN_FREQUENCIES, texts, "right") - 1
    counts = np.bincount(reached, minlength=len(_SHOWN_FREQUENCIES)).tolist()
    return {f"{least} or more": count for least, count in zip(_SHOWN_FREQUENCIES, counts, strict=True)}


def _example(text: str, recipe: TokenPipeline, params: ModelParams, kept: Vocabulary) -> dict[str, Any]:
    column = TextColumn.from_texts([text])
    tokens, spans = recipe.tokens_with_spans(column)
    plain = recipe._replace(negation_reach=0).tokens(column)
    encoded = text.encode()
    words = [encoded[first:end].decode() for first, end in spans.tolist()]
    negated = (tokens.hashes != plain.hashes).tolist()
    sizes = params.shortest_ngram, params.longest_ngram
    return {
        "text": text,
        "tokens": [NEGATED * mark + word.lower() for mark, word in zip(negated, words, strict=True)],
        "ngrams": int(distinct_ngrams(tokens, *sizes).offsets[-1]),
        "kept": int(features(tokens, *sizes, kept).offsets[-1]),
    }
