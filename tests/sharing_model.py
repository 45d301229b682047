"""Registered models whose versions share files."""

from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from sentiment_core.errors import RegistryRefused
from sentiment_core.model.bundle import Bundle
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.registered_model import RegisteredModel


class SharingModel(RegisteredModel):
    """A registered model whose versions have the files of the first version of the same bundle, in whatever model.

    The upload of a bundle takes ten times the processor time of the calls that create a version with its files.
    """

    _model_ids: ClassVar[dict[tuple[str, str], str]] = {}  # by server and digest: the logged model with the files

    def register(self, bundle_path: Path, run_id: str | None = None) -> int:
        bundle = Bundle.load(bundle_path)
        model_id = self._model_ids.get((self.server.uri, bundle.digest))
        known = any(version.digest == bundle.digest for version in self.versions())
        if model_id is None or known or run_id is not None:
            version = super().register(bundle_path, run_id)
            self._model_ids[self.server.uri, bundle.digest] = self.model_id(version)
            return version
        with suppress(RegistryRefused):  # it exists
            self.server.post("registered-models/create", name=self.name)
        tags = [{"key": DIGEST_TAG, "value": bundle.digest}]
        source = {"source": f"models:/{model_id}", "model_id": model_id}
        made = self.server.post("model-versions/create", name=self.name, tags=tags, **source)
        return int(made["model_version"]["version"])

    def model_id(self, version: int) -> str:
        """Return the logged model that has the files of a version."""
        found = self.server.get("model-versions/get", name=self.name, version=str(version))
        return str(found["model_version"]["source"]).removeprefix("models:/")

    def forget(self, version: int) -> None:
        """Give the files of a version, which a test has spoiled, to no later version."""
        self._model_ids.pop((self.server.uri, self.resolve(str(version))[1]))
