"""The aspects: names, and the words that speak of them. `aspects.yaml` is the default (docs/drivers.md#aspects)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sentiment_core.errors import AspectsInvalid, AspectUnknown
from sentiment_core.ngrams.marked_clauses import MOST_MARKS
from sentiment_core.text.specification import tokens

DEFAULT: Final = Path(__file__).with_name("aspects.yaml")
MOST_TOKENS: Final = 4  # of a word
_MOST_CHARACTERS: Final = 60  # of a name
_VERSION: Final = 1  # of the rules by which a clause counts for an aspect


class Aspects(NamedTuple):
    """n aspects. A word can speak of several of them."""

    names: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]  # n

    @property
    def digest(self) -> str:
        """Return a SHA-256 that changes if the kept figures of the aspects would change."""
        return hashlib.sha256(json.dumps([_VERSION, self.names, self.words]).encode()).hexdigest()

    def chosen(self, names: tuple[str, ...]) -> "Aspects":
        """Return the aspects with these names, or all without names. Raises `AspectUnknown`."""
        for name in names:
            if name not in self.names:
                raise AspectUnknown(name=name, known=", ".join(self.names))
        kept = [place for place, name in enumerate(self.names) if not names or name in names]
        return Aspects(tuple(self.names[place] for place in kept), tuple(self.words[place] for place in kept))


def read_aspects(path: Path | None) -> Aspects:
    """Return the aspects of a file, or the shipped ones. Raises `AspectsInvalid`."""
    path = path or DEFAULT
    import yaml  # noqa: PLC0415 -- the warm-up imports this module in the API's image, which has no YAML

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise AspectsInvalid(path=path, why=error.strerror or "it cannot be read") from error
    except UnicodeDecodeError as error:
        raise AspectsInvalid(path=path, why="it is not UTF-8") from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise AspectsInvalid(path=path, why=f"it is not valid YAML{where}") from error
    try:
        return _aspects(content)
    except ValueError as error:
        raise AspectsInvalid(path=path, why=str(error)) from error


def _aspects(content: Any) -> Aspects:
    if not isinstance(content, Mapping) or not content:
        raise ValueError("it must map the name of each aspect to a list of words")
    if len(content) > MOST_MARKS:
        raise ValueError(f"it has {len(content)} aspects, and at most {MOST_MARKS} are possible")
    return Aspects(tuple(map(_name, content)), tuple(tuple(_words(name, content[name])) for name in content))


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"the name {name!r} is not text. Write it in quotes")  # noqa: TRY004 -- of the file, not a type
    if not 0 < len(name) <= _MOST_CHARACTERS or not name.isprintable() or name != name.strip():
        raise ValueError(f"the name {name!r} must have 1 to {_MOST_CHARACTERS} characters and no space at its ends")
    return name


def _words(name: str, given: Any) -> Iterator[str]:
    """Yield the words of an aspect. Lists in its list, which keep languages apart, are flattened."""
    if not isinstance(given, list):
        raise ValueError(f"the aspect {name} must have a list of words")  # noqa: TRY004
    words = [word for entry in given for word in (entry if isinstance(entry, list) else [entry])]
    if not words:
        raise ValueError(f"the aspect {name} has no words")
    known = set()
    for word in words:
        if not isinstance(word, str):
            raise ValueError(f"the word {word!r} of the aspect {name} is not text. Write it in quotes")  # noqa: TRY004
        folded = tuple(token.folded for token in tokens(word))
        if not folded or not any(map(str.isalnum, word)):
            raise ValueError(f"the word {word!r} of the aspect {name} has no letter or digit")
        if len(folded) > MOST_TOKENS:
            raise ValueError(f"the word {word!r} of the aspect {name} has more than {MOST_TOKENS} parts")
        if folded not in known:
            known.add(folded)
            yield word
