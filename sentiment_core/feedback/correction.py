"""A correction sent by a user, before it is stored in the database."""

import sys
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Correction(NamedTuple):
    """A user's label for a text, with the score (0 to 1) that the text was given and the digest of the model.

    `key` is unique, even among corrections of the same text. `received_at` has a time zone.
    """

    key: UUID
    text: str
    label: str
    score: float | None
    model_digest: str | None
    received_at: datetime

    @property
    def text_bytes(self) -> int:
        """Return the memory used by the text, in bytes."""
        return sys.getsizeof(self.text)
