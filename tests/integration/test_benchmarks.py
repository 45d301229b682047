"""The benchmarks run without any data set, and report the machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Each commit runs those that the project's own statements or kernels can break. The others start services, load or
# train for most of the time of all, and only their authors use them.
EACH_COMMIT = {
    "scoring": {"scoring_vs_sklearn", "scoring_vs_lowercase"},
    "analytics": {"daily_vs_count", "products_vs_count", "month_vs_scan"},
}
NIGHTLY = {
    "load": {"load_vs_copy", "load_vs_heap", "load_vs_copy_short"},
    "api": {"api_vs_bare_aiohttp", "api_vs_flask", "api_p99_vs_flask", "api_vs_mlflow_serve"},
    "training": {"training_vs_sklearn"},
    "api_batches": {"single_p99_ms_beside_batches"},
    "api_start": {"slowest_start_s", "resident_mb"},
    "drivers": {"sums_vs_score_1300", "sums_vs_score_100", "aspects_vs_score_1300", "aspects_vs_score_100"},
    "engines": {"duckdb_vs_cli_1300", "duckdb_vs_cli_100"},
    "model_choices": set(),
    "learning_from_stars": set(),
}


@pytest.mark.parametrize(
    ("name", "ratios"),
    [*EACH_COMMIT.items(), *(pytest.param(*each, marks=pytest.mark.nightly) for each in NIGHTLY.items())],
)
def test_a_benchmark_runs_on_generated_text(name: str, ratios: set[str], tmp_path: Path, checkout: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json", str(out), "--only", "shipped|1-2-grams"]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(out.read_text())
    assert "cores" in found["machine"]
    assert ratios <= set(found["ratios"])
    assert all(ratio > 0 for ratio in found["ratios"].values())
    assert "generated" in found["figures"]["reviews"]
