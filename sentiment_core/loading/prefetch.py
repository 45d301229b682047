"""Prefetch: overlap the stages of a pipeline. Each has a separate thread, a bounded number of items ahead."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")

_QUEUE_SIZE = 2  # items that wait between two stages
_POLL_S = 0.05  # maximum delay until a thread that waits for room in the queue notices that its reader has left


class _End:
    """Marks the end of the items, with the error that ended them, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Prefetcher(Generic[Item]):
    def __init__(self, items: Iterator[Item]) -> None:
        self.items = items
        self.ready: queue.Queue[Item | _End] = queue.Queue(_QUEUE_SIZE)
        self.abandoned = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        end = _End(None)
        try:
            for item in self.items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again in the reader
            end = _End(error)
        self._put(end)

    def _put(self, item: Item | _End) -> bool:
        while not self.abandoned.is_set():
            try:
                self.ready.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def read(self) -> Iterator[Item]:
        while not isinstance(item := self.ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error


@contextmanager
def prefetch(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Yield an iterator over items that a separate thread prefetches. The reader gets the errors of that thread.

    When the block ends, the thread has ended. If the items are not read to the end, the thread finishes only the item
    that it is working on.
    """
    prefetcher = _Prefetcher(items)
    prefetcher.thread.start()
    try:
        yield prefetcher.read()
    finally:
        prefetcher.abandoned.set()
        prefetcher.thread.join()
