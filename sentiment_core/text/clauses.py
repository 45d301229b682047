"""Clauses of a text: the parts between sentence ends and conjunctions of contrast, found on token hashes.

A mark that ends a sentence ends a clause. A conjunction of contrast ("but") starts one. Line breaks are not tokens, so
they do not end a clause. Conjunctions that are several tokens in the text recipe (such as those of Japanese and Thai)
are not recognized. Compiled functions (`columnar/compiled.py`).
"""

from functools import cache
from typing import Any, Final

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text import specification
from sentiment_core.text.hashing import Hashes, holds, perfect_table
from sentiment_core.text.specification import NEGATED, combine, token_hash

ENDS: Final = frozenset(".!?;")
# In the order of the languages: English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish and Norwegian,
# Romanian, Indonesian and Malay, Vietnamese, Swahili, Russian, Polish, Turkish, Finnish, Hindi, Arabic, Korean and
# Chinese. Words that are also frequent words of another of these languages ("dar", "ale", "de") are missing.
CONJUNCTIONS: Final = frozenset(
    "but however although though aber jedoch obwohl allerdings mais cependant pourtant pero aunque mas porém embora "  # noqa: SIM905
    "ma però tuttavia maar hoewel echter men însă deși tetapi tapi namun nhưng lakini но однако jednak ama fakat mutta "
    "लेकिन لكن ولكن 하지만 그러나 지만 但 却 卻".split()
)


@cache
def clause_tables() -> tuple[Hashes, np.uint64, Hashes, np.uint64]:
    """Return the tables of the tokens that end a clause and of those that start one, each with its shift.

    They are arguments of `cut`. A conjunction that follows a negation has the hash of a negated token.
    """
    conjunctions = [_folded_hash(word) for word in sorted(CONJUNCTIONS)]
    ends = perfect_table([token_hash(mark.encode()) for mark in sorted(ENDS)])
    starts = perfect_table([*conjunctions, *(combine(NEGATED, each) for each in conjunctions)])
    return *ends, *starts


def _folded_hash(word: str) -> int:
    (token,) = specification.tokens(word)
    return token_hash(token.folded)


@compiled
def cut(tokens: Any, ends: Any, end_shift: Any, starts: Any, start_shift: Any, begins: Any) -> int:
    """Write the first token of each clause of a text, then the number of tokens; return the number of clauses.

    Clauses can be empty. There are at most one more than tokens.
    """
    clauses = 0
    begins[0] = 0
    for index in range(len(tokens)):
        is_end = holds(ends, end_shift, tokens[index])
        if is_end | holds(starts, start_shift, tokens[index]):
            clauses += 1
            begins[clauses] = index + np.int64(is_end)
    begins[clauses + 1] = len(tokens)
    return clauses + 1
