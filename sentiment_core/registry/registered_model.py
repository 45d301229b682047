"""The registered model in MLflow: resolve versions, fetch verified bundles, register versions and set aliases.

A version's tag `digest` is the digest of its bundle. So one call resolves an alias to a model, and a cached bundle
needs no download. If the server serves its artifacts, reading needs plain HTTP only (`rest_client.py`). Reading from
other artifact stores (`artifacts.py`) and registering (`registration.py`) need the `mlflow` package.
"""

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sentiment_core.errors import (
    ArtifactsNotServed,
    BundleDamaged,
    BundleMissing,
    ModelUnknown,
    RegistryRefused,
    RegistryUnavailable,
    TerminalError,
)
from sentiment_core.model.bundle import PROVENANCE, Bundle
from sentiment_core.model.card_markdown import CARD_KEY
from sentiment_core.registry import artifacts
from sentiment_core.registry.names import CHAMPION, DIGEST_TAG
from sentiment_core.registry.rest_client import TrackingServer
from sentiment_core.settings import settings

_DATA = "data"
_BUNDLE = "bundle"
_PAGE = "200"


class FetchedVersion(NamedTuple):
    """A version of the registered model, with the local path of its verified bundle folder."""

    name: str
    version: int
    digest: str
    path: Path


class ModelVersion(NamedTuple):
    """A version as recorded in the registry.

    `aliases` is in alphabetical order; `created_ms` is in milliseconds since 1970 (Unix epoch).
    """

    version: int
    digest: str
    aliases: tuple[str, ...]
    created_ms: int


class RegisteredModel:
    """One registered model of an MLflow tracking server, and the local cache folder of its bundles, keyed by digest.

    Methods raise `RegistryUnavailable` when the server cannot be reached or fails (retryable), `ModelUnknown` when the
    model, version or alias does not exist, and `RegistryRefused` when the server rejects the call.
    """

    def __init__(self, tracking_uri: str, name: str = "sentiment", cache: Path | None = None) -> None:
        self.name = name
        self._tracking_uri = tracking_uri
        self.server = TrackingServer(tracking_uri)
        self._cache = (cache or settings().model_cache).expanduser()

    def resolve(self, model_version: str | None) -> tuple[int, str]:
        """Return version number and digest. None means the champion, digits a version number, other text an alias."""
        wanted = model_version or CHAMPION
        if wanted.isdecimal():
            found = self._lookup(wanted, "model-versions/get", name=self.name, version=wanted)
        else:
            found = self._lookup(wanted, "registered-models/alias", name=self.name, alias=wanted)
        version = _version(self._field(found, "model_version"))
        if not version.digest:
            why = f"version {version.version} has no tag `{DIGEST_TAG}`; register it with `sentiment registry register`"
            raise ModelUnknown(model=f"{self.name}@{wanted}", why=why)
        return version.version, version.digest

    def version_of_alias(self, alias: str) -> ModelVersion | None:
        """Return the version that an alias names, or None. Its digest is '' if the version has no digest tag."""
        try:
            found = self._lookup(alias, "registered-models/alias", name=self.name, alias=alias)
        except ModelUnknown:
            return None
        return _version(self._field(found, "model_version"))

    def champion_digest(self) -> str | None:
        """Return the champion's digest, or None if there is no champion."""
        try:
            return self.resolve(None)[1]
        except ModelUnknown:
            return None

    def champion(self) -> Bundle | None:
        """Return the champion's bundle, or None if there is no champion. Raises the errors of `fetch`."""
        version = self.version_of_alias(CHAMPION)
        return Bundle.load(self.fetch(version.version).path) if version else None

    def fetch(self, version: int) -> FetchedVersion:
        """Return the version with its bundle folder, downloaded into the cache if it is not cached.

        Raises `BundleDamaged` when the downloaded files do not match the version's digest, `BundleTooNew` or
        `BundleTooOld` when this release cannot read the bundle, and `BundleMissing` when the cache cannot be written.
        """
        version, digest = self.resolve(str(version))
        folder = self._cache / digest
        if not _holds(folder, digest):
            self._download(version, digest, folder)
        return FetchedVersion(self.name, version, digest, folder)

    def versions(self) -> list[ModelVersion]:
        """Return all versions, highest version number first."""
        try:
            model = self._field(self.server.get("registered-models/get", name=self.name), "registered_model")
        except RegistryRefused as refusal:
            if refusal.details["status"] == 404:
                return []
            raise
        aliases: dict[str, list[str]] = {}
        for alias in model.get("aliases", []):
            aliases.setdefault(alias["version"], []).append(alias["alias"])
        found = [_version(item | {"aliases": aliases.get(item["version"], [])}) for item in self._search()]
        return sorted(found, reverse=True)

    def card(self, version: int) -> dict[str, Any] | None:
        """Return the model card of a version without its bundle, or None if the bundle has none.

        The digest does not cover the card. Raises `ArtifactsNotServed` when the server does not serve its artifacts.
        """
        uri = self._artifact_uri(version)
        if urlsplit(uri).scheme != "mlflow-artifacts":
            raise ArtifactsNotServed(uri=self.server.uri, why="reading a file by itself needs `--serve-artifacts`")
        root = f"{urlsplit(uri).path.strip('/')}/{_DATA}"
        try:
            read = self.server.read(f"{root}/{self._only(version, self.server.folders(root))}/{PROVENANCE}")
            card = json.loads(read).get(CARD_KEY)
        except (ValueError, AttributeError) as error:
            raise BundleDamaged(path=f"models:/{self.name}/{version}", why=f"{PROVENANCE} is not JSON") from error
        return card if isinstance(card, dict) else None

    def register(self, bundle_path: Path, run_id: str | None = None) -> int:
        """Register the bundle as a version and return the version number.

        A bundle that is already registered keeps its version. A new version belongs to the MLflow run `run_id`, if
        given. For an existing version, the run records that it produced the same model.
        """
        from sentiment_core.registry.registration import link, register  # noqa: PLC0415 -- this module needs MLflow

        bundle = Bundle.load(bundle_path)
        known = [int(item["version"]) for item in self._search(f" and tags.{DIGEST_TAG} = '{bundle.digest}'")]
        version = max(known) if known else register(self._tracking_uri, self.name, bundle_path, bundle, run_id)
        if run_id is not None:
            link(self._tracking_uri, self.name, version, run_id)
        return version

    def set_alias(self, alias: str, version: int) -> None:
        """Point the alias at the version."""
        try:
            self.server.post("registered-models/alias", name=self.name, alias=alias, version=str(version))
        except RegistryRefused as refusal:
            raise self._unknown(str(version), refusal) from refusal

    def tag(self, version: int, key: str, value: str) -> None:
        """Set a tag of the version. MLflow's backend stores allow values of up to 5,000 bytes."""
        try:
            self.server.post("model-versions/set-tag", name=self.name, version=str(version), key=key, value=value)
        except RegistryRefused as refusal:
            raise self._unknown(str(version), refusal) from refusal

    def _lookup(self, wanted: str, call: str, **query: str) -> dict[str, Any]:
        try:
            return self.server.get(call, **query)
        except RegistryRefused as refusal:
            raise self._unknown(wanted, refusal) from refusal

    def _field(self, answer: dict[str, Any], name: str) -> Any:
        if name not in answer:
            raise RegistryUnavailable(uri=self.server.uri, why=f"its answer has no {name}; is this an MLflow server?")
        return answer[name]

    def _unknown(self, wanted: str, refusal: RegistryRefused) -> TerminalError:
        # MLflow returns 404 for an unknown version, and 400 INVALID_PARAMETER_VALUE for an unknown alias.
        if refusal.details.get("error_code") in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return ModelUnknown(model=f"{self.name}@{wanted}", why=refusal.details["why"])
        return refusal

    def _search(self, condition: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = {"filter": f"name = '{self.name}'{condition}", "max_results": _PAGE}
        while True:
            answer = self.server.get("model-versions/search", **query)
            found += answer.get("model_versions", [])
            if not answer.get("next_page_token"):
                return found
            query["page_token"] = answer["next_page_token"]

    def _download(self, version: int, digest: str, folder: Path) -> None:
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self._cache) as scratch:
                bundle = self._download_files(version, Path(scratch))
                self._verify(bundle, version, digest)
                _place(bundle, folder, digest)
        except OSError as error:
            raise BundleMissing(path=folder, why=f"the model cache cannot be written ({error})") from error

    def _verify(self, bundle: Path, version: int, digest: str) -> None:
        uri = f"models:/{self.name}/{version}"
        try:
            found = Bundle.load(bundle).digest
        except (BundleDamaged, BundleMissing) as error:
            raise BundleDamaged(path=uri, why=error.details["why"]) from error
        if found != digest:
            raise BundleDamaged(path=uri, why=f"its digest is {found}, the registry says {digest}")

    def _download_files(self, version: int, scratch: Path) -> Path:
        """Download the version's bundle below `scratch` and return its folder."""
        uri = self._artifact_uri(version)
        if urlsplit(uri).scheme != "mlflow-artifacts":
            data = artifacts.download(self.server.uri, artifacts.below(uri, _DATA), scratch / _DATA)
            return data / self._only(version, [entry.name for entry in data.glob("*") if entry.is_dir()])
        root = f"{urlsplit(uri).path.strip('/')}/{_DATA}"
        bundle = scratch / _BUNDLE
        self.server.download(f"{root}/{self._only(version, self.server.folders(root))}", bundle)
        return bundle

    def _artifact_uri(self, version: int) -> str:
        answer = self._lookup(str(version), "model-versions/get-download-uri", name=self.name, version=str(version))
        return str(self._field(answer, "artifact_uri"))

    def _only(self, version: int, folders: list[str]) -> str:
        if len(folders) != 1:
            raise BundleDamaged(path=f"models:/{self.name}/{version}", why="it was not registered from a bundle folder")
        return folders[0]


def registered_model() -> RegisteredModel:
    """Return the registered model that the settings specify. Raises `SettingMissing` without a tracking URI."""
    chosen = settings()
    return RegisteredModel(chosen.require_mlflow_tracking_uri(), chosen.model_name, chosen.model_cache)


def _version(item: dict[str, Any]) -> ModelVersion:
    tags = {tag["key"]: tag["value"] for tag in item.get("tags", [])}
    aliases = tuple(sorted(item.get("aliases", [])))  # MLflow returns them in any order
    return ModelVersion(int(item["version"]), tags.get(DIGEST_TAG, ""), aliases, int(item["creation_timestamp"]))


def _holds(folder: Path, digest: str) -> bool:
    try:
        return Bundle.load(folder).digest == digest
    except (BundleMissing, BundleDamaged):
        return False


def _place(bundle: Path, folder: Path, digest: str) -> None:
    """Move the verified bundle into the cache. Another process may have placed the same bundle there meanwhile."""
    if folder.exists() and not _holds(folder, digest):
        folder.rename(bundle.with_name("damaged"))
    try:
        bundle.rename(folder)
    except OSError:
        if not _holds(folder, digest):
            raise
