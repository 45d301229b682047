"""Prefetching: an iterator that runs prefetch of its reader in a separate thread."""

import threading
import time
from collections.abc import Iterator

import pytest

from sentiment_core.loading.prefetch import _QUEUE_SIZE, prefetch


class Source:
    """Yields 0, 1, 2… and records how far it got, in which thread, and whether it was closed."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.count = count
        self.fails_at = fails_at
        self.begun = 0
        self.threads: set[int] = set()
        self.moved = threading.Condition()

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            if number == self.fails_at:
                raise OSError("the source broke")
            with self.moved:
                self.begun = number + 1
                self.threads.add(threading.get_ident())
                self.moved.notify_all()
            yield number

    def wait(self, begun: int) -> None:
        with self.moved:
            assert self.moved.wait_for(lambda: self.begun >= begun, timeout=10), self.begun


def test_items_arrive_in_order_from_another_thread() -> None:
    source = Source(100)
    with prefetch(iter(source)) as items:
        assert list(items) == list(range(100))
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


def test_the_number_of_prefetched_items_is_bounded() -> None:
    source = Source(100)
    with prefetch(iter(source)) as items:
        # The items that wait, and the one that finds no room.
        source.wait(_QUEUE_SIZE + 1)
        time.sleep(0.2)
        assert source.begun == _QUEUE_SIZE + 1
        assert next(items) == 0
        source.wait(_QUEUE_SIZE + 2)
        time.sleep(0.2)
        assert source.begun == _QUEUE_SIZE + 2


def test_an_error_of_the_source_is_raised_to_the_reader_after_the_items_before_it() -> None:
    with prefetch(iter(Source(100, fails_at=3))) as items:
        assert [next(items) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(OSError, match="the source broke"):
            next(items)


def test_an_interrupt_in_the_source_reaches_the_reader_too() -> None:
    def interrupted() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with prefetch(interrupted()) as items:
        assert next(items) == 1
        with pytest.raises(KeyboardInterrupt):
            next(items)


def test_a_reader_that_stops_early_ends_the_thread() -> None:
    before = threading.active_count()
    source = Source(1_000_000)
    with prefetch(iter(source)) as items:
        assert next(items) == 0
    assert threading.active_count() == before
    stopped_at = source.begun
    time.sleep(0.1)
    assert source.begun == stopped_at <= 2 + _QUEUE_SIZE


def test_a_reader_that_raises_ends_the_thread_and_its_error_is_the_one_that_is_seen() -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match="the reader broke"), prefetch(iter(Source(100, fails_at=1))):
        raise ValueError("the reader broke")
    assert threading.active_count() == before


def test_prefetches_can_be_chained() -> None:
    first, second = Source(50), threading.Event()

    def doubled(numbers: Iterator[int]) -> Iterator[int]:
        for number in numbers:
            second.set()
            yield 2 * number

    with prefetch(iter(first)) as numbers, prefetch(doubled(numbers)) as items:
        assert list(items) == [2 * number for number in range(50)]
    assert second.is_set()


def test_an_empty_source_yields_nothing() -> None:
    with prefetch(iter(())) as items:
        assert list(items) == []
