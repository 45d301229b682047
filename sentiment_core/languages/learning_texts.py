"""What the table of evidence learns from: public review sets of an allowed licence, and the list of frequent words."""

import csv
import hashlib
import io
import lzma
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from sentiment_core.languages.codes import WORD_CODES

WORDS: Final = Path(__file__).with_name("words.txt")
LICENCES: Final = ("open", "not stated")
FREED: Final = ("norec_no",)  # non-commercial, but its authors free models made from it

# Half of the Hindi posts are in Latin letters, and many of those are English. Their words come from the list.
_ALPHABETS: Final = {"hi": re.compile("[\u0900-\u097f]")}


def in_learning_half(text: str) -> bool:
    """Return whether the table may learn from a text, by its SHA-256. The other half measures the table."""
    return not hashlib.sha256(text.encode()).digest()[0] & 1


def set_texts(path: Path) -> list[str]:
    """Return the texts of one set, a compressed CSV file with a column `review`."""
    with lzma.open(path, "rb") as packed:
        return [row["review"] for row in csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", newline=""))]


def learning_texts(data: Path) -> dict[str, list[str]]:
    """Return the learning half of the texts of each language of WORD_CODES that has a set of an allowed licence.

    `data` is a folder with `corpora/corpora.tsv` and the sets that it names.
    """
    found: dict[str, list[str]] = defaultdict(list)
    with (data / "corpora" / "corpora.tsv").open(encoding="utf-8", newline="") as file:
        sets = [each for each in csv.DictReader(file, delimiter="\t") if _is_allowed(each)]
    for each in sets:
        code = each["language"]
        if code in WORD_CODES:
            alphabet = _ALPHABETS.get(code, re.compile(""))
            texts = set_texts(data / "corpora" / f"{each['name']}.csv.xz")
            found[code] += [text for text in texts if in_learning_half(text) and alphabet.search(text)]
    return dict(found)


def _is_allowed(described: dict[str, str]) -> bool:
    return described["licence_class"] in LICENCES or described["name"] in FREED


def listed_words() -> dict[str, list[str]]:
    """Return the words of `words.txt` of each language, the most frequent ones first."""
    lines = (line for line in WORDS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return {code: list(dict.fromkeys(words.split())) for code, _, words in (line.partition(":") for line in lines)}
