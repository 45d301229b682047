"""Review heads of a file whose rows were all stored a moment ago, from the keys in memory."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

MAX_KEYS: Final = 20_000  # of one query, which then has less than a megabyte
_ANY_HEAD = "SELECT EXISTS (SELECT FROM sentiment.review_head WHERE review_key = ANY (%s::uuid[]))"


class FileHeads(NamedTuple):
    """The review keys of a file's rows, each of them once, and a function that stores these rows as their heads."""

    keys: NDArray[np.uint8]  # of shape (n, 16)
    copy: Callable[[], None]


def copied(cursor: Cursor, heads: FileHeads) -> bool:
    """Store the heads, unless a key already has one. Return whether they were stored.

    COPY and the query take half the time of an INSERT with ON CONFLICT from the stored rows. COPY without the query
    would write an error into the server's log for each file that supersedes a row. The caller holds the lock of the
    heads, so no other transaction stores heads in between.
    """
    for first in range(0, len(heads.keys), MAX_KEYS):
        part = heads.keys[first : first + MAX_KEYS]
        digits = part.tobytes().hex()
        keys = (digits[at : at + 32] for at in range(0, len(digits), 32))
        cursor.execute(_ANY_HEAD, (f"{{{','.join(keys)}}}",))
        if cursor.fetchone() == (True,):
            return False
    if len(heads.keys):
        heads.copy()
    return True
