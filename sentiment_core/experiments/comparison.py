"""Compare the results of an experiment, as a table and as a plot."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sentiment_core.errors import TrialsFailed
from sentiment_core.experiments.catalogue import Experiment, TrialResult
from sentiment_core.png import png_of

TABLE: Final = "comparison"  # the files' name
_FIELDS: Final = (
    "trial",
    "accuracy",
    "accuracy_stderr",
    "auc",
    "f1",
    "precision",
    "recall",
    "features",
    "learned_rows",
    "fit_seconds",
    "score_us_per_text",
    "failure",
)
HEADER: Final = ("trial", "accuracy", "± s.e.", "AUC", "F1", "features", "training rows", "fit s", "µs per text")
_INCHES_PER_TRIAL: Final = 0.3
_DPI: Final = 120
# Blue and orange remain distinguishable with red-green colour blindness (M. Okabe and K. Ito, 2008).
_ROUND_COLOURS: Final = ("#0072B2", "#D55E00", "#999999")
_FAILURES_SHOWN: Final = 3


class TrialComparison(NamedTuple):
    """The results of all trials of an experiment, the best first."""

    experiment: Experiment
    results: tuple[TrialResult, ...]

    @classmethod
    def of(cls, experiment: Experiment, results: Sequence[TrialResult]) -> "TrialComparison":
        """Rank results. A trial without a result counts as failed."""
        return cls(experiment, tuple(sorted(experiment.completed(results), key=lambda each: each.rank)))

    @property
    def failures(self) -> tuple[TrialResult, ...]:
        """The trials that failed."""
        return tuple(result for result in self.results if result.failure is not None)

    @property
    def best(self) -> TrialResult | None:
        """The best trial of the last round, or None when all failed."""
        return self.results[0] if self.results and self.results[0].failure is None else None

    @property
    def summary(self) -> str:
        """One paragraph: the number of trials, the best one, and the failed ones."""
        sentences = [f"{len(self.results)} trials, {len(self.failures)} failed."]
        if self.best:
            sentences.append(f"Best: {self.best.trial}, accuracy {self.best.measures['accuracy']:.2%}.")
        return " ".join((*sentences, *(f"{result.trial}: {result.failure}" for result in self.failures)))

    def require_success(self) -> None:
        """Raise `TrialsFailed` when a trial failed."""
        if self.failures:
            shown = [f"{each.trial}: {each.failure}" for each in self.failures[:_FAILURES_SHOWN]]
            if len(self.failures) > _FAILURES_SHOWN:
                shown.append(f"And {len(self.failures) - _FAILURES_SHOWN} more.")
            raise TrialsFailed(
                name=self.experiment.name,
                trials=len(self.results),
                count=len(self.failures),
                failures=" ".join(shown),
            )

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a formatted row for each trial, with its cells in the order of `HEADER`."""
        for result in self.results:
            if result.failure is not None:
                yield (result.trial, "failed", *[""] * (len(HEADER) - 2))
                continue
            measure = result.measures
            yield (
                result.trial,
                f"{measure['accuracy']:.2%}",
                f"{measure['accuracy_stderr']:.2%}",
                f"{measure['auc']:.4f}",
                f"{measure['f1']:.4f}",
                f"{measure['features']:,.0f}",
                f"{measure['learned_rows']:,.0f}",
                f"{measure['fit_seconds']:.2f}",
                f"{measure['score_us_per_text']:,.0f}",
            )

    def csv(self) -> str:
        """Return the table as CSV (RFC 4180) with unrounded figures."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, _FIELDS, extrasaction="ignore")
        writer.writeheader()
        for result in self.results:
            writer.writerow({"trial": result.trial, "failure": result.failure, **result.measures})
        return out.getvalue()

    def markdown(self) -> str:
        """Return the question and the formatted table as Markdown."""
        lines = [f"# {self.experiment.name}", "", self.experiment.question, "", _line(HEADER)]
        lines += ["|" + "---|" * len(HEADER), *map(_line, self.rows())]
        failures = [f"* {result.trial}: {result.failure}" for result in self.failures]
        if failures:
            lines += ["", "Failed:", "", *failures]
        return "\n".join((*lines, ""))

    def png(self) -> bytes:
        """Draw the accuracy of each trial with its standard error, coloured by round."""
        from matplotlib.figure import Figure  # noqa: PLC0415
        from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

        results = [result for result in self.results if result.failure is None][::-1]
        figure = Figure((9, 1.5 + _INCHES_PER_TRIAL * len(results)), dpi=_DPI, layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        last = len(self.experiment.shares) - 1
        for number in range(last, -1, -1):
            places = [place for place, result in enumerate(results) if result.round == number]
            axes.errorbar(
                [results[place].measures["accuracy"] for place in places],
                places,
                xerr=[results[place].measures["accuracy_stderr"] for place in places],
                fmt="o",
                capsize=3,
                color=_ROUND_COLOURS[(last - number) % len(_ROUND_COLOURS)],
                label=f"round {number + 1}: {self.experiment.shares[number] if number < last else 'all'} of the rows",
            )
        axes.set_yticks(range(len(results)), [result.trial for result in results])
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        axes.set_xlabel("accuracy on held-out folds, ± one standard error")
        axes.set_title(self.experiment.name)
        axes.grid(visible=True, axis="x", color="#E5E5E5")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if last:
            axes.legend(loc="upper left", frameon=False)
        return png_of(figure)

    def files(self) -> dict[str, bytes]:
        """Return the tables and the plot by file name: `comparison.csv`, `.md` and `.png`."""
        return {
            f"{TABLE}.csv": self.csv().encode(),
            f"{TABLE}.md": self.markdown().encode(),
            f"{TABLE}.png": self.png(),
        }

    def write(self, folder: Path) -> None:
        """Write the tables and the plot into a folder, created if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files().items():
            (folder / name).write_bytes(content)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
