"""The model that answers: loaded, verified, warmed up, and exchanged when the champion changes."""

import asyncio
import logging
import time
from pathlib import Path
from typing import NamedTuple

from api.last_good import LastGood
from api.metrics import Metrics
from api.schemas import Model, ModelCard, Readiness, Source
from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.errors import BundleDamaged, ModelNotReady, RegistryUnavailable, SentimentError
from sentiment_core.registry import Registry
from sentiment_core.scorer import Scorer
from sentiment_core.settings import Settings

log = logging.getLogger(__name__)

# A refused version is tried again after this time: the cause may have been this machine, a full disk for example.
_RETRY_REFUSED_S = 60.0
_WARM_UP = "A first text, so that no caller waits for what only happens once: good, bad, ünïcödé."


class ServedModel(NamedTuple):
    """A loaded model; `identity` is what every answer carries."""

    identity: Model
    source: Source
    scorer: Scorer


class ModelProvider:
    """Holds the current model and, where a registry is set, follows its champion.

    The current model is replaced in one assignment: a request takes it once and is answered by one model throughout.
    A champion that cannot be loaded is refused, and what served before goes on serving.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._cache = settings.model_cache.expanduser()
        self._last_good = LastGood(self._cache / f"last_good_{settings.model_name}.json")
        self._current: ServedModel | None = None
        self._trouble: SentimentError | None = None
        self._reachable: bool | None = None
        self._refusal: SentimentError | None = None
        self._refused_version = 0
        self._retry_refused_at = 0.0

    @property
    def current(self) -> ServedModel:
        """Return the model to answer with, or raise `ModelNotReady`."""
        if self._current is None:
            raise ModelNotReady(why=self._trouble or "it is being loaded")
        return self._current

    def readiness(self) -> Readiness:
        """Return how the model is served, or raise `ModelNotReady`."""
        current = self.current
        return {
            "status": "ready",
            "model": current.identity,
            "source": current.source,
            "registry_reachable": self._reachable,
            "detail": None if self._trouble is None else str(self._trouble),
        }

    def card(self) -> ModelCard:
        """Return what is known of the current model, or raise `ModelNotReady`."""
        current = self.current
        bundle = current.scorer.bundle
        return {
            "name": current.identity["name"],
            "version": current.identity["version"],
            "digest": current.identity["digest"],
            "source": current.source,
            "manifest": bundle.manifest.model_dump(mode="json"),
            "provenance": bundle.provenance,
        }

    async def follow(self) -> None:
        """Load the model and keep it up to date, until cancelled."""
        while True:
            try:
                await self._look()
            except SentimentError as error:
                await self._endure(error)
            except Exception as error:  # no model's files may end the service
                log.exception("the model could not be loaded")
                why = f"{type(error).__name__} while it was loaded"
                await self._endure(BundleDamaged(path=self._settings.model_name, why=why))
            await asyncio.sleep(self._settings.model_poll_s)

    async def _look(self) -> None:
        if self._settings.bundle is not None or self._settings.mlflow_tracking_uri is None:
            if self._current is None:
                self._serve(await asyncio.to_thread(self._load_local))
            return
        registry = Registry(self._settings.mlflow_tracking_uri, self._settings.model_name, self._cache)
        version, digest = await asyncio.to_thread(registry.resolve, None)
        self._reach(True)
        if self._serves(version, digest):
            self._trouble = None
        elif version == self._refused_version and time.monotonic() < self._retry_refused_at:
            self._trouble = self._refusal
        else:
            await self._renew(registry, version, digest)

    async def _renew(self, registry: Registry, version: int, digest: str) -> None:
        try:
            self._serve(await asyncio.to_thread(self._load_version, registry, version, digest))
        except RegistryUnavailable:
            raise
        except SentimentError as error:
            self._refusal, self._refused_version = error, version
            self._retry_refused_at = time.monotonic() + _RETRY_REFUSED_S
            raise

    def _serves(self, version: int, digest: str) -> bool:
        current = self._current
        return (
            current is not None
            and current.source == "registry"
            and (current.identity["version"], current.identity["digest"]) == (version, digest)
        )

    def _load_local(self) -> ServedModel:
        path = self._settings.bundle
        scorer = _warm(STARTER if path is None else path.expanduser())
        identity: Model = {"name": scorer.bundle.manifest.name, "version": None, "digest": scorer.bundle.digest}
        return ServedModel(identity, "starter" if path is None else "bundle", scorer)

    def _load_version(self, registry: Registry, version: int, digest: str) -> ServedModel:
        identity: Model = {"name": registry.name, "version": version, "digest": digest}
        current = self._current
        if current is not None and current.identity["digest"] == digest:
            served = ServedModel(identity, "registry", current.scorer)
        else:
            served = ServedModel(identity, "registry", _warm(registry.fetch(version).path, digest))
        try:
            self._last_good.write(identity)
        except OSError as error:
            log.warning("the model is served, but not remembered", extra={"detail": str(error)})
        return served

    def _load_last_good(self) -> ServedModel | None:
        identity = self._last_good.read()
        if identity is None:
            return None
        return ServedModel(identity, "cache", _warm(self._cache / identity["digest"], identity["digest"]))

    async def _endure(self, error: SentimentError) -> None:
        """Go on with the model that there is, if need be with the one that served before this process started."""
        if str(error) != str(self._trouble):
            log.warning("the model could not be renewed", extra={"code": error.code, "detail": str(error)})
        self._trouble = error
        unavailable = isinstance(error, RegistryUnavailable)
        self._metrics.model_reloads.labels("unavailable" if unavailable else "refused").inc()
        if unavailable:
            self._reach(False)
        if self._current is None and self._settings.bundle is None:
            try:
                served = await asyncio.to_thread(self._load_last_good)
            except SentimentError as worse:
                log.warning("the last good model is lost", extra={"code": worse.code, "detail": str(worse)})
            else:
                if served is not None:
                    self._show(served)

    def _serve(self, served: ServedModel) -> None:
        self._trouble = None
        self._show(served)
        self._metrics.model_reloads.labels("loaded").inc()

    def _show(self, served: ServedModel) -> None:
        self._current = served
        identity = served.identity
        self._metrics.model_info.clear()
        version = "" if identity["version"] is None else str(identity["version"])
        self._metrics.model_info.labels(identity["name"], version, identity["digest"], served.source).set(1)
        log.info("model loaded", extra={"model": identity, "source": served.source})

    def _reach(self, reachable: bool) -> None:
        self._reachable = reachable
        self._metrics.registry_reachable.set(reachable)


def _warm(path: Path, digest: str | None = None) -> Scorer:
    """Load a bundle, check whose it is, and score once, so that the first caller does not wait for compiled code."""
    bundle = Bundle.load(path)
    if digest is not None and bundle.digest != digest:
        raise BundleDamaged(path=path, why=f"its digest is {bundle.digest}, expected was {digest}")
    scorer = Scorer(bundle)
    score = float(scorer.score_texts([_WARM_UP]).score[0])
    scorer.explain(_WARM_UP)
    if not 0 <= score <= 1:
        raise BundleDamaged(path=path, why=f"it gives a text the score {score}")
    return scorer
