"""How much large requests of some clients delay single predictions of others.

One process of the service runs on the first core, the load generator on the second. One connection sends single texts
of 100 characters without a pause: first alone, then while other connections send large requests without a pause. The
delay shows how long large requests block the event loop or hold the GIL.
"""

import asyncio
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from benchmarks.harness import arguments, labelled_reviews, report
from benchmarks.http_load import latencies_of, post
from benchmarks.running_service import free_port, service

GOALS = {"single_p99_ms_beside_batches": "≤ 5"}
EXPLAINED = "explanations of 100,000 characters"
SINGLE = "single predictions alone"
HEADERS = {"Content-Type": "application/json"}


def cases(text: str) -> dict[str, tuple[int, bytes]]:
    """Return the number of connections and the large request of each case."""

    def batch(characters: int) -> bytes:
        texts = [text[characters * number : characters * (number + 1)] for number in range(1_000)]
        # 1,000 texts of the length of a review would exceed the maximum body size.
        return post("/predict/batch", json.dumps({"texts": texts}, ensure_ascii=False).encode(), HEADERS)

    explained = json.dumps({"text": text[:100_000], "explain": True}).encode()
    return {
        "batches of 1,000 texts of 100 characters": (1, batch(100)),
        "batches of 1,000 texts of 900 characters": (1, batch(900)),
        "the same from 8 connections": (8, batch(900)),
        EXPLAINED: (1, post("/predict", explained, HEADERS)),
    }


async def measured(port: int, single: bytes, others: int, large: bytes, seconds: float) -> dict[str, float]:
    """Return the latencies of single requests in milliseconds, and the number of large requests in the same time."""
    loads = [latencies_of(port, single, 1, seconds)]
    if others:
        loads.append(latencies_of(port, large, others, seconds))
    found = await asyncio.gather(*loads)
    assert not any(errors for _, errors in found), "requests failed"
    singles = [1000 * each for each in found[0][0]]
    figures = {
        "p50_ms": percentile(singles, 0.5),
        "p99_ms": percentile(singles, 0.99),
        "p999_ms": percentile(singles, 0.999),
        "max_ms": singles[-1],
        "requests_per_second": len(singles) / seconds,
    }
    if others:
        figures["large_requests_per_second"] = len(found[1][0]) / seconds
        figures["large_p50_ms"] = 1000 * percentile(found[1][0], 0.5)
    return figures


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that the given fraction of the values does not exceed."""
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)]


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    seconds = 0.1 if options.quick else 10.0
    text = " ".join(reviews.texts[:2_000])
    single = post("/predict", json.dumps({"text": text[:100]}).encode(), HEADERS)
    port = free_port()
    found = {}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    with service([sys.executable, "-m", "api"], port, {"SENTIMENT_API_PORT": str(port)}, single):
        for name, (others, large) in {SINGLE: (0, b""), **cases(text)}.items():
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found[name] = runner.run(measured(port, single, others, large, seconds))
    show(found, reviews.name, options.json)


def show(found: dict[str, dict[str, float]], name: str, path: Path | None) -> None:
    """Print the table, and the worst p99 of single requests during batches."""
    print("\n| concurrent load | p50 (ms) | p99 (ms) | p99.9 (ms) | max (ms) | requests/s | large/s | large p50 (ms) |")
    print("|---|---|---|---|---|---|---|---|")
    for case, figures in found.items():
        print(f"| {case} | {' | '.join(f'{value:,.2f}' for value in figures.values())} |")
    worst = max(figures["p99_ms"] for case, figures in found.items() if case not in (SINGLE, EXPLAINED))
    report({"reviews": name, **found}, {"single_p99_ms_beside_batches": worst}, GOALS, path)


if __name__ == "__main__":
    main()
