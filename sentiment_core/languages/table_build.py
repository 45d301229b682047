"""Build the table of words: `python -m sentiment_core.languages.table_build DATA` (`make language-table`).

DATA is a folder with `corpora/corpora.tsv` and its sets. Only sets of an open or unstated licence are read, and only
one half of them, by the text's SHA-256: the other half measures the table. Languages without such a set learn from
`words.txt` only. The same data give the same bytes.
"""

import csv
import hashlib
import io
import lzma
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.codes import WORD_CODES
from sentiment_core.languages.identification import FIRST_TOKENS
from sentiment_core.languages.table import TABLE, TEXT_RECIPE, UNITS
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import hash_tokens

WORDS: Final = Path(__file__).with_name("words.txt")
LICENCES: Final = ("open", "not stated")
WORDS_KEPT: Final = 12_000


def in_learning_half(text: str) -> bool:
    """Return whether the table may learn from a text; the others measure it."""
    return not hashlib.sha256(text.encode()).digest()[0] & 1


def reviews(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the language and the texts of each set that the table may learn from, without the measuring half."""
    with (data / "corpora" / "corpora.tsv").open(encoding="utf-8", newline="") as file:
        sets = [each for each in csv.DictReader(file, delimiter="\t") if each["licence_class"] in LICENCES]
    for each in sets:
        with lzma.open(data / "corpora" / f"{each['name']}.csv.xz", "rb") as packed:
            rows = csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", newline=""))
            yield each["language"], [row["review"] for row in rows if in_learning_half(row["review"])]


def listed_words() -> dict[str, list[str]]:
    """Return the words of `words.txt` of each language, the most frequent ones first."""
    lines = (line for line in WORDS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return {code: list(dict.fromkeys(words.split())) for code, _, words in (line.partition(":") for line in lines)}


def _identities(hashes: Hashes) -> Hashes:
    return hashes >> np.uint64(IDENTITY_SHIFT) | np.uint64(1)


def _frequencies(data: Path) -> dict[str, dict[int, float]]:
    """Return the relative frequency of each word among the first words of each language's texts."""
    counts: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for code, texts in reviews(data):
        if code not in WORD_CODES:
            continue
        tokens = hash_tokens(TextColumn.from_texts(texts), TEXT_RECIPE)
        place = np.arange(len(tokens.hashes)) - np.repeat(tokens.offsets[:-1], np.diff(tokens.offsets))
        words, numbers = np.unique(_identities(tokens.hashes[place < FIRST_TOKENS]), return_counts=True)
        for word, number in zip(words.tolist(), numbers.tolist(), strict=True):
            counts[code][word] += number
    return {
        code: {word: number / sum(words.values()) for word, number in words.items()} for code, words in counts.items()
    }


def build(data: Path) -> tuple[Hashes, NDArray[np.int8]]:
    """Return the identities of the words, ascending, and the evidence of each for each of WORD_CODES."""
    frequencies = _frequencies(data)
    for code, words in listed_words().items():
        mine = frequencies.setdefault(code, {})
        hashes = hash_tokens(TextColumn.from_texts(words), TEXT_RECIPE)
        single = np.flatnonzero(np.diff(hashes.offsets) == 1)
        weights = 0.5 / (np.arange(len(words)) + 10) / np.log(1 + len(words) / 10)
        for rank in single.tolist():
            word = int(_identities(hashes.hashes[hashes.offsets[rank] : hashes.offsets[rank] + 1])[0])
            mine[word] = max(mine.get(word, 0.0), float(weights[rank]))
    floor = 2e-5
    every = sorted({word for words in frequencies.values() for word, each in words.items() if each > 2 * floor})
    place = {word: index for index, word in enumerate(every)}
    evidence = np.zeros((len(every), len(WORD_CODES)))
    for code, mine in frequencies.items():
        for word, each in mine.items():
            if word in place and each > floor:
                evidence[place[word], WORD_CODES.index(code)] = np.log(each / floor)
    rows = np.clip(np.rint(UNITS * evidence), -127, 127).astype(np.int8)
    return np.array(every, np.uint64), rows


def main() -> None:
    """Build the table and write it."""
    identities, rows = build(Path(sys.argv[1]))
    np.savez_compressed(TABLE, identities=identities, rows=rows)


if __name__ == "__main__":
    main()
