"""Token pipeline: from texts to the tokens of a model's n-grams. Training, scoring and explanations share it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.text.canonical import CanonicalTokens, canonicalised
from sentiment_core.text.negation import negate
from sentiment_core.text.specification import RECIPE_VERSION
from sentiment_core.text.tokenizer import TokenColumn, hash_tokens, token_spans


class TokenPipeline(NamedTuple):
    """The token steps of a model's text recipe: tokenization, canonicalisation, then negation."""

    negation_reach: int = 0
    canonical: CanonicalTokens | None = None
    version: int = RECIPE_VERSION

    def tokens(self, texts: TextColumn) -> TokenColumn:
        """Return the tokens of each text."""
        tokens = hash_tokens(texts, self.version, stems=self.version >= 4)
        if self.canonical:
            tokens, _ = canonicalised(tokens, self.canonical)
        negate(tokens, self.negation_reach)
        return tokens

    def tokens_with_spans(self, texts: TextColumn) -> tuple[TokenColumn, NDArray[np.int64]]:
        """Return the tokens of each text, and the first and end byte of each token in the column's data."""
        tokens, spans = token_spans(texts, self.version, stems=self.version >= 4)
        if self.canonical:
            tokens, kept = canonicalised(tokens, self.canonical)
            spans = spans[kept]
        negate(tokens, self.negation_reach)
        return tokens, spans
