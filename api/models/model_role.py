"""The roles of models (champion, shadow, canary) and how their models are loaded and updated."""

import asyncio
import logging
from abc import ABC, abstractmethod
from pathlib import Path

from api.contract.schemas import ModelIdentity, RoleName, Source
from api.models.served_model import ScorerCache, ServedModel
from api.observability.metrics import ServiceMetrics
from sentiment_core.errors import BundleDamaged, RegistryUnavailable, SentimentError
from sentiment_core.model.bundle import STARTER

log = logging.getLogger(__name__)


class ModelRole(ABC):
    """A role and its current model.

    `current` is replaced in one assignment: a request reads it once and is answered by one model throughout. A model
    that cannot be loaded is refused, and the previous one continues to serve; `error` says why.
    """

    reachable: bool | None = None  # whether the registry answered the last poll, if there is one

    def __init__(self, role: RoleName, metrics: ServiceMetrics) -> None:
        self.role = role
        self.current: ServedModel | None = None
        self.error: SentimentError | None = None
        self._metrics = metrics

    @property
    def detail(self) -> str | None:
        """Return the message of the last error, if any."""
        return None if self.error is None else str(self.error)

    async def poll(self) -> None:
        """Load the model of the role if it changed. Errors are recorded, not raised."""
        try:
            await self._update()
        except SentimentError as error:
            await self._record_error(error)
        except Exception as error:  # no file of a model may end the service
            log.exception("the model could not be loaded", extra={"role": self.role})
            await self._record_error(
                BundleDamaged(path=self._source_name(), why=f"{type(error).__name__} while it was loaded")
            )

    @abstractmethod
    async def _update(self) -> None:
        """Load the model of the role if it is not `current`."""

    @abstractmethod
    def _source_name(self) -> str:
        """Return the name of the wanted model for messages."""

    def _last_good(self) -> ServedModel | None:
        """Return the model that served before this process started."""
        return None

    async def _record_error(self, error: SentimentError) -> None:
        """Keep the current model, or serve the last good one if there is none."""
        if str(error) != self.detail:
            details = {"role": self.role, "code": error.code, "detail": str(error)}
            log.warning("the model could not be updated", extra=details)
        self.error = error
        unavailable = isinstance(error, RegistryUnavailable)
        self._metrics.reloaded(self.role, "unavailable" if unavailable else "refused")
        if unavailable:
            self._set_reachable(False)
        if self.current is None:
            await self._serve_last_good()

    async def _serve_last_good(self) -> None:
        """Serve the model that served before this process started, if any."""
        try:
            served = await asyncio.to_thread(self._last_good)
        except SentimentError as worse:
            details = {"role": self.role, "code": worse.code, "detail": str(worse)}
            log.warning("the last good model could not be loaded", extra=details)
        else:
            if served is not None:
                self._replace(served)

    def _serve(self, served: ServedModel) -> None:
        self.error = None
        self._replace(served)
        self._metrics.reloaded(self.role, "loaded")

    def _replace(self, served: ServedModel) -> None:
        self.current = served
        self._metrics.serves(self.role, served.identity, served.source)
        log.info("model loaded", extra={"role": self.role, "model": served.identity, "source": served.source})

    def _set_reachable(self, reachable: bool) -> None:
        self.reachable = reachable
        self._metrics.registry_reachable.set(reachable)


class LocalRole(ModelRole):
    """A champion from a local folder, loaded once."""

    def __init__(self, path: Path | None, metrics: ServiceMetrics, scorers: ScorerCache) -> None:
        super().__init__("champion", metrics)
        self._path = STARTER if path is None else path.expanduser()
        self._is_starter = path is None
        self._scorers = scorers

    async def _update(self) -> None:
        if self.current is None:
            self._serve(await asyncio.to_thread(self._load))

    def _load(self) -> ServedModel:
        return local_model(self._path, "starter" if self._is_starter else "bundle", self._scorers)

    def _source_name(self) -> str:
        return str(self._path)


def starter_model(scorers: ScorerCache) -> ServedModel:
    """Load the starter model of the package."""
    return local_model(STARTER, "starter", scorers)


def local_model(path: Path, source: Source, scorers: ScorerCache) -> ServedModel:
    """Load a local bundle, which has no version."""
    scorer = scorers.load(path)
    identity: ModelIdentity = {"name": scorer.bundle.manifest.name, "version": None, "digest": scorer.bundle.digest}
    return ServedModel(identity, source, scorer)
