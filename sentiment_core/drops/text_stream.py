"""Read a file in any encoding as a stream of UTF-8."""

import codecs
import re
from typing import Final

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Stream
from sentiment_core.drops.remedies import Remedy
from sentiment_core.errors import FileRejected

UTF8: Final = "utf-8"
# The mark of UTF-32 begins with that of UTF-16. A NUL character behind that of UTF-16 makes no sense.
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_START_BYTES: Final = 4
_ESCAPED: Final = re.compile("[\udc80-\udcff]+")


class TextStream:
    """A stream of UTF-8, without byte order marks at its start, of a stream in another encoding.

    A byte order mark decides, then the declared encoding, else UTF-8. Bytes that are invalid in UTF-8 or in the
    declared code page stay unchanged, so that the contract rejects their rows alone. Raises `FileRejected` when the
    mark contradicts the declared encoding, and at the end of a file that ends inside a character of UTF-16 or UTF-32.
    """

    def __init__(self, stream: Stream, source: str, declared: str | None = None, remedy: Remedy = Remedy()) -> None:  # noqa: B008 - immutable
        self._stream = stream
        self._source = source
        start = stream.read(_START_BYTES)
        while start and len(start) < _START_BYTES and (more := stream.read(_START_BYTES - len(start))):
            start += more
        self.encoding = _encoding(start, declared, source, remedy)
        unicode = self.encoding.startswith("utf-")
        # A lone surrogate of UTF-16 becomes bytes that are not UTF-8.
        self._errors = "surrogatepass" if unicode else "surrogateescape"
        is_utf8 = self.encoding == UTF8
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(self.encoding)(self._errors)
        self._pending = start

    def read(self, size: int, /) -> bytes:
        """Return about `size` bytes of UTF-8. The result is empty at the end of the stream."""
        data, self._pending = self._pending, b""
        fresh = self._stream.read(size)
        if self._decoder is None:
            return data + fresh
        text = self._transcoded(self._decoder, data + fresh, final=not fresh)
        while fresh and not text:  # an empty result would mean the end of the stream
            fresh = self._stream.read(size)
            text = self._transcoded(self._decoder, fresh, final=not fresh)
        return text

    def _transcoded(self, decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> bytes:
        try:
            text = decoder.decode(data, final=final)
        except UnicodeDecodeError:
            name = self.encoding.upper().removesuffix("-LE").removesuffix("-BE")
            why = f"{self._source} ends inside a {name} character, or is not {name}"
            raise FileRejected(reason=RejectCode.UNSUPPORTED_ENCODING, why=why) from None
        if self._errors == "surrogatepass":
            return text.encode(UTF8, "surrogatepass")
        return encoded(text)


def encoded(text: str) -> bytes:
    """Return the UTF-8 of a text that was decoded with `surrogateescape`. Undecodable bytes stay invalid in UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _ESCAPED.sub(_never_utf8, text).encode(UTF8, "surrogateescape")


def _never_utf8(found: re.Match[str]) -> str:
    """Return a run of undecodable bytes, which must not make a character of UTF-8 by chance."""
    run = found[0]
    data = run.encode(UTF8, "surrogateescape")
    if len(data.decode(UTF8, "ignore")) == 0:
        return run
    # Each byte becomes the three bytes of its surrogate, which are never valid.
    return "".join(chr(0xDC00 + byte) for character in run for byte in character.encode(UTF8, "surrogatepass"))


def _encoding(start: bytes, declared: str | None, source: str, remedy: Remedy) -> str:
    """Return the encoding by the byte order mark, the declaration, or the default, in this order."""
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    name = codecs.lookup(declared).name.removesuffix("-sig") if declared else None
    if marked is None:
        return name or UTF8
    if name is not None and name not in (marked, marked.removesuffix("-le").removesuffix("-be")):
        shown = marked.removesuffix("-le").removesuffix("-be")
        raise FileRejected(
            reason=RejectCode.UNSUPPORTED_ENCODING,
            why=f"{source} begins with the byte order mark of {shown}, but the declared encoding is {name}. "
            f"{remedy.declare(f'--encoding {shown}')}",
        )
    return marked
