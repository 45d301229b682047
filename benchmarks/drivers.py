"""Drivers and aspects: the time of the sums of contributions against that of a plain score, on one core."""

from benchmarks.harness import arguments, interleaved, labelled_reviews, pin_to_one_core, report
from sentiment_core.aspects.catalogue import read_aspects
from sentiment_core.aspects.opinions import OpinionFinder
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drivers.movements import tokens_of
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.sums import ContributionSums

GOALS = dict.fromkeys(
    (f"{what}_vs_score_{length}" for what in ("sums", "aspects") for length in (1300, 100)), "≤ 2.5 (time)"
)


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    pin_to_one_core()
    reviews = labelled_reviews(options.quick)
    texts = reviews.texts
    joined = " ".join(texts[:1_000])
    short = [joined[start : start + 100] for start in range(0, len(joined) - 100, 101)]
    scorer = Scorer(Bundle.load(STARTER))
    finder = OpinionFinder(scorer, read_aspects(None))
    figures: dict[str, object] = {"reviews": reviews.name}
    ratios: dict[str, float] = {}
    for length, chosen in ((1_300, texts[:5_000]), (100, short)):
        sums = ContributionSums(scorer.ngrams)

        def score(chosen: list[str] = chosen) -> None:
            scorer.score(TextColumn.from_texts(chosen))

        def add(chosen: list[str] = chosen, sums: ContributionSums = sums) -> None:
            for tokens in tokens_of(scorer, chosen):
                sums.add(tokens)

        def find(chosen: list[str] = chosen) -> None:
            finder.find(TextColumn.from_texts(chosen))

        contenders = {"score": score, "sums": add, "aspects": find}
        seconds = interleaved(contenders, rounds=1 if options.quick else 7)
        for name, each in seconds.items():
            figures[f"{length:,} characters, {name}: µs a text"] = 1e6 * each.best / len(chosen)
        for name in ("sums", "aspects"):
            ratios[f"{name}_vs_score_{length}"] = seconds[name].best / seconds["score"].best
    report(figures, ratios, GOALS, options.json)


if __name__ == "__main__":
    main()
