"""Scoring on one core: the fused scorer, the same model in scikit-learn, fastText, and a single pass over the bytes.

All score the same reviews, one after another in each round. The benchmark trains the model with the shipped
configuration on the reviews of four fifths of the groups. Accuracy and timings are those on the remaining fifth.
"""

import math
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.harness import arguments, interleaved, labelled_reviews, pin_to_one_core, report, unpin
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews, split
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import STARTER
from sentiment_core.model.manifest import Thresholds, TrainingData
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.lookup import margins
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.params import Params
from sentiment_core.text import specification
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.training.calibration import uncalibrated
from sentiment_core.training.train import compile_bundle, fit

GOALS = {
    "scoring_vs_sklearn": "≥ 40",
    "scoring_vs_fasttext": "≥ 4",
    "scoring_vs_lowercase": "≥ 0.12",
    "explaining_vs_scoring": "≤ 3 (time)",
    "two_threads_vs_one": "",
}
FULL_SPELLINGS = {short.decode(): full.decode() for short, full in specification.CONTRACTIONS.items()}
SKLEARN_TEXTS = 1_000  # it is slow; the others score all texts
_STEP = 1_301  # distance in characters between the starts of consecutive long or short texts
# The text recipe as a regular expression, for ASCII texts without URLs and backslashes.
WORDS_AND_MARKS = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*|[.,!?;:()*/\"]")
MARKUP = re.compile(r"<[A-Za-z/!][^<>]{0,1000}>")
PLAIN = re.compile(r"(?:(?![`\\]|&#?[0-9A-Za-z]{1,31};|https?:|www\.)[\x01-\x7f])*", re.IGNORECASE)


def trained(reviews: LabelledReviews, params: Params) -> Scorer:
    """Return the scorer of a model without calibration and neutral band."""
    bundle = compile_bundle(
        fit(reviews, params.model),
        {},
        name="benchmark",
        labels=reviews.names,
        languages=("en",),
        calibration=uncalibrated(1),
        thresholds=Thresholds(neutral_low=0.5, neutral_high=0.5),
        snapshot=TrainingData(sha256=reviews.sha256, rows=reviews.rows, unlabelled_sha256=None, unlabelled_rows=0),
        training={},
    )
    return Scorer(bundle)


def words(review: str) -> list[str]:
    """Return the tokens of a plain review, by a regular expression."""
    found = WORDS_AND_MARKS.findall(MARKUP.sub(" ", review).lower())
    return [FULL_SPELLINGS.get(word, word) for word in found]


class SklearnTwin:
    """The same model as scikit-learn would serve it: a TfidfVectorizer over the known n-grams, and their weights."""

    def __init__(self, scorer: Scorer, texts: list[str]) -> None:
        bundle = scorer.bundle
        self.recipe = bundle.manifest.recipe
        features = self._spelled_ngrams(bundle.ngrams.tolist(), texts)
        self.vectorizer = TfidfVectorizer(
            vocabulary={ngram: place for place, ngram in enumerate(features)},
            tokenizer=self._tokens,
            token_pattern=None,
            lowercase=False,  # `words` lowercases
            ngram_range=(self.recipe.shortest_ngram, self.recipe.longest_ngram),
            binary=True,
            use_idf=False,  # the weights include idf
        ).fit(texts[:1])
        self.weights = bundle.weights[0, list(features.values())].astype(np.float64)
        self.bias = bundle.manifest.biases[0]

    def score(self, texts: list[str]) -> np.ndarray:
        """Return the score of each text."""
        rows: csr_array = self.vectorizer.transform(texts)
        return 1 / (1 + np.exp(-(rows @ self.weights + self.bias)))

    def _tokens(self, review: str) -> list[str]:
        """Return a review's tokens, with a star on those after a negation."""
        tokens, left = words(review), 0
        for place, word in enumerate(tokens):
            if word in specification.NEGATION_ENDS:
                left = 0
            elif left:
                tokens[place] = f"*{word}"
                left -= 1
            if word in specification.NEGATIONS:
                left = self.recipe.negation_reach
        return tokens

    def _spelled_ngrams(self, known: list[int], texts: list[str]) -> dict[str, int]:
        """Return the feature of each n-gram of the model that occurs in the texts."""
        features = {ngram: feature for feature, ngram in enumerate(known)}
        found: dict[str, int] = {}
        for review in texts:
            tokens = self._tokens(review)
            spelled, hashes = [""] * len(tokens), [0] * len(tokens)
            for size in range(1, self.recipe.longest_ngram + 1):
                for place in range(len(tokens) - size + 1):
                    last = tokens[place + size - 1]
                    hashes[place] = specification.combine(hashes[place], _hash(last)) if size > 1 else _hash(last)
                    spelled[place] = f"{spelled[place]} {last}" if size > 1 else last
                    feature = features.get(specification.identity(hashes[place]))
                    if feature is not None:
                        found[spelled[place]] = feature
        return found


@cache
def _hash(word: str) -> int:
    if len(word) > 1 and word.startswith("*"):
        return specification.combine(specification.NEGATED, _hash(word[1:]))
    return specification.token_hash(word.encode())


def fasttext_model(reviews: LabelledReviews) -> Any:
    """Train fastText's supervised model on the same reviews. Return None if fastText is not installed."""
    try:
        import fasttext  # noqa: PLC0415 -- optional
    except ImportError:
        print("fastText is not installed (requirements/bench.txt): it is left out.")
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reviews.txt"
        lines = (
            f"__label__{LABELS[label]} {prepared(review)}\n"
            for label, review in zip(reviews.labels, reviews.texts, strict=True)
        )
        path.write_text("".join(lines), encoding="utf-8")
        # The settings of fastText's tutorial for n-grams, with one thread as for all others here.
        return fasttext.train_supervised(str(path), epoch=10, lr=0.5, wordNgrams=2, thread=1, verbose=0)


def prepared(review: str) -> str:
    """Return a review in fastText's format: lower case, words and marks separated by spaces, on one line."""
    return " ".join(words(review))


def check(scorer: Scorer, twin: SklearnTwin, texts: list[str]) -> float:
    """Compare both sides on texts that the regular expression tokenizes identically.

    Return the fraction of such texts.
    """
    plain = [each for each in texts if PLAIN.fullmatch(each)]
    found, expected = scorer.score_texts(plain).score, twin.score(plain)
    worst = float(np.abs(found - expected).max())
    if worst > 1e-6:
        raise SystemExit(f"The two implementations disagree: a score differs by {worst:.2g}.")
    return len(plain) / len(texts)


def stages(scorer: Scorer, column: TextColumn, rounds: int) -> dict[str, float]:
    """Return the fraction of time that each stage takes, measured by omitting the later stages."""
    manifest = scorer.bundle.manifest
    recipe = TokenPipeline(manifest.recipe.negation_reach, version=manifest.recipe.version)
    tokens, bundle = recipe.tokens(column), scorer.bundle
    sizes = manifest.recipe.shortest_ngram, manifest.recipe.longest_ngram
    known = WeightedNgrams(*sizes, bundle.ngrams, bundle.weights, 0.0)
    nothing = WeightedNgrams(*sizes, bundle.ngrams[:0], bundle.weights[:, :0], 0.0)
    seconds = interleaved(
        {
            "tokens": lambda: recipe.tokens(column),
            "filtered": lambda: margins(tokens, nothing),
            "summed": lambda: margins(tokens, known),
        },
        rounds,
    )
    filtered, summed = seconds["filtered"].best, seconds["summed"].best
    whole = seconds["tokens"].best + summed
    return {
        "fraction of time: bytes to token hashes": seconds["tokens"].best / whole,
        "fraction of time: n-gram hashes and filter": filtered / whole,
        "fraction of time: look up, remove duplicates, sum": (summed - filtered) / whole,
    }


def threads_and_lengths(scorer: Scorer, texts: list[str], count: int, rounds: int) -> tuple[dict[str, float], float]:
    """Return texts/s on one and two threads and for long and short texts, and the speedup of two threads."""
    joined = " ".join(texts)
    repeated = joined * math.ceil((_STEP * count + 1_300) / len(joined))
    starts = range(0, _STEP * count, _STEP)
    long = TextColumn.from_texts([repeated[start : start + 1_300] for start in starts])
    short = TextColumn.from_texts([repeated[start : start + 100] for start in starts])
    seconds = interleaved(
        {
            "1,300 characters, 1 thread": lambda: scorer.score(long),
            "1,300 characters, 2 threads": lambda: scorer.score(long, 2),
            "100 characters, 1 thread": lambda: scorer.score(short),
        },
        rounds,
    )
    figures = {f"{count:,} texts of {name}: texts/s": long.size / each.best for name, each in seconds.items()}
    gain = seconds["1,300 characters, 1 thread"].best / seconds["1,300 characters, 2 threads"].best
    return figures, gain


def first_score_seconds(starts: int) -> float:
    """Return the shortest time from the start of a new process to its first score, with kernels in the cache."""
    program = (
        "import time; start = time.perf_counter();"
        "from sentiment_core.model.bundle import STARTER, Bundle; from sentiment_core.model.scorer import Scorer;"
        "Scorer(Bundle.load(STARTER)).score_texts(['good']); print(time.perf_counter() - start)"
    )
    return min(float(subprocess.check_output([sys.executable, "-c", program])) for _ in range(starts))


def bundle_load_seconds(rounds: int) -> float:
    """Return the time to load and verify the starter."""
    from sentiment_core.model.bundle import Bundle  # noqa: PLC0415

    return interleaved({"load": lambda: Bundle.load(STARTER)}, rounds)["load"].best


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    reviews = labelled_reviews(options.quick)
    labels = np.array([LABELS.index(label) for label in reviews.labels], np.int8)
    training, test = split(LabelledReviews(reviews.texts, labels, reviews.groups), 20)
    pin_to_one_core()
    scorer = trained(training, Params.load())
    twin = SklearnTwin(scorer, [*training.texts, *test.texts])
    few = test.texts[:SKLEARN_TEXTS]
    same = check(scorer, twin, few)
    column = TextColumn.from_texts(test.texts)
    array = pa.array(test.texts, pa.large_string())
    contenders = {
        "fused": lambda: scorer.score(column),
        "fused, from Python strings": lambda: scorer.score_texts(test.texts),
        "explained": lambda: scorer.reasons(column, 10),
        "sklearn": lambda: twin.score(few),
        "lowercase": lambda: pc.utf8_lower(array),
    }
    accuracy = {"fused": float(((scorer.score(column).score >= 0.5) == (test.labels == 2)).mean())}
    rival = fasttext_model(training)
    if rival:
        lines = [prepared(each) for each in test.texts]
        contenders["fasttext"] = lambda: rival.predict(lines)
        found = [labels[0] == "__label__positive" for labels in rival.predict(lines)[0]]
        accuracy["fasttext"] = float((np.array(found) == (test.labels == 2)).mean())
    rounds = 1 if options.quick else 5
    seconds = interleaved(contenders, rounds)
    rate = {name: len(few if name == "sklearn" else test.texts) / each.best for name, each in seconds.items()}
    megabytes = len(column.data) / 1e6
    ratios = {
        "scoring_vs_sklearn": rate["fused"] / rate["sklearn"],
        "scoring_vs_lowercase": seconds["lowercase"].best / seconds["fused"].best,
        "explaining_vs_scoring": seconds["explained"].best / seconds["fused"].best,
    }
    if rival:
        ratios["scoring_vs_fasttext"] = rate["fused"] / rate["fasttext"]
    figures: dict[str, object] = {
        "reviews": f"{len(test.texts):,} of {reviews.name}, {len(column.data) / len(test.texts):,.0f} bytes each",
        "features": f"{len(scorer.bundle.ngrams):,}",
        "fraction of reviews compared with scikit-learn at 1e-6": same,
        **{f"{name}: reviews/s": each for name, each in rate.items()},
        "fused: MB/s": megabytes / seconds["fused"].best,
        "lowercase: MB/s": megabytes / seconds["lowercase"].best,
        **{f"{name}: accuracy on unseen groups": each for name, each in accuracy.items()},
        **stages(scorer, column, 1 if options.quick else 7),
        "starter: load and verify, ms": 1e3 * bundle_load_seconds(rounds),
        "new process, first score, s": first_score_seconds(1 if options.quick else 3),
    }
    unpin()
    count, rounds = (500, 1) if options.quick else (100_000, 3)
    by_length, ratios["two_threads_vs_one"] = threads_and_lengths(scorer, test.texts, count, rounds)
    report(figures | by_length, ratios, GOALS, options.json)


if __name__ == "__main__":
    main()
