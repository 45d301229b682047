"""Shared code of the benchmarks: the machine, the reviews, fair timing, and the report."""

import argparse
import csv
import json
import lzma
import os
import platform
import random
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parent.parent
REAL_DATA = Path(os.environ.get("SENTIMENT_REAL_DATA", CHECKOUT / "../shared/data"))

_TURN_SECONDS = 0.2

_PRAISE = ["wonderful", "great", "superb", "touching", "funny", "brilliant", "loved", "perfect", "gripping", "charming"]
_BLAME = ["awful", "boring", "terrible", "dull", "waste", "poor", "hated", "annoying", "mess", "predictable"]


class Reviews(NamedTuple):
    """Labelled reviews. The reviews of one group are about one thing."""

    name: str
    texts: list[str]
    labels: list[str]
    groups: list[str]


class Seconds(NamedTuple):
    """Durations of the runs of one contender."""

    best: float
    median: float


def labelled_reviews(quick: bool = False) -> Reviews:
    """Return the IMDB training split if it is present, else generated reviews of about the same length."""
    path = REAL_DATA / "imdb_train.csv.xz"
    if path.exists() and not quick:
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return Reviews(
            "IMDB training split (Maas et al., ACL 2011)",
            [row["review"] for row in rows],
            [row["sentiment"] for row in rows],
            [row["movie_id"] for row in rows],
        )
    print("Generated text replaces the IMDB reviews, so the accuracy is meaningless.")
    return _generated(300 if quick else 20_000)


def _generated(count: int) -> Reviews:
    """Return reviews of about 1,300 characters with a vocabulary as skewed as that of English (Zipf)."""
    dice = random.Random(7)
    words = ["".join(dice.choices("etaoinshrdlucmfw", k=dice.randint(2, 9))) for _ in range(40_000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    texts, labels = [], []
    for number in range(count):
        positive = number % 2 == 0
        spoken = dice.choices(words, weights, k=dice.randint(60, 360))
        for place in range(0, len(spoken), 12):
            spoken[place] = dice.choice(_PRAISE if positive == (dice.random() < 0.7) else _BLAME)
            spoken[place] += dice.choice([".", ",", "!", ".<br /><br />"])
        texts.append(" ".join(spoken))
        labels.append("positive" if positive else "negative")
    return Reviews("generated", texts, labels, [str(number // 5) for number in range(count)])


def interleaved(
    contenders: Mapping[str, Callable[[], object]], rounds: int = 5, before: Callable[[], object] | None = None
) -> dict[str, Seconds]:
    """Time each contender once per round, in turn, so that other load on the machine affects all of them equally.

    A quick contender runs several times per turn, so that it does not pay for the caches that the previous contender
    has filled. This does not apply if something must run `before` each run, or if there is only one round.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    once = before is not None or rounds == 1
    repeats = {name: 1 if once else _repeats(run) for name, run in contenders.items()}
    for _ in range(rounds):
        for name, run in contenders.items():
            if before:
                before()
            taken[name].append(_timed(run, repeats[name]))
    return {name: Seconds(min(each), statistics.median(each)) for name, each in taken.items()}


def _repeats(run: Callable[[], object]) -> int:
    """Return the number of runs per turn of a contender, from one run to warm up and one measured run."""
    if _timed(run) > _TURN_SECONDS:
        return 1
    return max(1, round(_TURN_SECONDS / _timed(run)))


def _timed(run: Callable[[], object], repeats: int = 1) -> float:
    """Return the duration of one run, averaged over several runs."""
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def measured(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command with additional environment variables.

    Return its duration in seconds and its peak memory in megabytes. Linux reports the memory while the command runs;
    its report after the end includes this process. On other systems the memory is 0.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
            peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.02)
    assert process.returncode == 0, command
    return time.perf_counter() - start, peak / 1000


def pin_to_one_core() -> None:
    """Pin this process to the last of its cores, if the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def unpin() -> None:
    """Allow this process to run on all cores again."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def machine() -> str:
    """Return the name of the measured machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def arguments(description: str | None) -> argparse.Namespace:
    """Parse the command line that all benchmarks share."""
    return argument_parser(description).parse_args()


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of the options that all benchmarks share, for benchmarks that have more."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write machine, figures and ratios to this file")
    parser.add_argument("--quick", action="store_true", help="smoke test on a small amount of generated text")
    parser.add_argument("--only", metavar="REGEX", help="run only the variants with matching names")
    return parser


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def report(
    figures: Mapping[str, object], ratios: Mapping[str, float], goals: Mapping[str, str], path: Path | None
) -> None:
    """Print figures and ratios as Markdown, and write them as JSON."""
    print(f"\nMachine: {machine()}\n\n| figure | value |\n|---|---|")
    for name, value in figures.items():
        if not isinstance(value, dict):  # a row of a separate table
            print(f"| {name} | {_shown(value)} |")
    if ratios:
        print("\n| ratio | value | goal |\n|---|---|---|")
    for name, value in ratios.items():
        print(f"| `{name}` | {value:.3g} | {goals.get(name, '')} |")
    if path:
        path.write_text(json.dumps({"machine": machine(), "figures": figures, "ratios": ratios}, indent=2) + "\n")
