r"""The text recipe: how a text becomes tokens for every model, in training, in bulk, over HTTP and in explanations.

This is the readable definition. `text/tokenizer.py` implements it on UTF-8 bytes, and a test compares the two.

1. A character reference of HTML is read as the characters it stands for, even if its `&` is escaped once or several
   times (`&amp;#39;`). The two characters `\` and `n`, `r` or `t` are read as a space. All other rules apply to the
   resulting text. An unknown reference is text.
2. HTML tags and URLs separate tokens.
3. A run of letters and digits of any script is one token, including the apostrophes inside it ("don't").
   A negation that is spelled without its apostrophe is the same token ("dont", "cant", "wont"). Three or more times
   the same letter in a row count as two ("soooo" is "soo"). ASCII digits are not letters.
4. Each emoji is one token. So is each of the marks .,!?;:()*/, each double quote, and each letter of a script written
   without spaces (Han, Kana, Thai, Lao, Khmer, Burmese). Other punctuation separates tokens.
5. Combining marks belong to the preceding token. Invisible characters and skin tones are ignored.
6. Case and compatibility forms are folded and accented letters are decomposed (Unicode 14.0, `text/codepoints.py`), so
   that "CAFÉ" is one token in any encoding of its accent. Several marks on one letter keep their order.
7. A token's 64-bit hash covers the UTF-8 bytes of its folded form, sixteen bytes at a time. An n-gram's hash combines
   the hashes of its tokens. Models identify n-grams by 46 bits of their hashes only.
8. If the model enables it, a limited number of tokens after a negation, up to the next punctuation mark, become
   different tokens: "good" in "not a good film" is not the "good" of "a good film" (S. Das and M. Chen, 2001).

9. Each word of more than five letters has a stem, its first five letters: "disappointing" and "disappointed" share
   "disap". The stem is negated with its word. It is a feature of its own, and never part of a longer n-gram.
10. An n-gram of several tokens has no mark that ends a clause (`BREAKS`): "open it" is one in "open it.", too.

A model is always read with the version of its own recipe. Version 3 has no rules 9 and 10, and "soooo" is not "soo".
Version 2 has no rule 1 either: a character reference, known or not, separates tokens. It has fewer apostrophes
(`LATER_APOSTROPHES`), and "dont" is not "don't".
"""

import re
from collections.abc import Iterator
from functools import cache, reduce
from html.entities import html5
from typing import Final, NamedTuple

from sentiment_core.text.codepoints import APOSTROPHE, IGNORED, MARK, SINGLE, WORD, CodePoints, code_points

RECIPE_VERSION: Final = 4
STEM_LETTERS: Final = 5  # characters of a folded word that are its stem
LONGEST_TAG: Final = 1000  # characters between < and >; anything longer is text with a stray <
LONGEST_REFERENCE: Final = 8  # version 2: characters between & (or &#) and ;
LONGEST_NUMBER: Final = 8  # digits of a character reference
LATER_APOSTROPHES: Final = "\u2018\u201b\u2032"  # apostrophes since version 3

# Multipliers: the golden ratio, and a constant of the SplitMix64 generator (Steele et al., OOPSLA 2014).
MULTIPLIER: Final = 0x9E3779B97F4A7C15
NGRAM_STEP: Final = 0xBF58476D1CE4E5B9
SEED: Final = 0x5E17_13E5_7A11_0001
IDENTITY_SHIFT: Final = 17  # lowest bits of a hash that models discard

NEGATIONS: Final = frozenset(
    "not no never nor neither nobody nothing without cannot ain't aren't can't couldn't didn't doesn't don't hadn't "  # noqa: SIM905
    "hasn't haven't isn't mustn't needn't shouldn't wasn't weren't won't wouldn't".split()
)
# "cant" and "wont" are words too, but in film reviews they are nearly always negations (docs/texts.md).
CONTRACTIONS: Final = {word.replace("'", "").encode(): word.encode() for word in sorted(NEGATIONS) if "'" in word}
NEGATION_ENDS: Final = frozenset('.,!?;:()"')
BREAKS: Final = frozenset(".,!?;")
STEM: Final = 0xD6E8_FEB8_6659_FD93  # hash that a stem is combined with: xxHash's, an arbitrary odd number
NEGATED: Final = 0x94D0_49BB_1331_11EB  # hash that a negated token is combined with; SplitMix64's other multiplier

_TAG = re.compile(rf"<[A-Za-z/!][^<>]{{0,{LONGEST_TAG}}}>")
_REFERENCE = re.compile(rf"&#?[0-9A-Za-z]{{1,{LONGEST_REFERENCE}}};")
_CHARACTER_REFERENCE = re.compile(  # without its &
    rf"#(?P<decimal>[0-9]{{1,{LONGEST_NUMBER}}});|#[xX](?P<hexadecimal>[0-9A-Fa-f]{{1,{LONGEST_NUMBER}}});"
    r"|(?P<name>[0-9A-Za-z]+;)"
)
_ESCAPED_SPACE = re.compile(r"\\[nrt]")
_URL_REST = re.compile(r"[!#-;=?-~]*")  # printable ASCII except double quotes and angle brackets
_MASK = (1 << 64) - 1


class Token(NamedTuple):
    """A token and its source characters `text[start:end]`."""

    folded: bytes
    start: int
    end: int
    stem: bytes = b""  # the stem of a word that has one


class Ngram(NamedTuple):
    """Consecutive tokens and the characters `text[start:end]` that they span."""

    hash: int
    start: int
    end: int


def tokens(text: str, version: int = RECIPE_VERSION) -> Iterator[Token]:
    """Yield the tokens of a text, in text order."""
    if version == 2:
        yield from _tokens(text, version)
        return
    plain, places = unescaped(text)
    table = characters_of(version)
    for token in _tokens(plain, version):
        word = CONTRACTIONS.get(token.folded, token.folded)
        stem = stem_of(word) if version >= 4 and table.class_of(plain[token.start]) == WORD else b""
        yield Token(word, places[token.start], places[token.end], stem)


def stem_of(word: bytes) -> bytes:
    """Return the stem of a folded word, or nothing if the word is no longer than a stem."""
    letters = word.decode()
    return letters[:STEM_LETTERS].encode() if len(letters) > STEM_LETTERS else b""


def unescaped(text: str) -> tuple[str, list[int]]:
    """Return the text that rule 1 reads, and the place in the source of each of its characters and of its end."""
    characters: list[str] = []
    places: list[int] = []
    position = 0
    while position < len(text):
        start, character = position, text[position]
        position += 1
        while character == "&" and (reference := _CHARACTER_REFERENCE.match(text, position)):
            meaning = _meaning(reference)
            if not meaning:
                break
            character, position = meaning, reference.end()
        characters += character
        places += [start] * len(character)
    plain = "".join(characters)
    spaces = [found.start() for found in _ESCAPED_SPACE.finditer(plain)]
    for place in reversed(spaces):
        del places[place + 1]
    return _ESCAPED_SPACE.sub(" ", plain), [*places, len(text)]


@cache
def characters_of(version: int) -> CodePoints:
    """Return the classes and folded forms of all characters in a version of the recipe."""
    return code_points() if version == 2 else code_points().with_apostrophes(LATER_APOSTROPHES)


def numbered_character(number: int) -> str:
    """Return the character of a numeric reference as browsers read it (HTML Standard, 13.2.5.80).

    The numbers 128 to 159 mean Windows-1252. A number that is no character means U+FFFD.
    """
    if number == 0 or 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        return "\ufffd"
    return bytes([number]).decode("cp1252", "ignore") or chr(number) if 0x80 <= number <= 0x9F else chr(number)


def _meaning(reference: re.Match[str]) -> str | None:
    if reference["name"]:
        return html5.get(reference["name"])
    digits, base = (reference["decimal"], 10) if reference["decimal"] else (reference["hexadecimal"], 16)
    return numbered_character(int(digits, base))


def _tokens(text: str, version: int) -> Iterator[Token]:
    table = characters_of(version)
    position = 0
    while position < len(text):
        markup = _TAG.match(text, position) or (_REFERENCE.match(text, position) if version == 2 else None)
        kind = table.class_of(text[position])
        if markup:
            position = markup.end()
        elif kind == WORD:
            token = _word(text, position, table, version)
            position = _url_end(text, token) or token.end
            if position == token.end:
                yield token
        elif kind == SINGLE:
            token = _single(text, position, table)
            position = token.end
            yield token
        else:
            position += 1


def ngrams(
    text: str, shortest: int, longest: int, negation_reach: int = 0, version: int = RECIPE_VERSION
) -> Iterator[Ngram]:
    """Yield the n-grams of `shortest` to `longest` tokens, shorter ones first, each length in text order.

    Up to `negation_reach` tokens after a negation are negated. The stems come last, with the characters of their words.
    """
    parts, stems, breaks = [], [], []
    left = 0
    for token in tokens(text, version):
        word, hash_, stem = token.folded.decode(), token_hash(token.folded), stem_hash(token.stem)
        if word in NEGATION_ENDS:
            left = 0
        elif left:
            hash_, stem = combine(NEGATED, hash_), combine(NEGATED, stem)
            left -= 1
        if word in NEGATIONS:
            left = negation_reach
        parts.append(Ngram(hash_, token.start, token.end))
        breaks.append(version >= 4 and word in BREAKS)
        stems += [Ngram(stem, token.start, token.end)] if token.stem else []
    for size in range(shortest, longest + 1):
        for first in range(len(parts) - size + 1):
            if size == 1 or not any(breaks[first : first + size]):
                hash_ = reduce(combine, (part.hash for part in parts[first : first + size]))
                yield Ngram(hash_, parts[first].start, parts[first + size - 1].end)
    yield from stems


def token_hash(folded: bytes) -> int:
    """Return the 64-bit hash of a token's folded form.

    The last sixteen bytes are padded with zeros. No token contains a zero byte, so the padding is unambiguous.
    """
    value = SEED
    for start in range(0, len(folded), 16):
        for half in (folded[start : start + 8], folded[start + 8 : start + 16]):
            value = _mix(value ^ int.from_bytes(half, "little"))
    return value


def stem_hash(stem: bytes) -> int:
    """Return the hash of a stem. No word has it, so a stem is not the word of the same letters."""
    return combine(STEM, token_hash(stem))


def half_hash(folded: bytes) -> int:
    """Return a token's hash before its second eight bytes, which must be missing, are mixed in."""
    return _mix(SEED ^ int.from_bytes(folded, "little"))


def combine(gram: int, token: int) -> int:
    """Return the hash of an n-gram extended by one token."""
    value = gram * NGRAM_STEP + token & _MASK
    return value ^ value >> 32


def identity(gram: int) -> int:
    """Return the identity of an n-gram in a model: its hash without the lowest bits, and with the new lowest bit set.

    The low 32 bits of an identity are therefore never 0, which the tables rely on (`text/vocabulary.py`).
    """
    return gram >> IDENTITY_SHIFT | 1


def _mix(value: int) -> int:
    value = value * MULTIPLIER & _MASK
    return value ^ value >> 32


def _word(text: str, start: int, table: CodePoints, version: int) -> Token:
    folded: list[bytes] = []
    position = start
    while position < len(text):
        kind = table.class_of(text[position])
        after = text[position + 1 : position + 2]
        joins = kind == APOSTROPHE and after != "" and table.class_of(after) == WORD
        if kind in (WORD, MARK) or joins:
            folded.append(table.fold(text[position]))
        elif kind != IGNORED:
            break
        position += 1
    if version >= 4 and folded != [b"w"] * 3:  # the beginning of a URL
        folded = [letter for place, letter in enumerate(folded) if not _is_third(folded, place)]
    return Token(b"".join(folded), start, position)


def _is_third(folded: list[bytes], place: int) -> bool:
    """Return whether a folded character repeats the two before it. Digits may repeat."""
    letter = folded[place]
    return place >= 2 and folded[place - 2 : place] == [letter] * 2 and not letter.isdigit()


def _single(text: str, start: int, table: CodePoints) -> Token:
    folded = bytearray(table.fold(text[start]))
    position = start + 1
    while position < len(text) and (kind := table.class_of(text[position])) in (MARK, IGNORED):
        if kind == MARK:
            folded += table.fold(text[position])
        position += 1
    return Token(bytes(folded), start, position)


def _url_end(text: str, token: Token) -> int | None:
    """Return the end of the URL that starts with this token, or None if the token does not start a URL."""
    scheme = token.folded in (b"http", b"https") and text.startswith("://", token.end)
    host = token.folded == b"www" and text.startswith(".", token.end)
    rest = _URL_REST.match(text, token.end) if scheme or host else None
    return rest.end() if rest else None
