"""Compiles every kernel into Numba's cache: `python -m sentiment_core.warmup`, once after an installation.

A process that finds its kernels in the cache scores its first text in well under a second; without, it compiles for
some twenty seconds.
"""

import io

import numpy as np

from sentiment_core import copying
from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.contract import Header
from sentiment_core.records import read_records
from sentiment_core.scorer import Scorer
from sentiment_core.settings import settings
from sentiment_core.validation import Validator

SAMPLE = 'review,rating\n"A fine ""thing"", and café.",5\n'


def compile_kernels() -> None:
    """Take one review all the way from the bytes of a file to COPY, and one text to its explanation."""
    scorer = Scorer(Bundle.load(STARTER))
    for block in read_records(io.BytesIO(SAMPLE.encode()), ",", 1 << 16, 1 << 16, "the sample"):
        header = Header(block.fields(0), settings().text_columns, "the sample")
        batch, _ = Validator(header, len(SAMPLE)).validate(block.skip(1))
        scores = scorer.score(batch.text)
        copying.encode_rows([copying.texts(batch.text), copying.numbers(scores.score.astype(np.float32))])
        copying.encode_rows([copying.texts(batch.text.take(np.zeros(1, np.int64)))])
    scorer.score_texts([SAMPLE])
    scorer.explain(SAMPLE)


if __name__ == "__main__":
    compile_kernels()
