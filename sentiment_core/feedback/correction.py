"""A correction that a user sent, on its way into the database."""

import sys
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Correction(NamedTuple):
    """What a user says of a text's label, and of the score (0 to 1) and the model (digest) that it was given.

    `key` tells it from all others, also from those of the same words; `received_at` has a time zone.
    """

    key: UUID
    text: str
    label: str
    score: float | None
    model_digest: str | None
    received_at: datetime

    @property
    def text_bytes(self) -> int:
        """The memory that its text takes."""
        return sys.getsizeof(self.text)
