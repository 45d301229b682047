"""The distinct n-grams of each text. Compiled functions (`columnar/compiled.py`)."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.ngrams.lookup import is_break, max_tokens
from sentiment_core.text.hashing import Hashes, combine
from sentiment_core.text.tokenizer import TokenColumn

_NO_STEM: Final = np.uint64(0)


class DistinctNgrams(NamedTuple):
    """The hashes of the distinct n-grams of n texts. Each occurs once per text."""

    hashes: Hashes
    offsets: NDArray[np.int64]  # n + 1


def distinct_ngrams(tokens: TokenColumn, shortest: int, longest: int) -> DistinctNgrams:
    """Return the distinct n-grams of `shortest` to `longest` tokens of each text, and its distinct stems."""
    hashes = np.empty(len(tokens.hashes) * (longest - shortest + 1) + len(tokens.stems), np.uint64)
    offsets = np.empty(len(tokens.offsets), np.int64)
    _distinct(*tokens, shortest, longest, hashes, offsets)
    return DistinctNgrams(hashes[: offsets[-1]], offsets)


@compiled
def _add_new(gram: Any, text: int, seen: Any, seen_in: Any, out: Any, end: int) -> Any:
    """Write an n-gram of a text and return 1, or return 0 if the text had it before. The tables are hash tables."""
    slot = np.int64(gram & np.uint64(len(seen) - 1))
    while seen_in[slot] == text and seen[slot] != gram:
        slot = (slot + 1) & (len(seen) - 1)
    if seen_in[slot] == text:
        return 0
    seen_in[slot] = text
    seen[slot] = gram
    out[end] = gram
    return 1


@compiled
def _distinct(tokens: Any, offsets: Any, stems: Any, shortest: int, longest: int, out: Any, out_offsets: Any) -> None:
    """Write the hashes of each text's distinct n-grams, and the offset of each text's first one."""
    capacity = 2
    while capacity < 2 * max_tokens(offsets) * (longest - shortest + 2):
        capacity *= 2
    seen = np.zeros(capacity, np.uint64)
    seen_in = np.full(capacity, -1, np.int64)
    end = 0
    for text in range(len(offsets) - 1):
        out_offsets[text] = end
        for first in range(offsets[text], offsets[text + 1]):
            gram = tokens[first]
            size = 1
            while True:
                if size >= shortest:
                    end += _add_new(gram, text, seen, seen_in, out, end)
                if size == longest or first + size == offsets[text + 1]:
                    break
                if len(stems) and (is_break(tokens[first]) or is_break(tokens[first + size])):
                    break
                gram = combine(gram, tokens[first + size])
                size += 1
            if len(stems) and stems[first] != _NO_STEM:
                end += _add_new(stems[first], text, seen, seen_in, out, end)
    out_offsets[len(offsets) - 1] = end
