"""Answers of one turn of the event loop, written one after the other at its end."""

import asyncio


class WriteBatch:
    """Collect writes and send them together.

    A client that waits for an answer is woken by it, which costs the server more than the rest of the write. When many
    answers are written in a row, clients that share a machine or a connection pool are woken once for several.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write to a transport before the event loop waits again, in the order of the calls."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((transport, data))

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for transport, data in waiting:
                if not transport.is_closing():
                    transport.write(data)
