"""The transport that aiohttp writes to: the connection's own, apart from one answer that it replaces."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import override

from api.http.write_batch import WriteBatch

# The service has no answer like it: its own errors are `application/problem+json`.
_MALFORMED = b"HTTP/1.0 400 "
_PLAIN = b"\r\nContent-Type: text/plain"


class ResponseTransport(asyncio.Transport):
    """Pass everything on to a transport, and replace the text with which aiohttp answers what is not HTTP.

    aiohttp calls no handler for malformed requests and documents no hook for their answer.
    """

    def __init__(self, transport: asyncio.Transport, batch: WriteBatch, malformed: Callable[[], bytes]) -> None:
        super().__init__()
        self._transport = transport
        self._batch = batch
        self._malformed = malformed

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data[: len(_MALFORMED)] == _MALFORMED and _PLAIN in bytes(data):
            data = self._malformed()
        self._batch.flush()  # answers come in the order of their requests
        self._transport.write(data)

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def close(self) -> None:
        self._batch.flush()
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    @override
    def is_reading(self) -> bool:
        return self._transport.is_reading()

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    @override
    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._transport.get_write_buffer_limits()

    @override
    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    @override
    def write_eof(self) -> None:
        self._batch.flush()
        self._transport.write_eof()
