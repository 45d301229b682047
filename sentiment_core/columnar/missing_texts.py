"""Missing texts outside of files: nothing, blanks, and the words that mean a missing value (`SENTIMENT_NULL_WORDS`).

Files apply the same rules to whole columns: `TextColumn.trimmed` and `BytesColumn.without`.
"""

from collections.abc import Collection


class MissingTexts:
    """Tell which texts are missing. `null_words` are ASCII words; their case does not matter."""

    def __init__(self, null_words: Collection[str]) -> None:
        self._words = frozenset(word.lower() for word in null_words)
        self._longest = max(map(len, self._words), default=0)

    def __contains__(self, text: str | None) -> bool:
        """Return whether a text is None, blank (as `str.strip` sees it) or a null word."""
        return text is None or not (found := text.strip()) or self.is_null_word(found)

    def is_null_word(self, text: str) -> bool:
        """Return whether a text, without the spaces around it, is a null word."""
        word = text.strip()
        return len(word) <= self._longest and word.isascii() and word.lower() in self._words
