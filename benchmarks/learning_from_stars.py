"""What starred reviews teach a model about a domain or language that it has never seen.

A case is a set that the starter model did not learn from, because of its licence. The starter is measured on it, and
then models that start from the weights of the starter (`model.base: starter`) and learn from 500, 5,000 and 20,000
starred reviews of the set. These pass the same selection as those of a snapshot: limits, duplicates, and the starter's
doubt about contradicting stars. For comparison, a model learns from these reviews alone. All models are measured on the
same 30 % of the set, by a hash of the text, which no model learns from and of which no training row is a
near-duplicate. The folder has one `NAME.csv.xz` with the columns review and sentiment per set, and `corpora.tsv` with
its language. Where people labelled a set, their labels replace the stars.
"""

import argparse
import csv
import lzma
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.harness import REAL_DATA, argument_parser, labelled_reviews, report
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.snapshot import Row
from sentiment_core.datasets.snapshot import labelled_reviews as snapshot_reviews
from sentiment_core.datasets.split import in_test
from sentiment_core.datasets.star_labels import Selection
from sentiment_core.datasets.star_scale import Reading, Scale
from sentiment_core.datasets.starred_reviews import PLACES, StarredReview
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles
from sentiment_core.params import Params
from sentiment_core.text.fingerprints import are_known, hash_texts
from sentiment_core.training.train import starter, train

SIZES: Final = (500, 5_000, 20_000)
HELD_OUT: Final = 30  # percent of the case's set
OTHERS: Final = 5  # percent of the rows of the starter's sets, to see whether the model forgets
_STARS: Final = {"negative": 1.0, "neutral": 3.0, "positive": 5.0}
_LABEL_OF: Final = {stars: label for label, stars in _STARS.items()}
# Colours that remain distinguishable with red-green colour blindness (M. Okabe and K. Ito, 2008), then two greys.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444", "#999999")


class LabelledSet(NamedTuple):
    """A set of n labelled texts of one language."""

    language: str
    texts: list[str]
    labels: list[str]

    def take(self, rows: NDArray[np.bool_]) -> "LabelledSet":
        """Return the selected rows."""
        chosen = np.flatnonzero(rows).tolist()
        return LabelledSet(self.language, [self.texts[row] for row in chosen], [self.labels[row] for row in chosen])


class Case(NamedTuple):
    """A domain or language, and the set that is learned from."""

    name: str
    learned: str


class Measures(NamedTuple):
    """Figures of a model on the held-out rows of a case."""

    starred: int  # rows that the model learned from stars
    suspicious: int  # of them with a tenth of the weight
    rows: int  # held-out rows with a polar label
    accuracy: float  # of the polar label that is more probable
    balanced: float  # the mean of that accuracy over both labels
    alone: float | None  # the same of a model of the starred rows alone; None if they are too few to train on
    neutral: float  # fraction of the polar rows that are labelled neutral
    macro_f1: float | None  # of all labels; None if the set has no neutral rows, or the model no such label
    others: float | None  # balanced accuracy on rows that the starter learned from, the mean over its sets, if present
    seconds: float


CASES: Final = (
    Case("Romanian, products", "laroseda_ro"),
    Case("Dutch, books", "pattern_nl"),
    Case("Japanese, products", "marc_ja"),
    Case("Catalan, hotels", "opener_ca"),
    Case("Basque, hotels", "opener_eu"),
    Case("Spanish, hotels", "opener_es"),
    Case("English, hotels", "opener_en"),
    Case("English, airlines", "twitter_airlines"),
)


def main() -> None:
    """Run the experiment and report."""
    options = _options()
    sets = _generated() if options.quick else read_sets(options.base, options.limit)
    cases = (Case("generated", "other"),) if options.quick else CASES
    sizes = (50, 100) if options.quick else tuple(options.sizes)
    params = _params(options)
    figures: dict[str, object] = {"reviews": "generated" if options.quick else f"{len(sets)} sets of {options.base}"}
    found: dict[str, list[Measures]] = {}
    columns = "balanced accuracy | stars alone | accuracy | neutral | macro-F1 | other sets | seconds"
    print(f"| case | starred reviews | {columns} |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    for case in cases:
        if not re.search(options.only or "", case.name) and not options.quick:
            continue
        if case.learned not in sets:
            print(f"| {case.name} | not measured: {options.base} has no set {case.learned} |")
            continue
        found[case.name] = []
        for measures in learn(case, sets, params, sizes):
            found[case.name].append(measures)
            print(_table_row(case.name, measures), flush=True)
        figures[case.name] = {"measures": [measures._asdict() for measures in found[case.name]]}
    if options.plot:
        draw(found, options.plot)
    report(figures, {}, {}, options.json)


def _options() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--base", type=Path, default=REAL_DATA / "corpora", help="folder of sets with corpora.tsv")
    parser.add_argument("--params", type=Path, help="training configuration of all models")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of starred reviews")
    parser.add_argument("--weight", type=float, help="weight of a starred review instead of that of the configuration")
    parser.add_argument("--folds", type=int, help="folds of each training instead of those of the configuration")
    parser.add_argument("--limit", type=int, help="maximum number of rows of each set, to try the experiment")
    parser.add_argument("--plot", type=Path, help="write the plot to this file (.svg or .png)")
    return parser.parse_args()


def _params(options: argparse.Namespace) -> Params:
    params = Params.load(options.params) if options.params else Params.load()
    changes: dict[str, dict[str, object]] = {"model": {"base": "starter"}, "data": {"labels": _every_label()}}
    if options.weight:
        changes["stars"] = {"weight": options.weight}
    if options.folds or options.quick:
        changes["calibration"] = {"folds": options.folds or 2}
    return params.changed(changes)


def read_sets(folder: Path, limit: int | None) -> dict[str, LabelledSet]:
    """Read the sets of a folder. `limit` takes the first rows of each set by the SHA-256 of the text."""
    with (folder / "corpora.tsv").open(encoding="utf-8", newline="") as file:
        languages = {row["name"]: row["language"] for row in csv.DictReader(file, delimiter="\t")}
    sets = {}
    for path in sorted(folder.glob("*.csv.xz")):
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = [(row["review"], row["sentiment"]) for row in csv.DictReader(file)]
        rows.sort(key=lambda row: sha256(row[0].encode()).digest())
        name = path.name.removesuffix(".csv.xz")
        texts, labels = zip(*rows[:limit], strict=True)
        sets[name] = LabelledSet(languages[name], list(texts), list(labels))
    return sets


def _generated() -> dict[str, LabelledSet]:
    """Return generated reviews, and the same with each word written backwards as another language."""
    read = labelled_reviews(quick=True)
    other = [" ".join(word[::-1] for word in text.split()) for text in read.texts]
    return {"one": LabelledSet("en", read.texts, read.labels), "other": LabelledSet("xx", other, read.labels)}


def learn(case: Case, sets: Mapping[str, LabelledSet], params: Params, sizes: Sequence[int]) -> Iterator[Measures]:
    """Yield the figures of the starter, and of a model for each number of starred reviews up to what the set has."""
    mine = sets[case.learned]
    held = in_test([" ".join(text.lower().split()) for text in mine.texts], HELD_OUT)
    test, starred = mine.take(held), mine.take(~held)
    starred = _apart(starred, test)
    sets_of_starter = {each["name"] for each in starter().provenance.get("sets", [])}
    others = {
        name: each.take(in_test(each.texts, OTHERS))
        for name, each in sets.items()
        if name in sets_of_starter and name != case.learned
    }
    judge = Scorer(starter())
    yield _measured(starter(), test, others)
    params = params.changed({"model": {"languages": [mine.language]}})
    for size in sorted({min(size, len(starred.texts)) for size in sizes}):
        start = time.perf_counter()
        rows = select(starred, params, size, judge)
        reviews = snapshot_reviews(rows)
        bundle = train(reviews, params, {})
        seconds = time.perf_counter() - start
        suspicious = sum(row.weight < params.stars.weight for row in rows)
        measured = _measured(bundle, test, others)
        yield measured._replace(
            starred=len(rows), suspicious=suspicious, seconds=seconds, alone=_alone(reviews, test, params)
        )


def _every_label() -> dict[str, tuple[str, ...]]:
    return {label: (label,) for label in LABELS}


def _apart(rows: LabelledSet, test: LabelledSet) -> LabelledSet:
    """Return the rows that are not near-duplicates of test rows."""
    near = Shingles(rows.texts).containment(test.texts) > NEARLY_ALL
    return rows.take(~(near | are_known(rows.texts, hash_texts(test.texts))))


def select(starred: LabelledSet, params: Params, size: int, judge: Scorer | None) -> list[Row]:
    """Return up to `size` of the starred reviews, as a snapshot selects them."""
    params = params.changed({"stars": {"most_rows": size}})
    reading = Reading((Scale(1, 5),), _LABEL_OF)
    selection = Selection(params, {("set", True): reading}, dict.fromkeys(params.data.labels, PLACES), ())
    for text, label in sorted(zip(starred.texts, starred.labels, strict=True), key=lambda row: _hash(row[0])):
        place = int.from_bytes(_hash(text)[:4], "big")
        fields = (place, "set", True, _STARS[label], text, None, None, None, starred.language, None, "", "", "", 0)
        selection.add(StarredReview(*fields))
    return selection.rows(judge)


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _alone(reviews: LabelledReviews, test: LabelledSet, params: Params) -> float | None:
    """Return the balanced accuracy of a model that learned from the starred rows only."""
    try:
        bundle = train(reviews, params.changed({"model": {"base": "none"}}), {})
    except TrainingDataInvalid:
        return None
    return float(np.mean(list(_polar_accuracies(Scorer(bundle), test).values())))


def _measured(bundle: Bundle, test: LabelledSet, others: Mapping[str, LabelledSet]) -> Measures:
    """Return the measures of the model itself."""
    scorer, names = Scorer(bundle), bundle.manifest.labels
    scores = scorer.score(TextColumn.from_texts(test.texts), threads=2)
    accuracies = _polar_accuracies(scorer, test)
    polar = np.array([label != "neutral" for label in test.labels], np.bool_)
    f1 = None
    if "neutral" in names and not polar.all():
        f1 = _macro_f1(np.array([LABELS.index(label) for label in test.labels]), scores.label)
    counts = Counter(label for label in test.labels if label != "neutral")
    kept = [np.mean(list(_polar_accuracies(scorer, each).values())) for each in others.values()]
    return Measures(
        starred=0,
        suspicious=0,
        rows=int(polar.sum()),
        accuracy=sum(accuracies[label] * count for label, count in counts.items()) / counts.total(),
        balanced=float(np.mean(list(accuracies.values()))),
        alone=None,
        neutral=float((scores.label[polar] == LABELS.index("neutral")).mean()),
        macro_f1=f1,
        others=float(np.mean(kept)) if kept else None,
        seconds=0,
    )


def _polar_accuracies(scorer: Scorer, rows: LabelledSet) -> dict[str, float]:
    """Return the accuracy of each polar label that occurs, by the one that is more probable."""
    probabilities = scorer.probabilities(TextColumn.from_texts(rows.texts), threads=2)
    names = scorer.bundle.manifest.labels
    positive = probabilities[:, names.index("positive")] >= probabilities[:, names.index("negative")]
    labels = np.array(rows.labels)
    return {
        label: float((positive[labels == label] == (label == "positive")).mean())
        for label in ("negative", "positive")
        if (labels == label).any()
    }


def _macro_f1(labels: NDArray[np.int64], predicted: NDArray[np.int8]) -> float:
    found = []
    for label in range(len(LABELS)):
        both = np.count_nonzero((labels == label) & (predicted == label))
        either = int(np.count_nonzero(labels == label) + np.count_nonzero(predicted == label))
        found.append(2 * both / max(either, 1))
    return float(np.mean(found))


def _table_row(name: str, measures: Measures) -> str:
    f1 = "" if measures.macro_f1 is None else f"{measures.macro_f1:.3f}"
    alone, others = ("" if value is None else f"{value:.1%}" for value in (measures.alone, measures.others))
    rates = (f"{value:.1%}" for value in (measures.accuracy, measures.neutral))
    figures = (f"{measures.balanced:.1%}", alone, *rates, f1, others, f"{measures.seconds:.0f}")
    return f"| {name} | {measures.starred:,} | {' | '.join(figures)} |"


def draw(found: Mapping[str, Sequence[Measures]], path: Path) -> None:
    """Draw balanced accuracy by the number of starred reviews, a line for each case."""
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, measures) in enumerate(found.items()):
        counts = [each.starred for each in measures]
        colour, marker = _COLOURS[number % len(_COLOURS)], "os^Dv<>P"[number % 8]
        axes.plot(counts, [each.balanced for each in measures], color=colour, marker=marker, label=name)
    axes.axhline(0.5, color="#666666", linestyle="--", linewidth=1)
    axes.annotate("chance", (20_000, 0.5), xytext=(0, 3), textcoords="offset points", color="#666666", ha="right")
    axes.set_xscale("symlog", linthresh=500)
    ticks = sorted({0, *SIZES})
    axes.set_xticks(ticks, [f"{tick:,}" if tick else "starter alone" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(-30, 25_000)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("Starred reviews of the domain or language that the model learned from")
    axes.set_ylabel("Balanced accuracy on held-out rows")
    axes.set_title("Learning from stars: domains and languages that the starter never saw")
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    # Without a date and with a fixed salt, the same figures give the same file.
    with mpl.rc_context({"svg.hashsalt": "learning from stars", "svg.fonttype": "path"}):
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else {})


if __name__ == "__main__":
    main()
