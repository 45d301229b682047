"""Content codings of request bodies (RFC 9110, section 8.4.1)."""

import zlib
from collections.abc import Callable
from typing import Final, Protocol

from backports import zstd

from api.contract.errors import BodyTooLarge, BodyUnreadable, ContentEncodingUnsupported

CODINGS: Final = "gzip, deflate, zstd"
_MAX_STREAMS: Final = 100
_GZIP: Final = 16 + zlib.MAX_WBITS  # as the module zlib spells it


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _inflater(body: bytes) -> _Decoder:
    # Some clients send bare DEFLATE data (RFC 1951) instead of the zlib format that the coding means.
    is_zlib = body[:1] and body[0] & 0x0F == 8
    return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


_DECODERS: Final[dict[str, Callable[[bytes], _Decoder]]] = {
    "gzip": lambda _: zlib.decompressobj(_GZIP),
    "x-gzip": lambda _: zlib.decompressobj(_GZIP),
    "deflate": _inflater,
    "zstd": lambda _: zstd.ZstdDecompressor(),
}


def require_coding(coding: str) -> None:
    """Raise `ContentEncodingUnsupported` for a `Content-Encoding` that `decoded` does not know."""
    if coding.lower() not in (*_DECODERS, "identity", ""):
        raise ContentEncodingUnsupported(found=ascii(coding[:40])[1:-1], wanted=CODINGS)


def decoded(body: bytes, coding: str, max_bytes: int) -> bytes:
    """Return a body without its content coding. It may consist of up to 100 streams, one after another.

    Raises `BodyTooLarge` for more than `max_bytes`, and `BodyUnreadable` for a body that does not have the coding or is
    incomplete.
    """
    make = _DECODERS.get(coding.lower())
    if make is None:
        return body
    result = b""
    for _ in range(_MAX_STREAMS):
        decoder = make(body)
        try:
            result += decoder.decompress(body, max_bytes + 1 - len(result))
        except (zlib.error, zstd.ZstdError):
            raise _unreadable(coding) from None
        if len(result) > max_bytes:
            raise BodyTooLarge(limit=max_bytes)
        if not decoder.eof:
            raise _unreadable(coding)
        body = decoder.unused_data
        if not body:
            return result
    raise _unreadable(coding)


def _unreadable(coding: str) -> BodyUnreadable:
    return BodyUnreadable(why=f"it ends early or does not have the content encoding {coding}")
