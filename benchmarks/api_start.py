"""Start time and memory of the service.

The start time is measured from the start of the process to the first 200 of `/readyz`, with compiled kernels and
fetched models in their caches. The cases are the starter model, a bundle, and the champion of a registry that answers,
that refuses connections, and that accepts connections but sends no response. Memory is the resident memory after 10,000
mixed requests.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from benchmarks.harness import CHECKOUT, arguments, labelled_reviews, report
from benchmarks.http_load import post
from benchmarks.running_service import answers, free_port
from demo.stack import Stack
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel

GOALS = {"slowest_start_s": "≤ 3", "resident_mb": "≤ 256"}
READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PATIENCE_S = 60
_SHOWN_IMPORTS = 12
_JSON = {"Content-Type": "application/json"}


@contextmanager
def started(environment: Mapping[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """Run a service. Yield its port, its process, and the seconds until it was ready."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "api"],
        cwd=CHECKOUT,
        env=clean | {"SENTIMENT_API_PORT": str(port), "SENTIMENT_API_DRAIN_S": "0"} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(port, READY):
            assert process.poll() is None, f"the service ended with {process.returncode}"
            assert time.perf_counter() - start < PATIENCE_S, "the service did not become ready"
            time.sleep(0.005)
        yield port, process, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


def seconds_to_ready(environment: Mapping[str, str], rounds: int, before: int) -> float:
    """Return the median start time in seconds, after `before` warm-up starts that fill the caches."""
    taken = []
    for _ in range(before + rounds):
        with started(environment) as (_, _, seconds):
            taken.append(seconds)
    return statistics.median(taken[before:])


def starts(folder: Path, rounds: int, before: int) -> dict[str, float]:
    """Return the seconds until each case is ready."""
    bundle = folder / "bundle"
    shutil.copytree(STARTER, bundle)
    found = {"the starter model": seconds_to_ready({}, rounds, before)}
    found["a bundle"] = seconds_to_ready({"SENTIMENT_BUNDLE": str(bundle)}, rounds, before)
    cached = {"SENTIMENT_MODEL_CACHE": str(folder / "cache")}
    with Stack(folder / "stack", ("postgres", "object_store", "mlflow"), durable=False) as stack:
        registry = RegisteredModel(stack.mlflow.url, cache=folder / "cache")
        registry.set_alias(CHAMPION, registry.register(STARTER))
        up = cached | {"SENTIMENT_MLFLOW_TRACKING_URI": stack.mlflow.url}
        found["the champion, MLflow up"] = seconds_to_ready(up, rounds, before)
    refused = {"SENTIMENT_MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}"}
    found["the champion, MLflow down"] = seconds_to_ready(cached | refused, rounds, before)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nothing = {"SENTIMENT_MLFLOW_TRACKING_URI": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        found["the champion, MLflow silent"] = seconds_to_ready(cached | nothing, 1, before=0)
    return found


def mixed_requests(texts: list[str]) -> list[bytes]:
    """Return the requests to send in turn: texts of all lengths, explanations, forms, small and large batches."""

    def of(path: str, payload: dict[str, Any]) -> bytes:
        return post(path, json.dumps(payload).encode(), _JSON)

    singles = [of("/predict", {"text": text}) for text in texts[:70]]
    explained = [of("/predict", {"text": text[:3_000], "explain": True}) for text in texts[70:85]]
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    forms = [post("/predict", urlencode({"text": text}).encode(), form) for text in texts[85:90]]
    batches = [of("/predict/batch", {"texts": texts[90 : 90 + size]}) for size in (3, 10, 30, 100)]
    large = of("/predict/batch", {"texts": [text[:800] for text in texts[:500] * 2]})
    long = of("/predict", {"text": " ".join(texts[:80])[:100_000]})
    return [*singles, *explained, *forms, *batches, large, long, *singles[:4]]


def resident_mb(texts: list[str], requests: int) -> dict[str, float]:
    """Return the resident memory of a service when it is ready and after many requests, in megabytes."""
    sent = mixed_requests(texts)
    with started({}) as (port, process, _):
        first = psutil.Process(process.pid).memory_info().rss / 1e6
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as received:
            for number in range(requests):
                connection.sendall(sent[number % len(sent)])
                _read_answer(received)
        return {"ready": first, "after the requests": psutil.Process(process.pid).memory_info().rss / 1e6}


def _read_answer(received: Any) -> None:
    status = received.readline()
    assert status.startswith(b"HTTP/1.1 200"), status
    length = 0
    while (line := received.readline().lower()) != b"\r\n":
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    received.read(length)


def slowest_imports() -> dict[str, float]:
    """Return the slowest imports in seconds, each with the modules that it is the first to import."""
    script = "import api.__main__"
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = {}
    for line in ran.stderr.splitlines():
        timed = re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line)
        if timed:
            package = timed[2].partition(".")[0]
            found[package] = found.get(package, 0.0) + int(timed[1]) / 1e6
    return dict(sorted(found.items(), key=lambda each: -each[1])[:_SHOWN_IMPORTS])


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    with tempfile.TemporaryDirectory() as name:
        seconds = starts(Path(name), *((1, 0) if options.quick else (5, 1)))
    requests = 200 if options.quick else 10_000
    memory, imports = resident_mb(reviews.texts, requests), slowest_imports()
    show("start with", "s", seconds)
    show("memory", "MB", memory)
    show("import", "s", imports)
    silent = seconds.pop("the champion, MLflow silent")
    figures = {"reviews": reviews.name, "requests": requests, "MLflow silent (s)": silent}
    ratios = {"slowest_start_s": max(seconds.values()), "resident_mb": memory["after the requests"]}
    report(figures | {"starts": seconds, "memory": memory, "imports": imports}, ratios, GOALS, options.json)


def show(title: str, unit: str, found: Mapping[str, float]) -> None:
    """Print one table."""
    print(f"\n| {title} | {unit} |\n|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:,.3g} |")


if __name__ == "__main__":
    main()
