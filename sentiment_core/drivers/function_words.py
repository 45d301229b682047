"""Words and marks that say nothing alone, so that a phrase neither consists of them nor begins or ends with them."""

from functools import cache
from pathlib import Path
from typing import Final

from sentiment_core.text.specification import CONTRACTIONS, NEGATIONS, tokens

_ONLY_WITH_WORDS: Final = frozenset({"too", "must", "out", "off", "up", "down", "over", "back", "way"})
FILE: Final = Path(__file__).with_name("function_words.txt")


@cache
def function_words() -> frozenset[str]:
    """Return the folded function words of all languages of the file."""
    lines = (line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    words = " ".join(line.partition(":")[2] for line in lines)
    return frozenset(token.folded.decode() for token in tokens(words))


def is_negation(word: str) -> bool:
    """Return whether a folded word is a negation, with or without its apostrophe."""
    return word in NEGATIONS or word.encode() in CONTRACTIONS


def needs_words(word: str) -> bool:
    """Return whether a folded word says something only with other words: a negation, a degree or a particle."""
    return word in _ONLY_WITH_WORDS or is_negation(word)


def says_nothing(word: str) -> bool:
    """Return whether a folded token is a function word, a number, or a mark without letters that is no emoji."""
    return word in function_words() or word.isdigit() or all(each.isascii() and not each.isalnum() for each in word)
