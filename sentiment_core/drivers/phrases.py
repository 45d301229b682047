"""From n-grams to phrases that a person would say.

The n-grams "a waste", "waste of", "of money" and "waste of money" all say one thing. A phrase is an n-gram without the
function words and marks at its ends. Nested phrases that moved the log-odds in the same direction become one: the
longer one, if it makes up most of the reviews that say the shorter one, and otherwise the shorter one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from sentiment_core.drivers.function_words import needs_words, says_nothing
from sentiment_core.drivers.wording import Word, Worded

Tokens = tuple[int, ...]  # hashes of a phrase's tokens
_MOST: Final = 0.5  # part of a shorter phrase's reviews from which the longer one replaces it


class Phrase(NamedTuple):
    """A phrase and what it adds to the change of the mean log-odds."""

    tokens: Tokens
    spelled: str
    movement: float


def phrases(ngrams: Iterable[Worded]) -> list[Phrase]:
    """Return the phrases of n-grams. N-grams that say nothing are left out."""
    found: dict[Tokens, Phrase] = {}
    for words, movement in ngrams:
        core = _core(words)
        if core:
            tokens = tuple(word.hash for word in core)
            known = found.get(tokens) or Phrase(tokens, _spelled(core), 0.0)
            found[tokens] = known._replace(movement=known.movement + movement)
    return list(found.values())


def merged(found: list[Phrase], reviews: Mapping[Tokens, int]) -> list[Phrase]:
    """Merge nested phrases. `reviews` is the number of reviews that say each phrase."""
    movements = {each.tokens: each.movement for each in found}
    spelled = {each.tokens: each.spelled for each in found}

    def same_direction(one: Tokens, other: Tokens) -> bool:
        return other in movements and movements[one] * movements[other] > 0

    # First each short phrase into the longer phrase that mostly replaces it, the shortest first, so that parts move up.
    longer: dict[Tokens, list[Tokens]] = {}
    for tokens in movements:
        for part in _parts(tokens):
            longer.setdefault(part, []).append(tokens)
    for tokens in sorted(movements, key=len):
        whole = [
            each
            for each in longer.get(tokens, ())
            if same_direction(tokens, each) and reviews[each] >= _MOST * reviews[tokens]
        ]
        if whole:
            _move(movements, tokens, max(whole, key=lambda each: (reviews[each], abs(movements[each]))))
    # Then each longer phrase that remains into the strongest phrase that it contains.
    for tokens in sorted(movements, key=len, reverse=True):
        parts = [each for each in _parts(tokens) if same_direction(tokens, each)]
        if parts:
            _move(movements, tokens, max(parts, key=lambda each: abs(movements[each])))
    return [Phrase(tokens, spelled[tokens], movement) for tokens, movement in movements.items()]


def _move(movements: dict[Tokens, float], source: Tokens, target: Tokens) -> None:
    movements[target] += movements.pop(source)


def _parts(tokens: Tokens) -> Iterator[Tokens]:
    """Yield each shorter run of consecutive tokens."""
    for size in range(1, len(tokens)):
        for first in range(len(tokens) - size + 1):
            yield tokens[first : first + size]


def _core(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return an n-gram without the tokens at its ends that say nothing; nothing if only negations remain."""
    said = [place for place, word in enumerate(words) if not says_nothing(word.folded)]
    core = words[said[0] : said[-1] + 1] if said else ()
    return () if all(needs_words(word.folded) for word in core) else core


def _spelled(core: tuple[Word, ...]) -> str:
    first, *rest = core
    return first.negation + first.spelled + "".join(word.gap + word.spelled for word in rest)
