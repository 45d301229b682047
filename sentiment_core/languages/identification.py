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
from sentiment_core.columnar.simd import KEYS, add_rows, at_least, copy_bytes, greatest, trailing_zeros
from sentiment_core.languages.codes import CODES
from sentiment_core.languages.letters import FIRST_LETTERS, hash_sequences, letter_sequences
from sentiment_core.languages.scripts import NO_SCRIPT, SCRIPT_COUNT, script_of
from sentiment_core.languages.table import COLUMNS, TEXT_RECIPE, UNITS, evidence
from sentiment_core.text.escapes import AMPERSAND, BACKSLASH, unescaped_text
from sentiment_core.text.tokenizer import TokenColumn, hash_tokens, tokenize
from sentiment_core.text.tokenizer_scalar import character_table
from sentiment_core.text.vocabulary import ROW, shift_for, slot_of

FIRST_TOKENS: Final = 48  # tokens of a text that are looked up
FIRST_BYTES: Final = 320  # bytes of a text that `identify` tokenizes
CERTAIN_ENOUGH: Final = 0.5  # below, the language is undetermined

_ONE: Final = np.uint64(1)
_CHUNK_TEXTS: Final = 512
_SPACE: Final = 0x20
_LONGEST_WORD: Final = 24
_WITHOUT_DOUBT: Final = 0.85  # certainty at which the words suffice
_TEMPERATURE: Final = 1.8  # evidence counts less than if words were independent; fitted on the measuring half
_powers: Final = np.exp(-np.arange(12 * _TEMPERATURE * UNITS) / (_TEMPERATURE * UNITS)).astype(np.float32)

_Arrays = tuple[NDArray[Any], NDArray[np.int64]]  # of a column: its values and its offsets


class Identified(NamedTuple):
    """The languages of n texts."""

    language: NDArray[np.int16]  # n, index into CODES
    certainty: NDArray[np.float32]  # n, estimated probability that the language is right, in [0, 1]; 0 without letters


@compiled
def _add_evidence(hashes: Any, count: int, cells: Any, rows: Any, found: Any, sums: Any) -> None:
    """Add the evidence of the first `count` words or letter sequences. What is not in the table adds nothing."""
    shift = shift_for(len(cells) // ROW)
    known: Any = 0
    for index in range(count):
        slot = slot_of(cells, shift, hashes[index])
        found[known] = np.int64(cells[max(slot, 0) + KEYS]) * COLUMNS
        known += np.int64(slot >= 0)
    found[known : known + 3] = 0  # row 0 is zeros
    for index in range(0, known, 4):
        add_rows(sums, rows, found[index], found[index + 1], found[index + 2], found[index + 3])


@compiled
def _most_likely(sums: Any) -> tuple[int, Any]:
    """Return the column of the greatest sum and its probability."""
    best = np.int64(greatest(sums))
    total, likeliest = np.float32(0), 0
    near = at_least(sums, np.int16(best - len(_powers) + 1))
    while near:
        column = trailing_zeros(near)
        near &= near - _ONE
        less = best - np.int64(sums[column])
        total += _powers[less]
        likeliest = column if less == 0 else likeliest
    return likeliest, np.float32(1) / total


@compiled
def _by_evidence(
    data: Any,
    start: int,
    stop: int,
    words: Any,
    cells: Any,
    rows: Any,
    space: tuple[Any, Any, Any],
) -> tuple[int, Any]:
    """Return the likeliest column and its probability, from the words and, if they leave doubt, from the letters."""
    sums, sequences, found = space
    _add_evidence(words, min(len(words), FIRST_TOKENS), cells, rows, found, sums)
    column, probability = _most_likely(sums)
    if probability < _WITHOUT_DOUBT:
        count = letter_sequences(data, start, stop, sequences)
        hash_sequences(sequences, count)
        _add_evidence(sequences, count, cells, rows, found, sums)
        column, probability = _most_likely(sums)
    return column, probability


@compiled
def _write_scripts(data: Any, offsets: Any, scripts: Any) -> None:
    counts = np.empty(SCRIPT_COUNT, np.int64)
    for text in range(len(offsets) - 1):
        scripts[text] = script_of(data, np.int64(offsets[text]), np.int64(offsets[text + 1]), counts)


@compiled
def _identify(
    data: Any,
    offsets: Any,
    tokens: Any,
    token_offsets: Any,
    scripts: Any,
    cells: Any,
    rows: Any,
    priors: Any,
    only: Any,
    language: Any,
    certainty: Any,
) -> None:
    sums, sequences = np.empty(COLUMNS, np.int16), np.empty(FIRST_LETTERS, np.uint64)
    found = np.empty(max(FIRST_TOKENS, FIRST_LETTERS) + 3, np.int64)
    for text in range(len(offsets) - 1):
        script = np.int64(scripts[text])
        if script == NO_SCRIPT:
            language[text], certainty[text] = 0, 0
        elif only[script]:
            language[text], certainty[text] = only[script], 1
        else:
            sums[:] = priors[script * COLUMNS : (script + 1) * COLUMNS]
            start, stop = np.int64(offsets[text]), np.int64(offsets[text + 1])
            words = tokens[token_offsets[text] : token_offsets[text + 1]]
            column, probability = _by_evidence(data, start, stop, words, cells, rows, (sums, sequences, found))
            language[text] = 1 + column if probability >= CERTAIN_ENOUGH else 0
            certainty[text] = probability


@compiled
def _first_bytes(data: Any, offsets: Any, scripts: Any, only: Any, out_offsets: Any) -> None:
    """Write the offsets of the first bytes of each text: up to a space, and none if its script tells the language."""
    out_offsets[0] = 0
    for text in range(len(offsets) - 1):
        length: Any = np.int64(offsets[text + 1] - offsets[text])
        if scripts[text] == NO_SCRIPT or only[scripts[text]]:
            length = 0
        if length > FIRST_BYTES:
            length = FIRST_BYTES
            while length > FIRST_BYTES - _LONGEST_WORD and data[offsets[text] + length] != _SPACE:
                length -= 1
        out_offsets[text + 1] = out_offsets[text] + length


@compiled
def _copy_first_bytes(data: Any, offsets: Any, out: Any, out_offsets: Any) -> None:
    for text in range(len(offsets) - 1):
        start, to = np.int64(offsets[text]), np.int64(out_offsets[text])
        copy_bytes(out, to, data, start, np.int64(out_offsets[text + 1]) - to)


def identify(texts: TextColumn, threads: int = 1) -> Identified:
    """Return the language of each of n texts, from its first bytes.

    The result for a text depends on that text only.
    """
    out = Identified(np.empty(texts.size, np.int16), np.empty(texts.size, np.float32))

    def work(rows: tuple[int, int]) -> None:
        part = _read_only(texts.rows(*rows))
        scripts = _scripts(part)
        first = _first(part, scripts)
        tokens = _read_only(hash_tokens(first, TEXT_RECIPE))
        found = out.language[slice(*rows)], out.certainty[slice(*rows)]
        _identify(*_read_only(first), *tokens, scripts, *evidence(), *found)

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
    column = _read_only(texts)
    _identify(*column, *_read_only(tokens), _scripts(column), *evidence(), *out)
    return out


def identify_text(text: str) -> tuple[str, float]:
    """Return the language of one text, as a code of `CODES`, and its certainty, at a fraction of a column's cost."""
    # A text that is longer in characters is longer in bytes, too.
    data = text[: FIRST_BYTES + 1].encode(errors="replace")
    if len(data) > FIRST_BYTES:
        data = data[: max(data.rfind(b" ", 0, FIRST_BYTES + 1), FIRST_BYTES - _LONGEST_WORD)]
    plain = unescaped_text(data) if data.find(AMPERSAND) >= 0 or data.find(BACKSLASH) >= 0 else data
    language, certainty = np.empty(1, np.int16), np.empty(1, np.float32)
    arrays = np.frombuffer(data, np.uint8), np.frombuffer(plain, np.uint8)
    _identify_text(*arrays, character_table(TEXT_RECIPE), *evidence(), language, certainty)
    return CODES[language[0]], float(certainty[0])


@compiled
def _identify_text(
    data: Any,
    plain: Any,
    table: Any,
    cells: Any,
    rows: Any,
    priors: Any,
    only: Any,
    language: Any,
    certainty: Any,
) -> None:
    """Write the language of one text, `data`; `plain` is the same text without escapes."""
    offsets, token_offsets, scripts = np.zeros(2, np.int64), np.zeros(2, np.int64), np.empty(1, np.uint8)
    offsets[1] = len(data)
    _write_scripts(data, offsets, scripts)
    hashes = np.empty(len(plain), np.uint64)
    if scripts[0] != NO_SCRIPT and not only[scripts[0]]:
        token_offsets[1] = len(plain)
        tokenize(
            plain,
            token_offsets.copy(),
            table,
            hashes,
            np.empty(1, np.uint64),
            np.empty((0, 2), np.int64),
            token_offsets,
        )
    evidence_ = cells, rows, priors, only
    _identify(data, offsets, hashes, token_offsets, scripts, *evidence_, language, certainty)


def _scripts(texts: _Arrays) -> NDArray[np.uint8]:
    scripts = np.empty(len(texts[1]) - 1, np.uint8)
    _write_scripts(*texts, scripts)
    return scripts


def _first(texts: _Arrays, scripts: NDArray[np.uint8]) -> TextColumn:
    offsets = np.empty(len(texts[1]), np.int64)
    _first_bytes(*texts, scripts, evidence().only, offsets)
    data = np.empty(int(offsets[-1]), np.uint8)
    _copy_first_bytes(*texts, data, offsets)
    return TextColumn(data, offsets)


def _read_only(column: TextColumn | TokenColumn) -> _Arrays:
    """Return read-only views of a column's arrays, so that one compiled signature serves all arrays."""
    values, offsets = column[0].view(), column[1].view()
    values.flags.writeable = offsets.flags.writeable = False
    return values, offsets


def _chunks(texts: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts whose first bytes stay in the processor's cache."""
    for first in range(0, texts, _CHUNK_TEXTS):
        yield first, min(first + _CHUNK_TEXTS, texts)
