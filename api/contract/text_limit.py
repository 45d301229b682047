"""Which texts are accepted: none that is missing, and none that is too long."""

from typing import Literal, NamedTuple

from api.contract.errors import TextEmpty, TextTooLong
from api.contract.settings import ServiceSettings
from sentiment_core.columnar.missing_texts import MissingTexts


class TextLimit(NamedTuple):
    """The maximum characters of a text, the treatment of a longer one, and the words that mean a missing text."""

    characters: int
    otherwise: Literal["truncate", "reject"]
    missing: MissingTexts

    @classmethod
    def of(cls, settings: ServiceSettings) -> "TextLimit":
        """Return the limit of the settings."""
        return cls(settings.max_text_characters, settings.long_texts, MissingTexts(settings.null_words))

    def require_text(self, text: str, field: str = "text") -> None:
        """Raise `TextEmpty` for a word that means a missing value. Blank texts do not reach this check."""
        if self.missing.is_null_word(text):
            raise TextEmpty(field=field, why=f"{text.strip()!r} means a missing value (SENTIMENT_NULL_WORDS)")

    def allowed(self, text: str, field: str = "text") -> tuple[str, bool]:
        """Return the part of a text that is scored, and whether it was truncated. Raises `TextTooLong`."""
        if len(text) <= self.characters:
            return text, False
        if self.otherwise == "reject":
            raise TextTooLong(field=field, found=len(text), limit=self.characters)
        return text[: self.characters], True
