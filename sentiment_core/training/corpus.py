"""The texts of a training, read in chunks: neither tokens nor encoded texts are kept for all of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple, TypeVar

from sentiment_core.columnar.columns import TextColumn, chunks_of
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.text.tokenizer import TokenColumn

T = TypeVar("T")
R = TypeVar("R")


class Chunk(NamedTuple):
    """The tokens of consecutive texts, and the index of the first text."""

    first: int
    tokens: TokenColumn


class Corpus:
    """n texts that several passes read in the same chunks, in the same order."""

    def __init__(self, texts: Sequence[str], threads: int) -> None:
        self.texts = texts
        self.threads = threads
        self._ranges = list(chunks_of(texts))

    def columns(self) -> Iterator[TextColumn]:
        """Yield the chunks, encoded, in order."""
        return (TextColumn.from_texts(self.texts[first:last]) for first, last in self._ranges)

    def each(self, recipe: TokenPipeline, work: Callable[[Chunk], R]) -> Iterator[R]:
        """Yield the result of `work` for each chunk, in order."""
        return in_order(lambda place: work(self._chunk(recipe, place)), self._ranges, self.threads)

    def lanes(self, recipe: TokenPipeline) -> list[Iterator[Chunk]]:
        """Divide the chunks among as many threads as there are, in order. Each thread reads one lane."""
        count = min(self.threads, max(len(self._ranges), 1))
        cuts = [len(self._ranges) * lane // count for lane in range(count + 1)]
        return [self._lane(recipe, first, last) for first, last in pairwise(cuts)]

    def _lane(self, recipe: TokenPipeline, first: int, last: int) -> Iterator[Chunk]:
        return (self._chunk(recipe, place) for place in self._ranges[first:last])

    def _chunk(self, recipe: TokenPipeline, place: tuple[int, int]) -> Chunk:
        return Chunk(place[0], recipe.tokens(TextColumn.from_texts(self.texts[slice(*place)])))


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield the result of `work` for each item, in the items' order, computed by so many threads."""
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)
