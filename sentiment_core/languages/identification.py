"""Identification of the language of texts: the script of their letters, then the evidence of their first words.

Compiled functions (`columnar/compiled.py`).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import copy_bytes
from sentiment_core.languages.codes import CODES
from sentiment_core.languages.scripts import SCRIPT_COUNT, script_of
from sentiment_core.languages.table import COLUMNS, TEXT_RECIPE, UNITS, evidence
from sentiment_core.text.tokenizer import TokenColumn, hash_tokens
from sentiment_core.text.vocabulary import shift_for, slot_of

FIRST_TOKENS: Final = 48  # tokens of a text that are looked up
FIRST_BYTES: Final = 320  # bytes of a text that `identify` tokenizes
CERTAIN_ENOUGH: Final = 0.5  # below, the language is undetermined

_KEYS: Final = 8
_CHUNK_TEXTS: Final = 2_000
_SPACE: Final = 0x20
_LONGEST_WORD: Final = 24
_powers: Final = np.exp(-np.arange(COLUMNS * UNITS, dtype=np.float64) / (3 * UNITS)).astype(np.float32)


class Identified(NamedTuple):
    """The languages of n texts."""

    language: NDArray[np.int16]  # n, index into CODES
    certainty: NDArray[np.float32]  # n, estimated probability that the language is right, in [0, 1]; 0 without letters


@compiled
def _sum_rows(tokens: Any, cells: Any, width: int, rows: Any, sums: Any) -> None:
    shift = shift_for(len(cells) // width)
    for index in range(min(len(tokens), FIRST_TOKENS)):
        slot = slot_of(cells, width, shift, tokens[index])
        row = np.int64(cells[slot + _KEYS]) * COLUMNS if slot >= 0 else 0
        for column in range(COLUMNS):
            sums[column] += rows[row + column]


@compiled
def _most_likely(sums: Any) -> tuple[int, Any]:
    """Return the column of the greatest sum and its probability."""
    best: Any = sums[0]
    for column in range(1, COLUMNS):
        best = max(best, sums[column])
    likeliest, total = 0, np.float32(0)
    for column in range(COLUMNS):
        less = np.int64(best) - np.int64(sums[column])
        if less < len(_powers):
            total += _powers[less]
            likeliest = column if less == 0 else likeliest
    return likeliest, np.float32(1) / total


@compiled
def _identify(
    data: Any,
    offsets: Any,
    tokens: Any,
    token_offsets: Any,
    cells: Any,
    width: int,
    rows: Any,
    priors: Any,
    only: Any,
    language: Any,
    certainty: Any,
) -> None:
    counts, sums = np.empty(SCRIPT_COUNT, np.int64), np.empty(COLUMNS, np.int16)
    for text in range(len(offsets) - 1):
        script = script_of(data, np.int64(offsets[text]), np.int64(offsets[text + 1]), counts)
        if script == 0:
            language[text], certainty[text] = 0, 0
        elif only[script]:
            language[text], certainty[text] = only[script], 1
        else:
            for column in range(COLUMNS):
                sums[column] = priors[script * COLUMNS + column]
            words = tokens[token_offsets[text] : token_offsets[text + 1]]
            _sum_rows(words, cells, width, rows, sums)
            column, probability = _most_likely(sums)
            language[text] = 1 + column if probability >= CERTAIN_ENOUGH else 0
            certainty[text] = probability


@compiled
def _first_bytes(data: Any, offsets: Any, lengths: Any) -> None:
    """Write how many bytes of each text are read: up to the last space within reach, if it is longer."""
    for text in range(len(offsets) - 1):
        length: Any = np.int64(offsets[text + 1] - offsets[text])
        if length > FIRST_BYTES:
            length = FIRST_BYTES
            while length > FIRST_BYTES - _LONGEST_WORD and data[offsets[text] + length] != _SPACE:
                length -= 1
        lengths[text + 1] = length


@compiled
def _copy_prefixes(data: Any, offsets: Any, out: Any, out_offsets: Any) -> None:
    for text in range(len(offsets) - 1):
        start, to = np.int64(offsets[text]), np.int64(out_offsets[text])
        copy_bytes(out, to, data, start, np.int64(out_offsets[text + 1]) - to)


def identify(texts: TextColumn, threads: int = 1) -> Identified:
    """Return the language of each of n texts, from its first bytes.

    The result of a text depends on that text only.
    """
    out = Identified(np.empty(texts.size, np.int16), np.empty(texts.size, np.float32))

    def work(rows: tuple[int, int]) -> None:
        first = _prefixes(texts.rows(*rows))
        _write(first, hash_tokens(first, TEXT_RECIPE), out.language[slice(*rows)], out.certainty[slice(*rows)])

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, _chunks(texts.size)))
    else:
        for rows in _chunks(texts.size):
            work(rows)
    return out


def identify_tokens(texts: TextColumn, tokens: TokenColumn) -> Identified:
    """Return the language of each of n texts that are tokenized already; `tokens` are `hash_tokens(texts)`.

    The tokens must not be negated yet. They are those of version 3 of the text recipe, or of a version in which plain
    words have the same hashes.
    """
    out = Identified(np.empty(texts.size, np.int16), np.empty(texts.size, np.float32))
    _write(texts, tokens, *out)
    return out


def identify_text(text: str) -> tuple[str, float]:
    """Return the language of one text, as a code of `CODES`, and its certainty."""
    found = identify(TextColumn.from_texts([text]))
    return CODES[found.language[0]], float(found.certainty[0])


def _prefixes(texts: TextColumn) -> TextColumn:
    data, offsets = texts.data.view(), texts.offsets.view()
    data.flags.writeable = offsets.flags.writeable = False  # one compiled signature for all arrays
    lengths = np.zeros(len(offsets), np.int64)
    _first_bytes(data, offsets, lengths)
    out_offsets = np.cumsum(lengths)
    out = np.empty(int(out_offsets[-1]), np.uint8)
    _copy_prefixes(data, offsets, out, out_offsets)
    return TextColumn(out, out_offsets)


def _write(texts: TextColumn, tokens: TokenColumn, language: NDArray[np.int16], certainty: NDArray[np.float32]) -> None:
    arrays = [each.view() for each in (*texts, *tokens)]
    for each in arrays:
        each.flags.writeable = False  # one compiled signature for all arrays
    _identify(*arrays, *evidence(), language, certainty)


def _chunks(texts: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts whose first bytes stay in the processor's cache."""
    for first in range(0, texts, _CHUNK_TEXTS):
        yield first, min(first + _CHUNK_TEXTS, texts)
