"""Simulate a night: very many files, planned by the planner of `score_reviews`, over N pods that fail.

The plan is that of `balanced` with the default settings. Everything else is a model of the system with the rates of
docs/performance.md, which were measured on one machine:

* A pod loads the files of its group one after another, each in one transaction. Reading, checking and scoring overlap
  with COPY, so a file takes the longer of both. The server's cores are shared by all pods.
* Heads, sums and commit follow under one lock, which one load of all pods can hold (docs/decisions/0004).
* A pod dies at random. The file in progress is lost. Airflow notices it, waits, and starts the task again; files that
  are committed are skipped. A file can also fail alone, or wait too long for the lock: the others of its group
  continue, and the task is retried.
"""

import heapq
import random
from argparse import ArgumentParser, Namespace
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import argument_parser, report
from sentiment_core.loading.scoring_run import FILE_BYTES, balanced
from sentiment_core.settings import Settings

PRICES = Path(__file__).parent.parent / "infra" / "prices.tsv"
POD_CORES = 2


class File(NamedTuple):
    """A dropped file."""

    rows: int
    size: int  # bytes


class Rates(NamedTuple):
    """Seconds of one processor core per row, and of the lock per file. `bytes` is the size of a row in its file."""

    worker: float
    copy: float
    lock: float
    lock_per_file: float
    bytes: int


# docs/performance.md, "Many small files" and "Where the time goes": 8 and 31 µs in Python, COPY of reviews and scores
# 11.9 and 16.1 µs, and then heads, sums, ledger and commit, which do not depend on the text: 6.3 µs per row, of files
# with many products, and 11 ms per file.
SHORT = Rates(8e-6, 11.9e-6, 6.3e-6, 0.011, 200)
LONG = Rates(31e-6, 16.1e-6, 6.3e-6, 0.011, 1_450)


class Night(NamedTuple):
    """The sizes of the system and the failures."""

    pods: int
    server_cores: int = 8
    deaths_per_pod_hour: float = 0.1
    failures_per_file: float = 0.001
    start_s: float = 15.0  # from an idle pod to the first file of a task
    noticed_s: float = 300.0  # until Airflow misses the heartbeats of a dead pod
    retry_s: float = 60.0
    retries: int = 3
    lock_timeout_s: float = 60.0  # `SENTIMENT_LOCK_TIMEOUT_S`; the file then fails and is loaded again


@dataclass
class Outcome:
    """What a night gives."""

    seconds: float = 0.0
    commits: Counter[int] = field(default_factory=Counter)  # file -> number of commits
    rows_lost: float = 0.0  # rows whose work was lost with a pod, and done again
    deaths: int = 0
    failed_files: int = 0
    timeouts: int = 0  # of the lock
    attempts: int = 0  # of tasks
    cleared: int = 0  # tasks that failed after all retries; the model clears them as an operator would
    lock_s: float = 0.0
    copy_core_s: float = 0.0
    worker_core_s: float = 0.0


@dataclass
class Pod:
    """A pod and the task that it runs. `work` is what is left of its present stage, in seconds at full speed."""

    attempt: int = 0  # of the task
    stage: str = "idle"  # idle, starting, copying, waiting (for the lock), committing
    work: float = 0.0
    dies_at: float = float("inf")
    files: deque[int] = field(default_factory=deque)  # of the task, the first is in progress
    later: list[int] = field(default_factory=list)  # files that failed alone


def drops(files: int, rows: int, bytes_per_row: int, dice: random.Random) -> list[File]:
    """Return files of log-normal sizes with about the given number of rows in all: many small ones, some huge ones."""
    weights = [dice.lognormvariate(0, 1.5) for _ in range(files)]
    scale = rows / sum(weights)
    counts = [max(1, round(weight * scale)) for weight in weights]
    return [File(count, count * bytes_per_row) for count in counts]


def plan(files: list[File], settings: Settings) -> list[list[int]]:
    """Return the groups that a run of `score_reviews` would have."""
    sizes = ((number, file.size + FILE_BYTES) for number, file in enumerate(files))
    return balanced(sizes, settings.group_bytes, settings.max_groups)


class Simulation:
    """A night, event by event. Between two events every pod works at a constant speed."""

    def __init__(self, files: list[File], groups: list[list[int]], night: Night, rates: Rates, dice: random.Random):
        self.files, self.night, self.rates, self.dice = files, night, rates, dice
        self.now = 0.0
        self.queue = [
            (0.0, number, list(group), 1) for number, group in enumerate(groups)
        ]  # not before, order, …, attempt
        self.pods = [Pod() for _ in range(night.pods)]
        self.lock: Pod | None = None
        self.waiting: deque[Pod] = deque()
        self.found = Outcome()
        self.order = len(groups)

    def run(self) -> Outcome:
        """Return the outcome of the night."""
        while self.queue or any(pod.stage != "idle" for pod in self.pods):
            self._start_tasks()
            self._advance()
        self.found.seconds = self.now
        return self.found

    def _start_tasks(self) -> None:
        for pod in self.pods:
            if pod.stage == "idle" and self.queue and self.queue[0][0] <= self.now:
                _, _, files, pod.attempt = heapq.heappop(self.queue)
                pod.stage, pod.work, pod.files, pod.later = "starting", self.night.start_s, deque(files), []
                hazard = self.night.deaths_per_pod_hour / 3600
                pod.dies_at = self.now + (self.dice.expovariate(hazard) if hazard else float("inf"))
                self.found.attempts += 1
                self.found.cleared += pod.attempt == 2 + self.night.retries

    def _advance(self) -> None:
        """Go to the next event, and handle it."""
        speed = self._copy_speed()
        busy = [pod for pod in self.pods if pod.stage != "idle"]
        ends = [(pod.work / (speed if pod.stage == "copying" else 1), pod) for pod in busy]
        step = min((end for end, _ in ends), default=float("inf"))
        step = min([step, *(pod.dies_at - self.now for pod in busy)])
        if self.queue and len(busy) < len(self.pods):
            step = min(step, max(0.0, self.queue[0][0] - self.now))
        self.now += step
        for end, pod in ends:
            pod.work = 0.0 if end <= step else pod.work - step * (speed if pod.stage == "copying" else 1)
        for pod in busy:
            if pod.dies_at <= self.now:
                self._die(pod)
            elif pod.work <= 0:
                self._next_stage(pod)

    def _copy_speed(self) -> float:
        """Return the speed of all copying pods: less than 1 if the server has too few cores for them."""
        copying = sum(pod.stage == "copying" for pod in self.pods)
        wanted = copying * self.rates.copy / self._row_seconds()
        return min(1.0, (self.night.server_cores - (self.lock is not None)) / wanted) if wanted else 1.0

    def _row_seconds(self) -> float:
        return max(self.rates.copy, self.rates.worker / POD_CORES)

    def _next_stage(self, pod: Pod) -> None:
        if pod.stage == "copying":
            pod.stage, pod.work = "waiting", self.night.lock_timeout_s
            self.waiting.append(pod)
        else:
            if pod.stage == "waiting":
                self._time_out(pod)
            if pod.stage == "committing":
                self.lock = None
                self._committed(pod)
            self._open_file(pod)
        self._give_lock()

    def _time_out(self, pod: Pod) -> None:
        """Give up a file that waited too long for the lock. Its transaction is rolled back."""
        self.waiting.remove(pod)
        self.found.timeouts += 1
        self.found.rows_lost += self.files[pod.files[0]].rows
        pod.later.append(pod.files.popleft())

    def _open_file(self, pod: Pod) -> None:
        """Start the next file that does not fail alone, or end the task."""
        while pod.files and self.dice.random() < self.night.failures_per_file:
            self.found.failed_files += 1
            pod.later.append(pod.files.popleft())
        if pod.files:
            pod.stage, pod.work = "copying", self.files[pod.files[0]].rows * self._row_seconds()
            return
        pod.stage, pod.dies_at = "idle", float("inf")
        self._retry(pod, pod.later, self.night.retry_s)

    def _give_lock(self) -> None:
        if self.lock is None and self.waiting:
            self.lock = pod = self.waiting.popleft()
            pod.stage = "committing"
            pod.work = self.files[pod.files[0]].rows * self.rates.lock + self.rates.lock_per_file

    def _committed(self, pod: Pod) -> None:
        number = pod.files.popleft()
        rows = self.files[number].rows
        self.found.commits[number] += 1
        self.found.lock_s += rows * self.rates.lock + self.rates.lock_per_file
        self.found.copy_core_s += rows * self.rates.copy
        self.found.worker_core_s += rows * self.rates.worker

    def _die(self, pod: Pod) -> None:
        """End a pod. The transaction of its file is rolled back, and its task starts again after a while."""
        self.found.deaths += 1
        if pod.stage == "copying":
            self.found.rows_lost += self.files[pod.files[0]].rows - pod.work / self._row_seconds()
        elif pod.stage in ("waiting", "committing"):
            self.found.rows_lost += self.files[pod.files[0]].rows
        if pod.stage == "waiting":
            self.waiting.remove(pod)
        if pod is self.lock:
            self.lock = None
        pod.stage, pod.dies_at = "idle", float("inf")
        self._retry(pod, [*pod.later, *pod.files], self.night.noticed_s + self.night.retry_s)
        self._give_lock()

    def _retry(self, pod: Pod, files: list[int], after: float) -> None:
        if files:
            self.order += 1
            heapq.heappush(self.queue, (self.now + after, self.order, sorted(files), pod.attempt + 1))


def node_usd_per_hour() -> float:
    """Return the price of a node with two cores in EKS Auto Mode."""
    lines = (line.split("\t") for line in PRICES.read_text().splitlines() if not line.startswith("#"))
    prices = {name: float(price) for name, _, price, _ in lines}
    return prices["m7i.large"] * (1 + prices["auto-mode"])


def figures_of(files: list[File], found: Outcome, night: Night) -> Iterator[tuple[str, object]]:
    """Yield the figures of a night, after checking that it lost and doubled nothing."""
    assert found.commits == Counter(range(len(files))), "a file was not committed exactly once"
    rows = sum(file.rows for file in files)
    yield "hours", found.seconds / 3600
    yield "rows/s", rows / found.seconds
    yield "rows done twice", f"{found.rows_lost / rows:.2%}"
    yield "pods that died", found.deaths
    yield "files that failed once", found.failed_files
    yield "waits for the lock that timed out", found.timeouts
    yield "tasks started", found.attempts
    yield "tasks that failed after all retries", found.cleared
    yield "lock busy", f"{found.lock_s / found.seconds:.0%}"
    cores = (found.copy_core_s + found.lock_s) / found.seconds / night.server_cores
    yield "server cores busy", f"{cores:.0%}"
    yield "pod cores busy", f"{found.worker_core_s / found.seconds / night.pods / POD_CORES:.0%}"
    yield "USD for the pods", found.seconds / 3600 * night.pods * node_usd_per_hour()


def parser() -> ArgumentParser:
    """Return the parser of the command line."""
    options = argument_parser(__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--rows", type=int, default=1_000_000_000)
    options.add_argument("--pods", type=int, nargs="+", default=[1, 4, 16, 64])
    options.add_argument("--server-cores", type=int, default=8)
    options.add_argument("--long", action="store_true", help="texts of 1,300 characters instead of 100")
    options.add_argument("--seed", type=int, default=7)
    return options


def simulated(options: Namespace) -> dict[str, object]:
    """Simulate a night for each number of pods."""
    rates = LONG if options.long else SHORT
    files = drops(options.files, options.rows, rates.bytes, random.Random(options.seed))
    groups = plan(files, Settings())
    figures: dict[str, object] = {
        "files": len(files),
        "rows": sum(file.rows for file in files),
        "GB": sum(file.size for file in files) / 1e9,
        "groups": len(groups),
        "largest file, rows": max(file.rows for file in files),
    }
    for pods in options.pods:
        night = Night(pods, options.server_cores)
        found = Simulation(files, groups, night, rates, random.Random(options.seed)).run()
        figures |= {f"{pods} pods: {name}": value for name, value in figures_of(files, found, night)}
    return figures


def main() -> None:
    """Run the simulation and report."""
    options = parser().parse_args()
    if options.quick:
        options.files, options.rows = 200, 2_000_000
    report(simulated(options), {}, {}, options.json)


if __name__ == "__main__":
    main()
