"""Problems that a page explains to its user."""

from fastapi import HTTPException


class Problem(HTTPException):
    """A request that gets no page but this sentence, which says what was wrong and what to do."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
