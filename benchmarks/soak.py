"""Minutes of mixed well-behaved and hostile traffic against one process of the service.

The soak passes if all of these hold. Every well-behaved request gets a correct response, with the library's score.
Every hostile request is rejected with an expected outcome. No response has status 500. After the first quarter of the
run, memory grows by at most `GROWTH_MB`, by the linear trend. The log contains no error and no user input. The process
exits with code 0 after SIGTERM.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import numpy as np
import psutil
import uvloop

from benchmarks.api_batches import percentile
from benchmarks.harness import CHECKOUT, report
from benchmarks.running_service import answers, free_port
from benchmarks.soak_traffic import HOSTILE, MARK, ONE_TEXT, PATIENCE_S, VALID, Kind, Target
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer

GROWTH_MB = 8.0
_SHORT_S, _SHORT_GROWTH_MB = 60.0, 48.0  # in a shorter run the heap has not reached its size yet
_FAILURES_SHOWN = 10
_SAMPLE_S = 0.5
_READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Sent(NamedTuple):
    """The requests that a sender sent, with their outcomes."""

    outcomes: dict[str, dict[str, int]]  # by kind of traffic
    failures: list[str]
    seconds: list[float]  # of each request, in order of size


class Memory(NamedTuple):
    """The resident memory of the service during a run."""

    seconds: list[float]
    megabytes: list[float]

    def growth(self) -> float:
        """Return the growth after the first quarter in megabytes, by the linear trend of the rest."""
        seconds, megabytes = np.array(self.seconds), np.array(self.megabytes)
        late = seconds >= seconds[-1] / 4
        slope = np.polyfit(seconds[late], megabytes[late], 1)[0]
        return float(slope * (seconds[-1] - seconds[late][0]))


async def send(kinds: Mapping[str, Kind], port: int, seconds: float) -> Sent:
    """Send all kinds of traffic concurrently and repeatedly until the time is over."""
    until = time.monotonic() + seconds
    sent = Sent({name: Counter() for name in kinds}, [], [])
    timeout = aiohttp.ClientTimeout(PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        target = Target(port, Scorer(Bundle.load(STARTER)), session)

        async def keep_sending(name: str, kind: Kind) -> None:
            while time.monotonic() < until:
                start = time.perf_counter()
                try:
                    outcome = await asyncio.wait_for(kind.send(target), 2 * PATIENCE_S)
                except (OSError, EOFError, TimeoutError, aiohttp.ClientError, LookupError, ValueError) as error:
                    outcome = f"{type(error).__name__} {error}".strip()
                sent.seconds.append(time.perf_counter() - start)
                sent.outcomes[name][outcome] += 1
                if outcome not in kind.outcomes:
                    sent.failures.append(f"{name}: {outcome}")
                await asyncio.sleep(kind.pause_s)

        async with asyncio.TaskGroup() as tasks:
            for name, kind in kinds.items():
                for _ in range(kind.clients):
                    tasks.create_task(keep_sending(name, kind))
    sent.seconds.sort()
    return sent


def run_senders(kinds: Mapping[str, Kind], port: int, seconds: float) -> Sent:
    """Send from this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(send(kinds, port, seconds))


async def watched(process: psutil.Process, senders: list[asyncio.subprocess.Process]) -> tuple[Memory, list[Sent]]:
    """Sample the service's memory while the senders run. Return it with the senders' results."""
    memory, start = Memory([], []), time.monotonic()
    work = asyncio.gather(*(sender.communicate() for sender in senders))
    while not work.done():
        memory.seconds.append(time.monotonic() - start)
        memory.megabytes.append(process.memory_info().rss / 1e6)
        await asyncio.wait([work], timeout=_SAMPLE_S)
    return memory, [Sent(*json.loads(out)) for out, _ in work.result()]


async def soak(port: int, pid: int, seconds: float) -> tuple[Memory, list[Sent]]:
    """Send from two processes. One sends only single texts, whose latencies are reported."""
    command = [sys.executable, "-m", "benchmarks.soak", "--port", str(port), "--minutes", str(seconds / 60)]
    senders = [
        await asyncio.create_subprocess_exec(*command, "--send", kinds, cwd=CHECKOUT, stdout=subprocess.PIPE)
        for kinds in _SENDERS
    ]
    try:
        return await watched(psutil.Process(pid), senders)
    finally:
        for sender in senders:
            if sender.returncode is None:
                sender.kill()


def check_log(path: Path) -> list[str]:
    """Return the problems in the service's log."""
    wrong: Counter[str] = Counter()
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if MARK in line:
                wrong["log lines contain user input"] += 1
            try:
                entry = json.loads(line)
            except ValueError:
                wrong["log lines are not JSON"] += 1
                continue
            if entry["level"] in ("error", "critical"):
                wrong[f"log lines with the event {entry['event']} ({entry.get('error')})"] += 1
            if entry.get("status") == 500:
                wrong["requests got status 500"] += 1
    return [f"{count:,} {what}" for what, count in wrong.items()]


def main() -> int:
    """Run the soak, print its tables, and return 0 if it passed."""
    options = _arguments()
    seconds = 60 * options.minutes
    if options.send:
        print(json.dumps(run_senders(_SENDERS[options.send], options.port, seconds)))
        return 0
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "service.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "api"], cwd=CHECKOUT, env=_environment(port), stdout=file, stderr=file
            )
        try:
            while not answers(port, _READY):
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            memory, sent = asyncio.run(soak(port, process.pid, seconds))
            ended_early = process.poll() is not None
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        finally:
            process.kill()
        failures = check_log(log)
    if ended_early or code:
        failures.append(f"the process exited with code {code} {'before' if ended_early else 'after'} SIGTERM")
    bound = GROWTH_MB if seconds >= _SHORT_S else _SHORT_GROWTH_MB
    if memory.growth() > bound:
        failures.append(f"memory grew by {memory.growth():.1f} MB, more than the limit of {bound:.0f} MB")
    seen = Counter(failure for each in sent for failure in each.failures)
    failures += [f"{count:,} of {failure}" for failure, count in seen.most_common(_FAILURES_SHOWN)]
    show(memory, sent, failures, options.json)
    return 1 if failures else 0


def show(memory: Memory, sent: list[Sent], failures: list[str], path: Path | None) -> None:
    """Print the requests and their outcomes."""
    print("\n| traffic | sent | outcomes |\n|---|---|---|")
    for outcomes in (each.outcomes for each in sent):
        for name, found in outcomes.items():
            counts = ", ".join(f"{outcome}: {count:,}" for outcome, count in sorted(found.items()))
            print(f"| {name} | {sum(found.values()):,} | {counts} |")
    figures: dict[str, Any] = {
        "minutes": memory.seconds[-1] / 60,
        "requests": sum(len(each.seconds) for each in sent),
        "failures": len(failures),
        "memory at the start (MB)": memory.megabytes[0],
        "peak memory (MB)": max(memory.megabytes),
        "memory at the end (MB)": memory.megabytes[-1],
        "growth after the first quarter (MB)": memory.growth(),
        "p50 of one text (ms)": 1000 * percentile(sent[0].seconds, 0.5),
        "p99 of one text (ms)": 1000 * percentile(sent[0].seconds, 0.99),
        "outcomes": {name: found for each in sent for name, found in each.outcomes.items()},
    }
    report(figures, {}, {}, path)
    print("\n" + ("Passed." if not failures else "Failed:\n" + "\n".join(f"* {failure}" for failure in failures)))


_SENDERS: dict[str, Mapping[str, Kind]] = {"one": ONE_TEXT, "all": VALID | HOSTILE}


def _environment(port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}
    return kept | {"SENTIMENT_API_PORT": str(port), "SENTIMENT_API_DRAIN_S": "0"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="duration (default: 10)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write machine and figures to this file")
    parser.add_argument("--send", choices=_SENDERS, help="only send traffic, to a service that already runs at --port")
    parser.add_argument("--port", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
