"""The service under load, compared with a minimal aiohttp service, a Flask service and `mlflow models serve`.

Each contender is one process on the first core. The load generator is a process on the second. All contenders get the
same requests in turn: a short text, and one of the length of a review. Each response must have status 200. The service
runs with all features: validation, API keys, a rate limit per client, all other limits, metrics and the access log.
"""

import hashlib
import json
import os
import pickle
import secrets
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from benchmarks.harness import arguments, labelled_reviews, report
from benchmarks.http_load import Load, post
from benchmarks.running_service import free_port, load, service
from benchmarks.scoring import SklearnTwin
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer

GOALS = {
    "api_vs_bare_aiohttp": "≥ 0.6",
    "api_vs_flask": "≥ 10",
    "api_p99_vs_flask": "≤ 0.15",
    "api_vs_mlflow_serve": "≥ 10",
}
CONNECTIONS = (1, 8, 64)
KEY = secrets.token_urlsafe(32)
MLFLOW = "mlflow models serve"


def save_pyfunc(folder: Path) -> None:
    """Save the starter model in the form that `sentiment registry register` registers."""
    signature = ModelSignature(inputs=Schema([ColSpec(DataType.string, "text")]))
    mlflow.pyfunc.save_model(
        str(folder),
        loader_module="sentiment_core.pyfunc",
        data_path=str(STARTER),
        signature=signature,
        input_example=pd.DataFrame({"text": ["It works well and looks lovely."]}),
        pip_requirements=["pandas"],  # without them MLflow would load the model to infer them
    )


def request_of(contender: str, text: str) -> bytes:
    """Return a contender's request to score one text."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    if contender == MLFLOW:
        return post("/invocations", json.dumps({"dataframe_records": [{"text": text}]}).encode(), headers)
    return post("/predict", json.dumps({"text": text}).encode(), headers)


def guarded(port: int) -> dict[str, str]:
    """Return the service's settings: several API keys, and a rate limit that is never reached."""
    entries = [
        f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in (("other", "unused"), ("own", KEY))
    ]
    return {
        "SENTIMENT_API_PORT": str(port),
        "SENTIMENT_API_KEYS": json.dumps(entries),
        "SENTIMENT_RATE_LIMIT_PER_S": "10000000",
        "SENTIMENT_RATE_LIMIT_BURST": "10000000",
    }


def contenders(folder: Path, texts: list[str]) -> dict[str, tuple[list[str], int, dict[str, str]]]:
    """Return the command, the port and the environment of each service."""
    ports = {name: free_port() for name in ("service", "bare aiohttp", "flask", MLFLOW)}
    save_pyfunc(folder / "pyfunc")
    pickled = folder / "model.pickle"
    pickled.write_bytes(pickle.dumps(SklearnTwin(Scorer(Bundle.load(STARTER)), texts)))
    python = sys.executable
    gunicorn = [python, "-m", "gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{ports['flask']}"]
    return {
        "service": ([python, "-m", "api"], ports["service"], guarded(ports["service"])),
        "bare aiohttp": (
            [python, "-m", "benchmarks.services.bare", str(ports["bare aiohttp"])],
            ports["bare aiohttp"],
            {},
        ),
        "flask": (
            [*gunicorn, "benchmarks.services.replaced:app"],
            ports["flask"],
            {"SENTIMENT_PICKLE": str(pickled)},
        ),
        MLFLOW: (
            [
                *(python, "-m", "mlflow", "models", "serve", "--model-uri", str(folder / "pyfunc")),
                *("--env-manager", "local", "--port", str(ports[MLFLOW]), "--workers", "1"),
            ],
            ports[MLFLOW],
            {"PATH": f"{Path(python).parent}:{os.environ['PATH']}"},  # MLflow finds uvicorn on the path
        ),
    }


def main() -> None:
    """Measure and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    texts = {"100 characters": reviews.texts[0][:100], "1,300 characters": long_text(reviews.texts)}
    rounds, seconds = (1, 0.05) if options.quick else (3, 2.0)
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        running_at = {}
        requests = {}
        for contender, (command, port, environment) in contenders(folder, reviews.texts[:2_000]).items():
            for size, text in texts.items():
                requests[contender, size] = folder / f"{contender}, {len(text)}.http"
                requests[contender, size].write_bytes(request_of(contender, text))
            first = requests[contender, next(iter(texts))].read_bytes()
            running_at[contender] = running.enter_context(service(command, port, environment, first))
        measured = {
            (contender, size, connections): []
            for size in texts
            for connections in CONNECTIONS
            for contender in running_at
        }
        for _ in range(rounds):
            for (contender, size, connections), loads in measured.items():
                loads.append(load(running_at[contender], requests[contender, size], connections, seconds))
    show({key: best(loads) for key, loads in measured.items()}, reviews.name, options.json)


def long_text(texts: list[str]) -> str:
    """Return the text whose length is nearest to that of a typical review."""
    return min(texts, key=lambda text: abs(len(text) - 1_300))


def best(loads: list[Load]) -> Load:
    """Return the best value of each figure."""
    return Load(
        max(each.requests_per_second for each in loads),
        min(each.p50_ms for each in loads),
        min(each.p99_ms for each in loads),
        0,
    )


def show(measured: Mapping[tuple[str, str, int], Load], name: str, path: Path | None) -> None:
    """Print the table and the ratios."""
    print("\n| contender | text | connections | requests/s | p50 (ms) | p99 (ms) |\n|---|---|---|---|---|---|")
    for (contender, size, connections), found in measured.items():
        rate, p50, p99, _ = found
        print(f"| {contender} | {size} | {connections} | {rate:,.0f} | {p50:.2f} | {p99:.2f} |")
    sizes = dict.fromkeys(size for _, size, _ in measured)
    ratios = {
        "api_vs_bare_aiohttp": min(
            rate_ratio(measured, "bare aiohttp", size, at) for size in sizes for at in CONNECTIONS
        ),
        "api_vs_flask": min(rate_ratio(measured, "flask", size, 64) for size in sizes),
        "api_p99_vs_flask": max(
            measured["service", size, 64].p99_ms / measured["flask", size, 64].p99_ms for size in sizes
        ),
        "api_vs_mlflow_serve": min(rate_ratio(measured, MLFLOW, size, at) for size in sizes for at in CONNECTIONS),
    }
    figures: dict[str, Any] = {"reviews": name}
    for (contender, size, connections), found in measured.items():
        figures[f"{contender}, {size}, {connections} connections"] = found._asdict()
    report(figures, ratios, GOALS, path)


def rate_ratio(measured: Mapping[tuple[str, str, int], Load], other: str, size: str, connections: int) -> float:
    """Return the ratio of the service's requests/s to those of another."""
    ours, theirs = measured["service", size, connections], measured[other, size, connections]
    return ours.requests_per_second / theirs.requests_per_second


if __name__ == "__main__":
    main()
