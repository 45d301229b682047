"""Columns of text in Arrow's layout, without Arrow."""

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.errors import ColumnUnsupported

_SURROGATE = re.compile("[\ud800-\udfff]")


class TextColumn(NamedTuple):
    """The UTF-8 bytes of n texts one after another, and where each starts; `offsets[n]` is where the last one ends."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # n + 1

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> Self:
        """Encode texts; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
        encoded = [_encode(text) for text in texts]
        offsets = np.fromiter(accumulate(map(len, encoded), initial=0), np.int64, len(encoded) + 1)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    @classmethod
    def from_arrow(cls, array: Any) -> Self:
        """Take a pyarrow array of `string` or `large_string` without copying its text; a null is an empty text.

        Raises `ColumnUnsupported` for an array of another type.
        """
        kind = str(array.type)
        if kind not in ("string", "large_string"):
            raise ColumnUnsupported(found=kind)
        _, offsets, data = array.buffers()
        width = np.dtype(np.int64 if kind == "large_string" else np.int32)
        if offsets is None or len(array) == 0:
            return cls(np.empty(0, np.uint8), np.zeros(len(array) + 1, np.int64))
        begins = np.frombuffer(offsets, width, len(array) + 1, array.offset * width.itemsize).astype(np.int64)
        return cls(np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8), begins)

    @property
    def size(self) -> int:
        """Return the number of texts."""
        return len(self.offsets) - 1

    def text(self, row: int) -> str:
        """Decode one text. Raises `UnicodeDecodeError` where the bytes are no UTF-8, as `texts` does."""
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes().decode()

    def texts(self) -> list[str]:
        """Decode all texts."""
        data, at = self.data.tobytes(), self.offsets.tolist()
        return [data[start:end].decode() for start, end in pairwise(at)]

    def rows(self, first: int, last: int) -> Self:
        """Return the texts from `first` up to `last`, without copying any."""
        return type(self)(self.data, self.offsets[first : last + 1])

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Copy the given rows, in their order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return type(self)(self.data[source], offsets)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()
