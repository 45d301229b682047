"""Kernels compiled as in an image: for every processor of its baseline, in a read-only cache."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from demo.unprivileged import identity
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from tests.integration.test_warmup import SCORE, TEXTS, unwritable


def test_an_image_scores_without_compiling_on_any_processor_of_its_baseline(tmp_path: Path) -> None:
    # "generic" means only the features that every processor of the architecture has. The vector instructions must also
    # work with it.
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    subprocess.run([sys.executable, "-m", "sentiment_core.warmup"], env=environment, check=True, timeout=300)
    shipped = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert shipped
    with unwritable(tmp_path):
        who = identity()  # root ignores permissions
        command = [*who.prefix, sys.executable, "-c", SCORE, json.dumps(TEXTS)]
        answer = json.loads(subprocess.check_output(command, env=environment, text=True, user=who.user))
    assert answer["compiled"] == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == shipped
    np.testing.assert_allclose(answer["scores"], Scorer(Bundle.load(STARTER)).score_texts(TEXTS).score, atol=1e-12)
