"""Where chosen n-grams of a model first occur, and the words in which chosen stems occur.

Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.lookup import (
    distinct_slots,
    distinct_space,
    look_up,
    max_tokens,
    stems_of,
    working_space,
)
from sentiment_core.ngrams.sums import entry_of
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW


class StemWords(NamedTuple):
    """The occurrences of chosen stems in words of n texts, in text order."""

    number: NDArray[np.int32]  # of the chosen stem
    word: Hashes  # hash of the word
    # The occurrence's part of the inverse divisor of its text (`ngrams/sums.py`): a text's occurrences share it.
    part: NDArray[np.float64]
    text: NDArray[np.int64]
    token: NDArray[np.int64]  # of the text


class Places(NamedTuple):
    """The first occurrence of each chosen n-gram that is no stem. Text -1 means none."""

    text: NDArray[np.int64]
    first: NDArray[np.int64]  # token of the text
    size: NDArray[np.int64]  # number of tokens


def find_places(
    tokens: TokenColumn, model: WeightedNgrams, chosen: NDArray[np.int32], count: int
) -> tuple[Places, StemWords]:
    """Return where the chosen n-grams first occur in n texts, and the words in which the chosen stems occur.

    `chosen` has the number of each entry of `ContributionSums`, below `count`, or -1 for entries that are not chosen.
    """
    places = Places(np.full(count, -1), np.zeros(count, np.int64), np.zeros(count, np.int64))
    room = len(tokens.stems)
    words = StemWords(
        np.empty(room, np.int32),
        np.empty(room, np.uint64),
        np.empty(room),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
    )
    used = _find_places(*tokens, *model.sizes, *model.known, chosen, *places, *words)
    number, word, part, text, token = words
    return places, StemWords(number[:used], word[:used], part[:used], text[:used], token[:used])


@compiled
def _find_places(
    tokens: Any,
    offsets: Any,
    stems: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    chosen: Any,
    out_text: Any,
    out_first: Any,
    out_size: Any,
    word_number: Any,
    word_hash: Any,
    word_part: Any,
    word_text: Any,
    word_token: Any,
) -> int:
    space = working_space(max_tokens(offsets), shortest, longest)
    _, _, found, firsts, stops = space
    seen, waiting = distinct_space(len(found), len(cells) // ROW * KEYS)
    distinct = np.empty(len(found), np.int32)
    words = 0
    for text in range(len(offsets) - 1):
        text_tokens = tokens[offsets[text] : offsets[text + 1]]
        known, _ = look_up(text_tokens, stems_of(stems, offsets, text), shortest, longest, filter_, cells, space)
        for size in range(shortest, longest + 1):
            for index in range(stops[size - 1], stops[size]):
                number = chosen[entry_of(found[index])]
                if number >= 0 and out_text[number] < 0:
                    out_text[number], out_first[number], out_size[number] = text, firsts[index], size
        if stops[longest + 1] == stops[longest]:
            continue
        divisor = np.sqrt(max(distinct_slots(found, known, seen, waiting, distinct), 1))
        for index in range(stops[longest], stops[longest + 1]):
            number = chosen[entry_of(found[index])]
            if number < 0:
                continue
            times: Any = 0
            for other in range(stops[longest], stops[longest + 1]):
                times += np.int64(found[other] == found[index])
            word_number[words], word_hash[words] = number, text_tokens[firsts[index]]
            word_part[words] = 1 / (divisor * times)
            word_text[words], word_token[words] = text, firsts[index]
            words += 1
    return words
