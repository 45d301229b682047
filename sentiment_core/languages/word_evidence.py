"""The evidence of words: naive Bayes over the first words of texts, with smoothed word frequencies."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.codes import WORD_CODES
from sentiment_core.languages.identification import FIRST_TOKENS
from sentiment_core.languages.table import TEXT_RECIPE
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import hash_tokens

WORDS_KEPT: Final = 26_000

# Chosen by measurement on the measuring half (docs/languages.md).
_LISTED: Final = 0.9  # part of a language's text that the words of the list make up, if the list is all there is
_LISTED_BESIDE_TEXTS: Final = 0.18  # the same beside texts
_RANK_OFFSET: Final = 10  # the word of rank r has a frequency in proportion to 1 / (r + offset) (B. Mandelbrot, 1953)
_ELSEWHERE_LISTED: Final = 0.3  # weight of the mean of all languages: a list lacks names and international words
_ELSEWHERE: Final = 0.02
_FLOOR_LISTED: Final = 3e-5  # frequency of a word that a language lacks
_FLOOR: Final = 6e-6
_ENGLISH_BOOST: Final = 3  # English words matter more when the table is full


def identities(hashes: Hashes) -> Hashes:
    """Return the identities of hashes (`text/specification.py`)."""
    return hashes >> np.uint64(IDENTITY_SHIFT) | np.uint64(1)


def word_evidence(texts: dict[str, list[str]], listed: dict[str, list[str]]) -> tuple[Hashes, NDArray[np.float64]]:
    """Return the identities of the most useful words, and the evidence of each for each of WORD_CODES, in nats."""
    counted = {code: _counts(each) for code, each in texts.items()}
    ranked = {code: _ranks(words) for code, words in listed.items()}
    words = np.unique(np.concatenate([each[0] for each in (*counted.values(), *ranked.values())]))
    frequency = np.zeros((len(words), len(WORD_CODES)))
    for code, (found, counts) in counted.items():
        frequency[np.searchsorted(words, found), WORD_CODES.index(code)] = counts / counts.sum()
    for code, (found, ranks) in ranked.items():
        weights = 1 / (np.arange(len(listed[code])) + _RANK_OFFSET)
        part = _LISTED_BESIDE_TEXTS if code in texts else _LISTED
        column, rows = frequency[:, WORD_CODES.index(code)], np.searchsorted(words, found)
        np.maximum.at(column, rows, part * weights[ranks] / weights.sum())
    known = np.array([code in texts for code in WORD_CODES])
    elsewhere, floor = np.where(known, _ELSEWHERE, _ELSEWHERE_LISTED), np.where(known, _FLOOR, _FLOOR_LISTED)
    mean = frequency.mean(axis=1, keepdims=True)
    found_evidence = np.log((1 - elsewhere) * frequency + elsewhere * mean + floor) - np.log(_FLOOR_LISTED)
    kept = np.sort(_most_useful(frequency, found_evidence))
    return words[kept], found_evidence[kept]


def _most_useful(frequency: NDArray[np.float64], evidence: NDArray[np.float64]) -> NDArray[np.int64]:
    boost = np.array([_ENGLISH_BOOST if code == "en" else 1 for code in WORD_CODES])
    use = (frequency * boost).max(axis=1) * (evidence.max(axis=1) - np.median(evidence, axis=1))
    return np.argsort(-use, kind="stable")[:WORDS_KEPT]


def _counts(texts: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the distinct words among the first words of texts, and how often each occurs."""
    tokens = hash_tokens(TextColumn.from_texts(texts), TEXT_RECIPE)
    place = np.arange(len(tokens.hashes)) - np.repeat(tokens.offsets[:-1], np.diff(tokens.offsets))
    return np.unique(identities(tokens.hashes[place < FIRST_TOKENS]), return_counts=True)


def _ranks(words: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the identities of the listed words that are one token, and the rank of each."""
    tokens = hash_tokens(TextColumn.from_texts(words), TEXT_RECIPE)
    single = np.flatnonzero(np.diff(tokens.offsets) == 1)
    return identities(tokens.hashes[tokens.offsets[single]]), single
