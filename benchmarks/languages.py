"""Identification of languages: correct answers on texts that the table has not learned from, and the cost by length.

The texts are the measuring half of the public review sets (`SENTIMENT_REAL_DATA`), at most 1,500 of a set. pycld2 and
py3langid are measured on the same texts if they can be imported; neither is a dependency. pycld2 gets 300 characters
without control characters, tags, URLs and names.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.harness import REAL_DATA, arguments, interleaved, labelled_reviews, pin_to_one_core, report
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.codes import CODES, UNDETERMINED
from sentiment_core.languages.identification import identify, identify_text, identify_tokens
from sentiment_core.languages.learning_texts import in_learning_half, set_texts
from sentiment_core.languages.table import TEXT_RECIPE
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.text.tokenizer import hash_tokens

GOALS = {
    "languages_vs_scoring_1300": "≤ 0.15 (time)",
    "languages_vs_scoring_100": "",
    "english_reviews_wrong": "≤ 0.005",
}
TEXTS_OF_A_SET = 1_500
LEAST_TEXTS = 20  # of a language and length that counts in a mean
LENGTHS = ((0, 25), (25, 50), (50, 100), (100, 300), (300, 1 << 30))
NOT_FOR_PYCLD2 = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ud800-\udfff]|<[^>]*>|https?:\S+|@\w+")
SAME_CODES = {"un": UNDETERMINED, "zh-Hant": "zh", "iw": "he", "nn": "no", "nb": "no"}


class Texts(NamedTuple):
    """Texts, the language of each as its set states it, and whether its set contains English reviews."""

    texts: list[str]
    languages: np.ndarray
    english_reviews: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Return the number of characters of each text."""
        return np.array(list(map(len, self.texts)))


def measuring_texts() -> Texts | None:
    """Return the texts of the measuring half, or None without the data."""
    path = REAL_DATA / "corpora" / "corpora.tsv"
    if not path.exists():
        print(f"There is no {path}: only the cost is measured.")
        return None
    rows: list[tuple[str, str, bool]] = []
    with path.open(encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file, delimiter="\t"):
            if not each["language"]:  # the last line is a total
                continue
            texts = set_texts(path.with_name(f"{each['name']}.csv.xz"))
            held_out = sorted((text for text in texts if not in_learning_half(text)), key=_digest)
            is_review = each["language"] == "en" and each["kind"] != "tweets"
            rows += [(text, each["language"], is_review) for text in held_out[:TEXTS_OF_A_SET]]
    texts, languages, reviews = zip(*rows, strict=True)
    return Texts(list(texts), np.array(languages), np.array(reviews))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _ours(texts: list[str]) -> list[str]:
    return [CODES[each] for each in identify(TextColumn.from_texts(texts)).language]


def rivals() -> Iterator[tuple[str, Callable[[list[str]], list[str]]]]:
    """Yield the name of each other tool that can be imported, and a function from texts to codes."""
    try:
        import pycld2  # noqa: PLC0415 -- optional

        def cld2(texts: list[str]) -> list[str]:
            found = [pycld2.detect(NOT_FOR_PYCLD2.sub(" ", text)[:300])[2][0][1] for text in texts]
            return [SAME_CODES.get(code, code) for code in found]

        yield "pycld2", cld2
    except ImportError:
        print("pycld2 is not installed: it is left out.")
    try:
        import py3langid  # noqa: PLC0415 -- optional

        yield "py3langid", lambda texts: [py3langid.classify(text[:300])[0] for text in texts]
    except ImportError:
        print("py3langid is not installed: it is left out.")


def shares(found: np.ndarray, texts: Texts, chosen: np.ndarray) -> tuple[float, float, float]:
    """Return the fractions of right, undetermined and wrong answers, as means over the languages."""
    parts = []
    for code in np.unique(texts.languages[chosen]):
        answers = found[chosen & (texts.languages == code)]
        if len(answers) >= LEAST_TEXTS:
            parts.append(((answers == code).mean(), (answers == UNDETERMINED).mean()))
    right, undetermined = np.mean(parts, axis=0).tolist()
    return right, undetermined, 1 - right - undetermined


def accuracy(texts: Texts) -> tuple[dict[str, object], dict[str, float]]:
    """Print the table of correct answers; return its rows, and the fraction of English reviews that is wrong."""
    contenders = {"sentiment_core": _ours, **dict(rivals())}
    found = {name: np.array(run(texts.texts)) for name, run in contenders.items()}
    lengths, everything = texts.lengths, np.ones(len(texts.texts), bool)
    english = texts.english_reviews & (lengths >= 50)
    parts = {"all, mean over languages": everything}
    parts |= {f"{low} to {high - 1} characters": (lengths >= low) & (lengths < high) for low, high in LENGTHS[:-1]}
    parts["300 characters and more"] = lengths >= 300
    parts["English reviews and sentences, 50 characters and more"] = english
    parts |= {code: texts.languages == code for code in np.unique(texts.languages)}
    print("\n| texts | number | " + " | ".join(f"{name}: right, und, wrong" for name in found) + " |")
    print("|---" * (2 + len(found)) + "|")
    rows: dict[str, object] = {}
    for part, chosen in parts.items():
        measured = {name: shares(each, texts, chosen) for name, each in found.items()}
        cells = (", ".join(f"{100 * each:.1f}" for each in value) for value in measured.values())
        print(f"| {part} | {int(chosen.sum()):,} | " + " | ".join(cells) + " |")
        rows[part] = measured
    return rows, {"english_reviews_wrong": shares(found["sentiment_core"], texts, english)[2]}


def cost(quick: bool) -> tuple[dict[str, object], dict[str, float]]:
    """Return the time per text of scoring and of identification, for texts of several lengths, on one core."""
    joined, scorer = " ".join(labelled_reviews(quick).texts), Scorer(Bundle.load(STARTER))
    figures: dict[str, object] = {}
    ratios: dict[str, float] = {}
    for length in (25, 100, 300, 1_300):
        starts = range(0, min(len(joined) - length, 2_000 * (length + 1)), length + 1)
        column = TextColumn.from_texts([joined[start : start + length] for start in starts])
        tokens = hash_tokens(column, TEXT_RECIPE)
        contenders = {
            "score": lambda column=column: scorer.score(column),
            "identify": lambda column=column: identify(column),
            "identify_tokens": lambda column=column, tokens=tokens: identify_tokens(column, tokens),
        }
        seconds = interleaved(contenders, rounds=7)
        for name, each in seconds.items():
            figures[f"{length:,} characters, {name}: µs a text"] = 1e6 * each.best / column.size
        ratios[f"languages_vs_scoring_{length}"] = seconds["identify_tokens"].best / seconds["score"].best
    text = joined[:100]
    single = interleaved({"text": lambda: identify_text(text)}, rounds=7)["text"].best
    return figures | {"100 characters, identify_text: µs": 1e6 * single}, ratios


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    pin_to_one_core()
    figures, ratios = cost(options.quick)
    texts = None if options.quick else measuring_texts()
    if texts:
        rows, wrong = accuracy(texts)
        figures |= rows
        ratios |= wrong
    report(figures, ratios, GOALS, options.json)


if __name__ == "__main__":
    main()
