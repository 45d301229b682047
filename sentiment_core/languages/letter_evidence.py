"""The evidence of letters: what follows three bytes of a text, by an interpolated language model of four bytes.

Each order is smoothed with the next lower one (D. MacKay and L. Peto, Natural Language Engineering 1, 1995). A language
that is known from a list of words only therefore has the statistics of its letters and pairs of letters at least.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.codes import WORD_CODES
from sentiment_core.languages.letters import hash_sequences, letter_sequences
from sentiment_core.languages.word_evidence import identities
from sentiment_core.text.hashing import Hashes

SEQUENCES_KEPT: Final = 14_000

# Chosen by measurement on the measuring half (docs/languages.md).
_WEIGHT: Final = 0.4  # of letters beside words: neighbouring sequences repeat each other
_LEARNED_BYTES: Final = 400  # bytes of a text that the model learns from
_LIST_COUNT: Final = 10_000.0  # sequences that a list of words counts as, if it is all there is
_LIST_BESIDE_TEXTS: Final = 0.1  # the same beside texts, in proportion to theirs
_RANK_OFFSET: Final = 40
_PRIOR_COUNT: Final = 10.0  # pseudo-counts of the lower order
_ELSEWHERE: Final = 0.03  # weight of the mean of all languages in the frequency of a byte
_LEAST: Final = 1e-5
_RAREST: Final = 1e-6  # sequences that are rarer in every language are left out

_Counts = NDArray[np.float64]


def letter_evidence(texts: dict[str, list[str]], listed: dict[str, list[str]]) -> tuple[Hashes, NDArray[np.float64]]:
    """Return the identities of the most frequent sequences, and the evidence of each for each of WORD_CODES."""
    found = {code: _sequences(each) for code, each in texts.items()}
    lists = {code: _sequences(words) for code, words in listed.items()}
    every = np.unique(np.concatenate([sequences for sequences, _ in (*found.values(), *lists.values())]))
    counts = np.zeros((len(every), len(WORD_CODES)))
    for code, (sequences, _) in found.items():
        counts[:, WORD_CODES.index(code)] = np.bincount(np.searchsorted(every, sequences), minlength=len(every))
    for code, (sequences, ranks) in lists.items():
        weights = 1 / (ranks + _RANK_OFFSET)
        listed_counts = np.bincount(np.searchsorted(every, sequences), weights, len(every)) / weights.sum()
        column = counts[:, WORD_CODES.index(code)]
        column += listed_counts * (_LIST_BESIDE_TEXTS * column.sum() if code in texts else _LIST_COUNT)
    share = (counts / _sums(counts)).max(axis=1)
    common = share >= _RAREST
    every, counts, share = every[common], counts[common], share[common]
    logs = np.log(_probabilities(every, counts))
    kept = np.argsort(-share, kind="stable")[:SEQUENCES_KEPT]
    hashes = every[kept]
    hash_sequences(hashes, len(hashes))
    return identities(hashes), _WEIGHT * (logs[kept] - logs[kept].max(axis=1, keepdims=True))


def _sequences(texts: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the letter sequences of all texts, and the number of the text of each."""
    column, buffer = TextColumn.from_texts(texts), np.empty(_LEARNED_BYTES, np.uint64)
    parts, numbers = [], []
    for text in range(column.size):
        count = letter_sequences(column.data, column.offsets[text], column.offsets[text + 1], buffer)
        parts.append(buffer[:count].copy())
        numbers.append(np.full(count, text))
    return np.concatenate(parts), np.concatenate(numbers)


def _probabilities(sequences: Hashes, counts: _Counts) -> _Counts:
    """Return the probability of each sequence's last byte after its first three, in each language."""
    last = _totals(sequences & np.uint64(0xFF), counts)
    lower = last / _sums(counts)
    lower = (1 - _ELSEWHERE) * lower + _ELSEWHERE * lower.mean(axis=1, keepdims=True) + _LEAST
    for length in (2, 3, 4):
        mask = np.uint64((1 << 8 * length) - 1)
        gram = _totals(sequences & mask, counts)
        context = _totals((sequences & mask) >> np.uint64(8), counts)
        lower = (gram + _PRIOR_COUNT * lower) / (context + _PRIOR_COUNT)
    probabilities: _Counts = lower
    return probabilities


def _sums(counts: _Counts) -> _Counts:
    sums: _Counts = np.maximum(counts.sum(axis=0), 1)  # a language without texts and list has no counts
    return sums


def _totals(keys: Hashes, counts: _Counts) -> _Counts:
    """Return, for each sequence, the counts of all sequences with the same key."""
    _, group = np.unique(keys, return_inverse=True)
    totals = [np.bincount(group, column) for column in counts.T]
    return np.stack([total[group] for total in totals], axis=1).astype(np.float64)
