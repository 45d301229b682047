"""Reader for the body of an object. It reconnects and resumes as often as needed."""

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
    """Reads one version of an object to its last byte. It resumes when a connection breaks, stalls or ends too soon.

    `get` opens the drop's body from a byte offset. Both the constructor and the reads raise the errors that `get`
    raises. The reads raise `StorageUnavailable` when several connections in a row return no data.
    """

    def __init__(self, drop: Drop, get: Callable[[int], Any]) -> None:
        self._drop = drop
        self._get = get
        self._position = 0
        self._breaks = 0  # since the last received byte
        self._body: Any = None
        self._body = get(0)

    def readable(self) -> bool:
        """Return True: the stream is readable."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, or its start, and return the number of bytes read, which is 0 at the end."""
        while True:
            try:
                return self._next(memoryview(buffer))
            except (botocore.exceptions.BotoCoreError, urllib3.exceptions.HTTPError, ConnectionError) as error:
                self._breaks += 1
                # After the last byte, only a checksum error is possible, so there is nothing to resume.
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
        # A broken read loses the bytes it had received, so each successive connection is read in smaller pieces.
        count = int(self._body.readinto(buffer[: PIECE >> 2 * self._breaks]))
        if count == 0 and self._position != self._drop.size:
            raise botocore.exceptions.IncompleteReadError(actual_bytes=self._position, expected_bytes=self._drop.size)
        self._position += count
        self._breaks = 0
        return count
