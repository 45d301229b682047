"""A few seconds of what `make soak` does for minutes."""

import json
import subprocess
import sys


def test_well_behaved_and_hostile_traffic_concurrently(checkout, tmp_path):
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.05", "--json", str(out)]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outcomes = json.loads(out.read_text())["figures"]["outcomes"]
    assert len(outcomes) > 20
    assert all(outcomes.values())
