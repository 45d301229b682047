"""The models of the service: champion, canary and shadow."""

import asyncio

from api.contract.errors import ModelNotReady
from api.contract.schemas import Canary as CanaryState
from api.contract.schemas import Candidate, ModelCard, Readiness
from api.contract.settings import ServiceSettings
from api.models.canary import Canary
from api.models.model_role import LocalRole, ModelRole
from api.models.registry_role import RegistryRole
from api.models.served_model import ScorerCache, ServedModel
from api.models.shadow import Shadow
from api.observability.metrics import ServiceMetrics
from sentiment_core.model.card import card_of
from sentiment_core.model.card_markdown import CARD_KEY
from sentiment_core.registry.names import CHAMPION

__all__ = ["ModelProvider", "ServedModel"]


class ModelProvider:
    """Hold the champion and, if they are set, a canary and a shadow. Readiness depends on the champion only.

    The champion is the bundle of the settings, else the registry's, else the starter model.
    """

    def __init__(self, settings: ServiceSettings, metrics: ServiceMetrics) -> None:
        self._settings = settings
        scorers = ScorerCache()
        self._champion: ModelRole
        if settings.bundle is not None or settings.mlflow_tracking_uri is None:
            self._champion = LocalRole(settings.bundle, metrics, scorers)
        else:
            wanted = settings.model_version or CHAMPION
            self._champion = RegistryRole("champion", wanted, settings, metrics, scorers)
        self._canary: Canary | None = None
        if settings.canary is not None:
            followed = RegistryRole("canary", settings.canary, settings, metrics, scorers)
            self._canary = Canary(followed, settings.canary_share)
        self._shadow: Shadow | None = None
        if settings.shadow is not None:
            self._shadow = Shadow(RegistryRole("shadow", settings.shadow, settings, metrics, scorers), metrics)

    @property
    def current(self) -> ServedModel:
        """Return the champion, or raise `ModelNotReady`."""
        champion = self._champion.current
        if champion is None:
            raise ModelNotReady(why=self._champion.error or "it is being loaded")
        return champion

    @property
    def canary_active(self) -> bool:
        """Tell whether the key of a request can affect which model answers it."""
        return self._canary is not None and self._canary.active

    @property
    def has_shadow(self) -> bool:
        """Tell whether there is a shadow model."""
        return self._shadow is not None

    def choose(self, key: str | None) -> ServedModel:
        """Return the model that answers this key, or the champion for None. Raises `ModelNotReady`."""
        champion = self.current
        if key is None or self._canary is None:
            return champion
        return self._canary.model_for(key) or champion

    def shadow(self, text: str, score: float, label: str) -> None:
        """Queue an answered text, with its score and label, for the shadow."""
        if self._shadow is not None:
            self._shadow.put(text, score, label)

    def readiness(self) -> Readiness:
        """Return the body of /readyz. Raises `ModelNotReady`."""
        current = self.current
        return {
            "status": "ready",
            "model": current.identity,
            "source": current.source,
            "pinned": self._settings.model_version,
            "shadow": self._shadow_state(),
            "canary": self._canary_state(),
            "registry_reachable": next((role.reachable for role in self._roles() if role.reachable is not None), None),
            "detail": self._champion.detail,
        }

    def card(self) -> ModelCard:
        """Return the body of /model. Raises `ModelNotReady`."""
        current = self.current
        bundle = current.scorer.bundle
        return {
            "name": current.identity["name"],
            "version": current.identity["version"],
            "digest": current.identity["digest"],
            "source": current.source,
            "pinned": self._settings.model_version,
            "shadow": self._shadow_state(),
            "canary": self._canary_state(),
            "manifest": bundle.manifest.model_dump(mode="json"),
            "provenance": {name: value for name, value in bundle.provenance.items() if name != CARD_KEY},
            "card": card_of(bundle),
        }

    async def follow(self) -> None:
        """Load the models and keep them up to date, until cancelled."""
        if self._shadow is not None:
            self._shadow.start()
        try:
            await self._champion.poll()  # alone, so that it is ready sooner
            await asyncio.gather(*map(self._keep, self._roles()))
        finally:
            if self._shadow is not None:
                await asyncio.to_thread(self._shadow.stop)

    async def _keep(self, role: ModelRole) -> None:
        # Separately, so that a candidate that loads slowly does not delay a new champion.
        while True:
            await role.poll()
            await asyncio.sleep(self._settings.model_poll_s)

    def _roles(self) -> list[ModelRole]:
        candidates = (self._canary, self._shadow)
        return [self._champion, *(found.followed for found in candidates if found is not None)]

    def _shadow_state(self) -> Candidate | None:
        return None if self._shadow is None else _state(self._shadow.followed)

    def _canary_state(self) -> CanaryState | None:
        if self._canary is None:
            return None
        return {**_state(self._canary.followed), "share": self._canary.share}


def _state(followed: RegistryRole) -> Candidate:
    current = followed.current
    return {
        "wanted": followed.wanted,
        "model": None if current is None else current.identity,
        "source": None if current is None else current.source,
        "detail": followed.detail,
    }
