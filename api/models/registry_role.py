"""A role whose model comes from the registry, by alias or version."""

import asyncio
import logging
import time
from pathlib import Path

from api.contract.schemas import ModelIdentity, RoleName
from api.contract.settings import ServiceSettings
from api.models.last_good_file import LastGoodFile
from api.models.model_role import ModelRole, starter_model
from api.models.served_model import ScorerCache, ServedModel
from api.observability.metrics import ServiceMetrics
from sentiment_core.errors import ModelUnknown, RegistryUnavailable, SentimentError
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel

log = logging.getLogger(__name__)

# A refused version is retried after this time, because the cause may be local, for example a full disk.
_RETRY_REFUSED_S = 60.0
# Wait of a new process for the registry before it serves the last good model meanwhile.
_PATIENCE_S = 1.0


class RegistryRole(ModelRole):
    """A role filled from the registry. If `wanted` is an alias, the model follows the alias."""

    def __init__(
        self, role: RoleName, wanted: str, settings: ServiceSettings, metrics: ServiceMetrics, scorers: ScorerCache
    ) -> None:
        super().__init__(role, metrics)
        self.wanted = wanted
        self._tracking_uri = settings.require_mlflow_tracking_uri()
        self._name = settings.model_name
        self._cache = settings.model_cache.expanduser()
        self._scorers = scorers
        # One file per wanted model, so that no other model is restored in its place.
        name = self._name if wanted == CHAMPION else f"{self._name}@{wanted}"
        self._last_good_file = LastGoodFile(self._cache / f"last_good_{name}.json")
        self._refusal: SentimentError | None = None
        self._refused_version = 0
        self._retry_refused_at = 0.0
        self._alias_missing = False  # whether the registry answered that `wanted` does not exist
        self._starter_after_s = settings.starter_after_s
        self._created = time.monotonic()

    async def _update(self) -> None:
        registry = RegisteredModel(self._tracking_uri, self._name, self._cache)
        resolved = asyncio.ensure_future(asyncio.to_thread(registry.resolve, self.wanted))
        if self.current is None:
            await asyncio.wait((resolved,), timeout=_PATIENCE_S)
            if not resolved.done():  # the registry accepts connections but does not answer
                await self._serve_last_good()
        try:
            version, digest = await resolved
        except ModelUnknown:
            self._alias_missing = await asyncio.to_thread(registry.version_of_alias, self.wanted) is None
            raise
        self._set_reachable(True)
        if self._is_served(version, digest):
            self.error = None
        elif version == self._refused_version and time.monotonic() < self._retry_refused_at:
            self.error = self._refusal
        else:
            await self._exchange(registry, version, digest)

    async def _exchange(self, registry: RegisteredModel, version: int, digest: str) -> None:
        try:
            self._serve(await asyncio.to_thread(self._load, registry, version, digest))
        except RegistryUnavailable:
            raise
        except SentimentError as error:
            self._refusal, self._refused_version = error, version
            self._retry_refused_at = time.monotonic() + _RETRY_REFUSED_S
            raise

    def _is_served(self, version: int, digest: str) -> bool:
        current = self.current
        return (
            current is not None
            and current.source == "registry"
            and (current.identity["version"], current.identity["digest"]) == (version, digest)
        )

    def _load(self, registry: RegisteredModel, version: int, digest: str) -> ServedModel:
        def folder() -> Path:
            return registry.fetch(version).path

        identity: ModelIdentity = {"name": registry.name, "version": version, "digest": digest}
        served = ServedModel(identity, "registry", self._scorers.get(digest, folder))
        try:
            self._last_good_file.write(identity)
        except OSError as error:
            details = {"role": self.role, "detail": str(error)}
            log.warning("the last good model could not be stored", extra=details)
        return served

    def _last_good(self) -> ServedModel | None:
        identity = self._last_good_file.read()
        if identity is None:
            return self._starter()
        digest = identity["digest"]
        return ServedModel(identity, "cache", self._scorers.get(digest, lambda: self._cache / digest))

    def _starter(self) -> ServedModel | None:
        """Return the starter model if the registry has no champion yet, or has not answered for a while.

        A pinned model and a candidate have no such replacement.
        """
        if self.role != "champion" or self.wanted != CHAMPION:
            return None
        if not self._alias_missing:
            if not self._is_given_up():
                return None
            log.warning("the starter model answers until MLflow does", extra={"role": self.role})
        return starter_model(self._scorers)

    def _is_given_up(self) -> bool:
        """Tell whether the registry was unreachable for so long that the starter model is better than no answer."""
        unreachable = isinstance(self.error, RegistryUnavailable)
        return unreachable and 0 < self._starter_after_s <= time.monotonic() - self._created

    def _source_name(self) -> str:
        return f"models:/{self._name}@{self.wanted}"
