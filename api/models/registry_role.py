"""One model of the registry, by alias or version, loaded and followed."""

import asyncio
import logging
import time
from pathlib import Path

from api.contract.schemas import ModelIdentity, RoleName
from api.contract.settings import ServiceSettings
from api.models.last_good import LastGood
from api.models.role import Role, starter_model
from api.models.served_model import Scorers, ServedModel
from api.observability.metrics import ServiceMetrics
from sentiment_core.errors import ModelUnknown, RegistryUnavailable, SentimentError
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel

log = logging.getLogger(__name__)

# A refused version is tried again after this time: the cause may have been this machine, a full disk for example.
_RETRY_REFUSED_S = 60.0
# A new process waits so long for the registry before it serves the last good model meanwhile.
_PATIENCE_S = 1.0


class Followed(Role):
    """A role that is filled from the registry. Where `wanted` is an alias, the model changes when the alias does."""

    def __init__(
        self, role: RoleName, wanted: str, settings: ServiceSettings, metrics: ServiceMetrics, scorers: Scorers
    ) -> None:
        super().__init__(role, metrics)
        self.wanted = wanted
        self._tracking_uri = settings.require_mlflow_tracking_uri()
        self._name = settings.model_name
        self._cache = settings.model_cache.expanduser()
        self._scorers = scorers
        # A file for each that can be wanted: what served as another must not come back in its place.
        name = self._name if wanted == CHAMPION else f"{self._name}@{wanted}"
        self._remembered = LastGood(self._cache / f"last_good_{name}.json")
        self._refusal: SentimentError | None = None
        self._refused_version = 0
        self._retry_refused_at = 0.0
        self._nobody = False  # whether the registry says that what is wanted is not there

    async def _renew(self) -> None:
        registry = RegisteredModel(self._tracking_uri, self._name, self._cache)
        resolved = asyncio.ensure_future(asyncio.to_thread(registry.resolve, self.wanted))
        if self.current is None:
            await asyncio.wait((resolved,), timeout=_PATIENCE_S)
            if not resolved.done():  # it is up but silent, and whoever waits for this process does not care why
                await self._show_last_good()
        try:
            version, digest = await resolved
        except ModelUnknown:
            self._nobody = await asyncio.to_thread(registry.version_of_alias, self.wanted) is None
            raise
        self._reach(True)
        if self._is_served(version, digest):
            self.trouble = None
        elif version == self._refused_version and time.monotonic() < self._retry_refused_at:
            self.trouble = self._refusal
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
            self._remembered.write(identity)
        except OSError as error:
            details = {"role": self.role, "detail": str(error)}
            log.warning("the model is served, but not remembered", extra=details)
        return served

    def _last_good(self) -> ServedModel | None:
        identity = self._remembered.read()
        if identity is None:
            return self._starter()
        digest = identity["digest"]
        return ServedModel(identity, "cache", self._scorers.get(digest, lambda: self._cache / digest))

    def _starter(self) -> ServedModel | None:
        """Return the starter model where nothing was made the champion yet: there is no other that could be meant."""
        if self.role != "champion" or self.wanted != CHAMPION or not self._nobody:
            return None
        return starter_model(self._scorers)

    def _what(self) -> str:
        return f"models:/{self._name}@{self.wanted}"
