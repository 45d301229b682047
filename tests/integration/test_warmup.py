"""Kernels compiled in advance, as in an image: for a given processor, in a read-only cache."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numba.core.dispatcher import Dispatcher

from demo.unprivileged import identity
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.dry_run import dry_run
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.loading.score_file import score_file
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from sentiment_core.warmup import compile_kernels
from tests.starter import starter_scorer
from tests.unit.conftest import generated_reviews

TEXTS = ["I loved every minute of it", "not good at all, 9/10", "很好 👍", "", "a wonderful film " * 40]
SCORE = """
import json, sys
from numba.core import event
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.model.scorer import Scorer
scorer, texts = Scorer(Bundle.load(STARTER)), json.loads(sys.argv[1])
with event.install_recorder("numba:compile") as compiled:
    scores = scorer.score_texts(texts).score.tolist()
    scorer.explain(texts[0])
    scorer.score_text(texts[0])
    scorer.reasons(TextColumn.from_texts(texts), 3)
print(json.dumps({"scores": scores, "compiled": len(compiled.buffer)}))
"""


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Remove write permission from a folder and everything below it."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for each in folders:
        each.chmod(0o555)
    try:
        yield
    finally:
        for each in folders:
            each.chmod(0o755)


def test_a_process_scores_without_compiling_what_the_warmup_compiled() -> None:
    """`make setup` runs the warm-up. tests/deploy/test_warmup.py repeats this for the processors of an image."""
    answer = json.loads(subprocess.check_output([sys.executable, "-c", SCORE, json.dumps(TEXTS)], text=True))
    assert answer["compiled"] == 0
    np.testing.assert_allclose(answer["scores"], starter_scorer().score_texts(TEXTS).score, atol=1e-12)


def test_code_missing_in_a_shipped_cache_is_compiled_for_the_process_only(tmp_path: Path) -> None:
    program = (
        "import numpy; from sentiment_core.text.hashing import mix;"
        "print(int(mix(numpy.uint64({}))), mix.stats.cache_path)"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first = subprocess.check_output([sys.executable, "-c", program.format(1)], env=environment, text=True)
    kept = sorted(tmp_path.rglob("*.nb?"))
    for file in tmp_path.rglob("*.nbc"):
        file.unlink()
    with unwritable(tmp_path):
        who = identity()
        command = [*who.prefix, sys.executable, "-c", program.format(1)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, user=who.user, check=True)
    assert ran.stdout == first
    assert str(tmp_path) in ran.stdout
    assert "compiled code cannot be cached" in ran.stderr
    assert sorted(tmp_path.rglob("*.nb?")) == [file for file in kept if file.suffix == ".nbi"]


def signatures() -> set[tuple[str, str]]:
    """Return the name and the types of every call of a compiled function in this process so far."""
    return {
        (f"{name}.{function.__name__}", str(signature))
        for name, module in sys.modules.items()
        if name.startswith("sentiment_core.")
        for function in vars(module).values()
        if isinstance(function, Dispatcher) and function.__module__ == name
        for signature in function.signatures
    }


def use_every_kernel(examples: Path, folder: Path) -> None:
    """Check, score, explain and train as the commands do."""
    from sentiment_core.datasets.labelled_csv import read_labelled  # noqa: PLC0415 -- imports scikit-learn
    from sentiment_core.params import Params  # noqa: PLC0415
    from sentiment_core.training.train import train  # noqa: PLC0415

    starter = starter_scorer()
    for path in (path for path in examples.rglob("*") if path.is_file()):
        dry_run(Storage(None), local_drop(path), Rules(Settings()))
    labelled = folder / "labelled.csv"
    with labelled.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["review", "sentiment", "product"])
        writer.writeheader()
        writer.writerows(generated_reviews(100))
    for suffix in (".csv", ".parquet"):
        score_file(labelled, folder / f"scored{suffix}", starter, Rules(Settings()), 2, 1, lambda *_: None)
    params = Params.load()
    trained = train(read_labelled([labelled], params.data, "product"), params, {})
    for scorer in (starter, Scorer(trained)):
        scorer.score_texts(TEXTS)
        scorer.score_text(TEXTS[0])
        scorer.explain(TEXTS[0])
        scorer.reasons(TextColumn.from_texts(TEXTS), 3)
        scorer.unknown_shares(TextColumn.from_texts(TEXTS))


def missed_by_the_warmup(examples: Path, folder: Path) -> list[tuple[str, str]]:
    compile_kernels()
    compiled = signatures()
    use_every_kernel(examples, folder)
    assert compiled
    return sorted(signatures() - compiled)


def test_no_kernel_is_called_with_other_types_than_the_warmup_calls_it_with(
    checkout: Path, examples: Path, tmp_path: Path
) -> None:
    # A new process, because other tests have called kernels in this one.
    program = (
        "import json, sys; from pathlib import Path; from tests.integration.test_warmup import missed_by_the_warmup;"
        "print(json.dumps(missed_by_the_warmup(*map(Path, sys.argv[1:]))))"
    )
    command = [sys.executable, "-c", program, str(examples), str(tmp_path)]
    assert json.loads(subprocess.check_output(command, cwd=checkout, text=True)) == []
