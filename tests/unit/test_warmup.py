"""Kernels compiled beforehand, as an image ships them: for a stated processor, in a cache that nobody can write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.scorer import Scorer

TEXTS = ["I loved every minute of it", "not good at all, 9/10", "很好 👍", "", "a wonderful film " * 40]
SCORE = """
import json, sys
from numba.core import event
from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.columns import TextColumn
from sentiment_core.scorer import Scorer
scorer, texts = Scorer(Bundle.load(STARTER)), json.loads(sys.argv[1])
with event.install_recorder("numba:compile") as compiled:
    scores = scorer.score_texts(texts).score.tolist()
    scorer.explain(texts[0])
    scorer.reasons(TextColumn.from_texts(texts), 3)
print(json.dumps({"scores": scores, "compiled": len(compiled.buffer)}))
"""


def test_an_image_scores_without_compiling_on_any_processor_of_its_baseline(tmp_path: Path) -> None:
    # "generic" is what every processor of the architecture can do: the vector instructions must do with that, too.
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    subprocess.run([sys.executable, "-m", "sentiment_core.warmup"], env=environment, check=True, timeout=300)
    shipped = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert shipped
    for folder in (tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())):
        folder.chmod(0o555)
    try:
        command = [sys.executable, "-c", SCORE, json.dumps(TEXTS)]
        answer = json.loads(subprocess.check_output(command, env=environment, text=True))
    finally:
        for folder in (tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
    assert answer["compiled"] == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == shipped
    np.testing.assert_allclose(answer["scores"], Scorer(Bundle.load(STARTER)).score_texts(TEXTS).score, atol=1e-12)
