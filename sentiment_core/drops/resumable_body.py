"""The body of an object, over as many connections as it takes."""

import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import urllib3.exceptions

from sentiment_core.drops.drop import Drop
from sentiment_core.errors import StorageUnavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

RESUMES = 5
PAUSE_S = 0.2
PIECE = 1 << 18


class ResumingBody(io.RawIOBase):
    """Reads one version of an object to its last byte, and goes on where a connection broke, stalled or ended too soon.

    `get` opens the drop's body from a byte on. Raises what `get` raises, also when it is made, and `StorageUnavailable`
    when several connections in a row brought nothing.
    """

    def __init__(self, drop: Drop, get: Callable[[int], Any]) -> None:
        self._drop = drop
        self._get = get
        self._position = 0
        self._breaks = 0  # since the last byte came
        self._body: Any = None
        self._body = get(0)

    def readable(self) -> bool:
        """Tell that this can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill a buffer, or the start of it, and return the number of bytes; 0 at the end."""
        while True:
            try:
                return self._next(memoryview(buffer))
            except (botocore.exceptions.BotoCoreError, urllib3.exceptions.HTTPError, ConnectionError) as error:
                self._breaks += 1
                # Behind the last byte only the checksum can be wrong.
                if self._breaks > RESUMES or self._position == self._drop.size:
                    raise StorageUnavailable(uri=self._drop.uri, why=str(error)) from error
            time.sleep(PAUSE_S * self._breaks)
            self._body.close()
            self._body = self._get(self._position)

    def close(self) -> None:
        """Close the connection."""
        if self._body is not None:
            self._body.close()
        super().close()

    def _next(self, buffer: memoryview) -> int:
        # What a broken read had in its hands is lost, so each connection in a row is read in smaller pieces.
        count = int(self._body.readinto(buffer[: PIECE >> 2 * self._breaks]))
        if count == 0 and self._position != self._drop.size:
            raise botocore.exceptions.IncompleteReadError(actual_bytes=self._position, expected_bytes=self._drop.size)
        self._position += count
        self._breaks = 0
        return count
