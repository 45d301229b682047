"""How much of a text is scored."""

from typing import Literal, NamedTuple

from api.contract.errors import TextTooLong
from api.contract.settings import ServiceSettings


class TextLimit(NamedTuple):
    """The most characters of one text, and what becomes of a longer one."""

    characters: int
    otherwise: Literal["truncate", "reject"]

    @classmethod
    def of(cls, settings: ServiceSettings) -> "TextLimit":
        """Return the limit that the settings name."""
        return cls(settings.max_text_characters, settings.long_texts)

    def allowed(self, text: str, field: str = "text") -> tuple[str, bool]:
        """Return the part of a text that is scored, and whether it is less than all; raises `TextTooLong`."""
        if len(text) <= self.characters:
            return text, False
        if self.otherwise == "reject":
            raise TextTooLong(field=field, found=len(text), limit=self.characters)
        return text[: self.characters], True
