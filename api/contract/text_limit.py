"""The limit of a text's length."""

from typing import Literal, NamedTuple

from api.contract.errors import TextTooLong
from api.contract.settings import ServiceSettings


class TextLimit(NamedTuple):
    """The maximum characters of a text, and the treatment of a longer one."""

    characters: int
    otherwise: Literal["truncate", "reject"]

    @classmethod
    def of(cls, settings: ServiceSettings) -> "TextLimit":
        """Return the limit of the settings."""
        return cls(settings.max_text_characters, settings.long_texts)

    def allowed(self, text: str, field: str = "text") -> tuple[str, bool]:
        """Return the part of a text that is scored, and whether it was truncated. Raises `TextTooLong`."""
        if len(text) <= self.characters:
            return text, False
        if self.otherwise == "reject":
            raise TextTooLong(field=field, found=len(text), limit=self.characters)
        return text[: self.characters], True
