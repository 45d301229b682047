"""NLTK's stop words and lemmas for the text recipe, as a table from tokens to canonical tokens.

Training builds the table. From then on the table is part of the text recipe, in training, evaluation and serving. A
token that is not in it is its own canonical token. Scoring needs neither NLTK nor its data.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final

import numpy as np

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import LanguageDataMissing
from sentiment_core.text import specification
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.tokenizer import token_spans

# NLTK loads its data lazily, and that is not thread-safe.
_READING: Final = Lock()


def canonical_table(columns: Iterable[TextColumn], stop_words: bool, lemmatize: bool) -> tuple[Hashes, Hashes]:
    """Return the ascending identities of the tokens that change, and the hash of each one's canonical token.

    The texts come in columns, of which only one is held at a time. The hash is 0 for a token that is dropped. Raises
    `LanguageDataMissing` if NLTK or its data is not installed.
    """
    if not (stop_words or lemmatize):
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    canonical = canonical_word(stop_words, lemmatize)
    table = {}
    known = np.empty(0, np.uint64)
    for texts in columns:
        tokens, spans = token_spans(texts)
        hashes, first = np.unique(tokens.hashes, return_index=True)
        new = np.isin(hashes, known, invert=True)
        for hash_, (start, end) in zip(hashes[new].tolist(), spans[first[new]].tolist(), strict=True):
            spelled = texts.data[start:end].tobytes().decode()
            word = next(specification.tokens(spelled)).folded.decode()
            target = canonical(word)
            if target != word:
                table[specification.identity(hash_)] = specification.token_hash(target.encode()) if target else 0
        known = np.union1d(known, hashes[new])
    order = sorted(table)
    return np.array(order, np.uint64), np.array([table[each] for each in order], np.uint64)


def canonical_word(stop_words: bool, lemmatize: bool) -> Callable[[str], str]:
    """Return the function from a lower-case word to its canonical form; '' means that the word is dropped.

    Raises `LanguageDataMissing` if NLTK or its data is not installed.
    """
    try:
        from nltk.corpus import stopwords  # noqa: PLC0415 -- training only
        from nltk.stem import WordNetLemmatizer  # noqa: PLC0415

        with _READING:
            left_out = frozenset(stopwords.words("english")) if stop_words else frozenset()
            lemma: Callable[[str], str] = WordNetLemmatizer().lemmatize if lemmatize else str
            lemma("words")  # loads the data, or raises LookupError if it is missing
    except ImportError as error:
        raise LanguageDataMissing(why="NLTK is not installed. Install the extra `train`") from error
    except LookupError as error:
        names = " ".join(name for name, wanted in (("stopwords", stop_words), ("wordnet", lemmatize)) if wanted)
        why = f"NLTK cannot find {names}. Run `python -m nltk.downloader {names}`, or set NLTK_DATA to the folder"
        raise LanguageDataMissing(why=why) from error
    return lambda word: "" if word in left_out else lemma(word)
