"""Compile every kernel into Numba's cache: run `python -m sentiment_core.warmup` once after installation.

With cached kernels a process scores its first text in well under a second. Without them it first compiles for about
twenty seconds.
"""

import io
from datetime import date

import numpy as np

from sentiment_core.aspects.catalogue import Aspects
from sentiment_core.aspects.opinions import OpinionFinder
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drivers.drivers import find_drivers
from sentiment_core.drivers.reviews import Batch, ReviewId
from sentiment_core.drops.csv_records import Dialect, read_records
from sentiment_core.drops.deduplication import Deduplicator, review_keys
from sentiment_core.drops.header import Header
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import Validator
from sentiment_core.languages.identification import identify, identify_text
from sentiment_core.loading import binary_copy
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Calibration, TextRecipe, Thresholds, TrainingData
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.class_counts import BUCKET_BITS, Pairs, bucket_sizes, count_classes, scatter
from sentiment_core.ngrams.distinct import DistinctNgrams, distinct_ngrams
from sentiment_core.ngrams.document_frequencies import document_frequencies
from sentiment_core.ngrams.logistic_loss import many_classes, two_classes, write_margins
from sentiment_core.ngrams.lookup import features
from sentiment_core.settings import settings
from sentiment_core.text.codepoints import UNICODE_VERSION
from sentiment_core.text.specification import RECIPE_VERSION, identity, token_hash
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.text.vocabulary import vocabulary

SAMPLE = (
    "review_title,review,review_id,rating,reviewed_at,language,more\n"
    'Good,"Not a fine ""thing"",\nand café: &lt;&#51;.",r1,5,2026-11-16,en,x\n'
)


def compile_kernels() -> None:
    """Run a sample through every kernel.

    One review goes from the bytes of a file to COPY, one text to its explanation, and one text to training features.
    """
    scorer = Scorer(_small_bundle())
    # Without canonical tokens, scoring a single text uses a separate kernel.
    Scorer(_small_bundle(canonical=False)).score_text(SAMPLE)
    for block in read_records(io.BytesIO(SAMPLE.encode()), Dialect(), 1 << 16, 1 << 16, "the sample"):
        header = Header(block.fields(0), Rules(settings()), "the sample")
        batch, _ = Validator(header, Rules(settings()), block.raw(0)).validate(block.records(1))
        scores = scorer.score(batch.text)
        binary_copy.encode_rows([binary_copy.texts(batch.text), binary_copy.numbers(scores.score.astype(np.float32))])
        binary_copy.encode_rows(
            [binary_copy.texts(batch.text.take(np.zeros(1, np.int64))), binary_copy.documents(batch.extra)]
        )
        Deduplicator(lambda _: {}).candidates(review_keys("", batch.language))
        batch.language.codes()
    identify(TextColumn.from_texts([SAMPLE]))
    identify_text(SAMPLE)
    scorer.score_texts([SAMPLE])
    scorer.explain(SAMPLE)
    scorer.unknown_shares(TextColumn.from_texts([SAMPLE]))
    scorer.reasons(TextColumn.from_texts([SAMPLE]), 1)
    find_drivers(scorer, _sample_reviews, _sample_reviews, 1)
    OpinionFinder(scorer, Aspects(("any",), (("fine",),))).find(TextColumn.from_texts([SAMPLE]))
    tokens = TokenPipeline(negation_reach=1).tokens(TextColumn.from_texts([SAMPLE]))
    ngrams = document_frequencies(tokens, 1, 1).ngrams
    present = features(tokens, 1, 1, vocabulary(ngrams, np.arange(len(ngrams), dtype=np.uint32)))
    write_margins(*present, np.zeros((len(ngrams), 1), np.float32), np.empty((1, 1)))
    _compile_training(distinct_ngrams(tokens, 1, 1))


def _compile_training(grams: DistinctNgrams) -> None:
    """Run the n-grams of one text through the kernels of training."""
    sizes = np.zeros(1 << BUCKET_BITS, np.int64)
    bucket_sizes(grams.hashes, sizes)
    count = len(grams.hashes)
    pairs = Pairs(np.empty(count, np.uint64), np.empty(count, np.uint32), np.array([0, count]))
    scatter(grams, 0, BUCKET_BITS, 0, np.cumsum(sizes) - sizes, pairs)
    count_classes(pairs, np.ones((1, 2)), 1, np.full(2, 0.5), 1.0, 1, 0.0)
    rows = (np.zeros(1, np.int32), np.array([0, 1]), np.zeros(1, np.int8), np.ones(1))
    for loss, margins in ((two_classes, 1), (many_classes, 3)):
        scaled, gradient = np.zeros((1, margins), np.float32), np.zeros((1, margins))
        loss(*rows, scaled, np.zeros(margins), gradient, np.zeros(margins))


def _sample_reviews() -> list[Batch]:
    return [Batch([ReviewId(date.min, 0, 1)], [SAMPLE])]


def _small_bundle(*, canonical: bool = True) -> Bundle:
    """Return a one-word model. With `canonical`, one token maps to another, so that scoring uses every kernel."""
    hashes = [token_hash(word) for word in (b"fine", b"thing")]
    return Bundle.create(
        ngrams=np.array([identity(hashes[0])], np.uint64),
        weights=np.ones((1, 1), np.float32),
        tokens=np.array([identity(hashes[1])][:canonical], np.uint64),
        canonical=np.array(hashes[:canonical], np.uint64),
        provenance={},
        name="warm-up",
        labels=("negative", "positive"),
        languages=(),
        recipe=TextRecipe(
            version=RECIPE_VERSION, unicode=UNICODE_VERSION, shortest_ngram=1, longest_ngram=1, negation_reach=1
        ),
        biases=(0.0,),
        calibration=Calibration(slopes=((1.0,),), intercepts=(0.0,)),
        thresholds=Thresholds(neutral_low=0.5, neutral_high=0.5),
        snapshot=TrainingData(sha256="", rows={}, unlabelled_sha256=None, unlabelled_rows=0),
        training={},
    )


if __name__ == "__main__":
    compile_kernels()
