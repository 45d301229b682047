"""A loaded model, and the loading of verified bundles."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

from api.contract.schemas import ModelIdentity, Source
from sentiment_core.errors import BundleDamaged
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer

_WARM_UP = "A first text, so that no caller waits for what only happens once: good, bad, ünïcödé."


class ServedModel(NamedTuple):
    """A loaded model; every answer contains its `identity`."""

    identity: ModelIdentity
    source: Source
    scorer: Scorer


class ScorerCache:
    """The scorers in use, by digest: a model with two roles, or promoted from canary to champion, is loaded once."""

    def __init__(self) -> None:
        self._in_use: WeakValueDictionary[str, Scorer] = WeakValueDictionary()

    def get(self, digest: str, folder: Callable[[], Path]) -> Scorer:
        """Return the scorer of a digest, loaded from `folder()` if necessary. Raises as `load` does."""
        return self._in_use.get(digest) or self.load(folder(), digest)

    def load(self, path: Path, digest: str | None = None) -> Scorer:
        """Load a bundle, verify its digest, and score once, so that the first caller does not wait for compiled code.

        Raises what `Bundle.load` raises, and `BundleDamaged` when the bundle has another digest or gives no scores.
        """
        bundle = Bundle.load(path)
        if digest is not None and bundle.digest != digest:
            raise BundleDamaged(path=path, why=f"its digest is {bundle.digest}, expected was {digest}")
        scorer = Scorer(bundle)
        score = float(scorer.score_texts([_WARM_UP]).score[0])
        scorer.score_text(_WARM_UP)
        scorer.explain(_WARM_UP)
        if not 0 <= score <= 1:
            raise BundleDamaged(path=path, why=f"it scores a text {score}, outside of [0, 1]")
        self._in_use[bundle.digest] = scorer
        _freeze()
        return scorer


def _freeze() -> None:
    """Exclude all present objects from garbage collection.

    Most of them stay, and a full collection of them stops every request for 26 ms (149,000 objects on a Zen 5). So they
    stay excluded at the next load, too. A scorer that is not used any more is in no cycle, so it needs no collection.
    """
    gc.collect()
    gc.freeze()
