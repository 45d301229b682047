"""Where requests begin and end in the bytes of a connection, without a second HTTP parser."""

from aiohttp import hdrs, web

_END_OF_HEAD = b"\r\n\r\n"
# More bytes before the start of a request than this are not kept; the position is then unknown.
_MOST_KEPT = 1 << 18


class RequestBoundaries:
    """Compare the bytes that arrived with the requests that aiohttp made of them.

    A request has its head, up to the first empty line, and as many bytes of body as aiohttp read from its
    Content-Length. The end that is computed is never behind the real one: a request can only begin at or after the
    computed end, so the empty line that is found is the real one or an earlier one. `between_requests` is therefore
    never true by mistake. It stays false once a request came whose length is not in its head (chunked, upgraded).
    """

    __slots__ = ("_body_left", "_known", "_unclaimed")

    def __init__(self) -> None:
        self._known = True
        self._unclaimed = b""
        self._body_left = 0

    def received(self, data: bytes) -> None:
        """Count bytes as they arrive."""
        if self._known and not self._body_left and not self._unclaimed:
            self._unclaimed = data
            return
        if self._body_left:
            size = len(data)
            if size <= self._body_left:
                self._body_left -= size
                return
            data = data[self._body_left :]
            self._body_left = 0
        if not self._known:
            return
        self._unclaimed = self._unclaimed + data if self._unclaimed else data
        if len(self._unclaimed) > _MOST_KEPT:
            self._forget()

    def started(self, request: web.BaseRequest) -> None:
        """Take the bytes of a request whose head is complete."""
        if not self._known:
            return
        end = self._unclaimed.find(_END_OF_HEAD)
        headers = request.headers
        if end < 0 or hdrs.TRANSFER_ENCODING in headers or hdrs.UPGRADE in headers:
            self._forget()
            return
        length = headers.get(hdrs.CONTENT_LENGTH)
        end += len(_END_OF_HEAD) + (0 if length is None else int(length))
        more = len(self._unclaimed) - end
        if more > 0:
            self._unclaimed = self._unclaimed[end:]
        else:
            self._unclaimed = b""
            self._body_left = -more

    @property
    def between_requests(self) -> bool:
        """Tell whether every byte that arrived belongs to a request that has arrived completely."""
        return self._known and not self._unclaimed and not self._body_left

    def _forget(self) -> None:
        self._known = False
        self._unclaimed = b""
