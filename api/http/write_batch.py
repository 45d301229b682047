"""Answers that are ready at about the same time, written one after the other."""

import asyncio
from collections.abc import Sized
from typing import Final

from prometheus_client import Counter

# An answer waits at most this many turns of the event loop, and only while each turn brings further answers.
_MAX_TURNS: Final = 4


class WriteBatch:
    """Collect the writes to open connections and send them together.

    A client that waits for an answer is woken by it, which costs the server more than the rest of the write. When many
    answers are written in a row, clients that share a machine or a connection pool are woken once for several.
    """

    def __init__(self, connections: Sized, batches: Counter) -> None:
        self._connections = connections
        self._batches = batches
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []
        self._counted = 0  # answers that waited at the last turn
        self._turns = 0

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write to a transport soon, in the order of the calls; immediately if no other client can get an answer."""
        self._waiting.append((transport, data))
        if len(self._waiting) >= len(self._connections):
            self.flush()
        elif len(self._waiting) == 1:
            self._counted = self._turns = 0
            self._loop.call_soon(self._turn)

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._batches.inc()
            for transport, data in waiting:
                if not transport.is_closing():
                    transport.write(data)

    def _turn(self) -> None:
        self._turns += 1
        if len(self._waiting) > self._counted and self._turns < _MAX_TURNS:
            self._counted = len(self._waiting)
            self._loop.call_soon(self._turn)
        else:
            self.flush()
