"""The registered model in MLflow: which version is meant, its verified bundle on this machine, new versions, aliases.

A version's tag `digest` is the digest of its bundle, so one call answers which model an alias means, and a bundle that
is in the cache needs no download. Reading needs plain HTTP only (`rest_client.py`) where the server serves its
files; registering (`registration.py`), and reading elsewhere (`artifacts.py`), need the `mlflow` package.
"""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sentiment_core.errors import (
    BundleDamaged,
    BundleMissing,
    ModelUnknown,
    RegistryRefused,
    RegistryUnavailable,
    TerminalError,
)
from sentiment_core.model.bundle import Bundle
from sentiment_core.registry import artifacts
from sentiment_core.registry.names import CHAMPION, DIGEST_TAG
from sentiment_core.registry.rest_client import TrackingServer
from sentiment_core.settings import settings

_DATA = "data"
_BUNDLE = "bundle"
_PAGE = "200"


class FetchedVersion(NamedTuple):
    """A version of the registered model, with its verified bundle folder on this machine."""

    name: str
    version: int
    digest: str
    path: Path


class ModelVersion(NamedTuple):
    """What the registry says of a version; `created_ms` is milliseconds since 1970."""

    version: int
    digest: str
    aliases: tuple[str, ...]
    created_ms: int


class RegisteredModel:
    """One registered model at an MLflow tracking server, and the folder that keeps its bundles by digest.

    Calls raise `RegistryUnavailable` when the server cannot be reached or fails (try again), `ModelUnknown` when there
    is no such model, version or alias, and `RegistryRefused` when the server does not allow the call.
    """

    def __init__(self, tracking_uri: str, name: str = "sentiment", cache: Path | None = None) -> None:
        self.name = name
        self._tracking_uri = tracking_uri
        self._server = TrackingServer(tracking_uri)
        self._cache = (cache or settings().model_cache).expanduser()

    def resolve(self, model_version: str | None) -> tuple[int, str]:
        """Return version and digest of what is meant: None is the champion, digits a version, else an alias."""
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

    def standing(self, alias: str) -> ModelVersion | None:
        """Return the version that an alias names, if it names one; its digest is '' where it has no tag of it."""
        try:
            found = self._lookup(alias, "registered-models/alias", name=self.name, alias=alias)
        except ModelUnknown:
            return None
        return _version(self._field(found, "model_version"))

    def champion_digest(self) -> str | None:
        """Return the champion's digest, if there is a champion."""
        try:
            return self.resolve(None)[1]
        except ModelUnknown:
            return None

    def fetch(self, version: int) -> FetchedVersion:
        """Return the version with its bundle folder, downloaded into the cache if it is not there.

        Raises `BundleDamaged` when the downloaded files are not the bundle that the version's digest names, and
        `BundleTooNew` or `BundleTooOld` when this release cannot read it.
        """
        version, digest = self.resolve(str(version))
        folder = self._cache / digest
        if not _holds(folder, digest):
            self._download(version, digest, folder)
        return FetchedVersion(self.name, version, digest, folder)

    def versions(self) -> list[ModelVersion]:
        """Return all versions, newest first."""
        try:
            model = self._field(self._server.get("registered-models/get", name=self.name), "registered_model")
        except RegistryRefused as refusal:
            if refusal.details["status"] == 404:
                return []
            raise
        aliases: dict[str, list[str]] = {}
        for alias in model.get("aliases", []):
            aliases.setdefault(alias["version"], []).append(alias["alias"])
        found = [_version(item | {"aliases": aliases.get(item["version"], [])}) for item in self._search()]
        return sorted(found, reverse=True)

    def register(self, bundle_path: Path, run_id: str | None = None) -> int:
        """Make a version of the bundle and return its number; a bundle that is registered already keeps its version.

        The version belongs to the MLflow run, where one is given; of a version that was there already the run keeps
        that it gave the same model.
        """
        from sentiment_core.registry.registration import link, register  # noqa: PLC0415 -- it needs MLflow

        bundle = Bundle.load(bundle_path)
        known = [int(item["version"]) for item in self._search(f" and tags.{DIGEST_TAG} = '{bundle.digest}'")]
        version = max(known) if known else register(self._tracking_uri, self.name, bundle_path, bundle, run_id)
        if run_id is not None:
            link(self._tracking_uri, self.name, version, run_id)
        return version

    def set_alias(self, alias: str, version: int) -> None:
        """Point the alias at the version."""
        try:
            self._server.post("registered-models/alias", name=self.name, alias=alias, version=str(version))
        except RegistryRefused as refusal:
            raise self._unknown(str(version), refusal) from refusal

    def tag(self, version: int, key: str, value: str) -> None:
        """Set a tag of the version; MLflow's stores have room for 5,000 bytes in a value."""
        try:
            self._server.post("model-versions/set-tag", name=self.name, version=str(version), key=key, value=value)
        except RegistryRefused as refusal:
            raise self._unknown(str(version), refusal) from refusal

    def _lookup(self, wanted: str, call: str, **query: str) -> dict[str, Any]:
        try:
            return self._server.get(call, **query)
        except RegistryRefused as refusal:
            raise self._unknown(wanted, refusal) from refusal

    def _field(self, answer: dict[str, Any], name: str) -> Any:
        if name not in answer:
            raise RegistryUnavailable(uri=self._server.uri, why=f"its answer has no {name}; is this an MLflow server?")
        return answer[name]

    def _unknown(self, wanted: str, refusal: RegistryRefused) -> TerminalError:
        # MLflow answers 404 for an unknown version and 400 INVALID_PARAMETER_VALUE for an unknown alias.
        if refusal.details.get("error_code") in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return ModelUnknown(model=f"{self.name}@{wanted}", why=refusal.details["why"])
        return refusal

    def _search(self, condition: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = {"filter": f"name = '{self.name}'{condition}", "max_results": _PAGE}
        while True:
            answer = self._server.get("model-versions/search", **query)
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
        """Return the folder below `scratch` that the version's bundle was downloaded into."""
        answer = self._lookup(str(version), "model-versions/get-download-uri", name=self.name, version=str(version))
        uri = self._field(answer, "artifact_uri")
        if urlsplit(uri).scheme != "mlflow-artifacts":
            data = artifacts.download(self._server.uri, artifacts.below(uri, _DATA), scratch / _DATA)
            return data / self._only(version, [entry.name for entry in data.glob("*") if entry.is_dir()])
        root = f"{urlsplit(uri).path.strip('/')}/{_DATA}"
        bundle = scratch / _BUNDLE
        self._server.download(f"{root}/{self._only(version, self._server.folders(root))}", bundle)
        return bundle

    def _only(self, version: int, folders: list[str]) -> str:
        if len(folders) != 1:
            raise BundleDamaged(path=f"models:/{self.name}/{version}", why="it was not registered from a bundle folder")
        return folders[0]


def registered_model() -> RegisteredModel:
    """Return the registered model that the settings name, or raise `SettingMissing`."""
    chosen = settings()
    return RegisteredModel(chosen.require_mlflow_tracking_uri(), chosen.model_name, chosen.model_cache)


def _version(item: dict[str, Any]) -> ModelVersion:
    tags = {tag["key"]: tag["value"] for tag in item.get("tags", [])}
    aliases = tuple(item.get("aliases", []))
    return ModelVersion(int(item["version"]), tags.get(DIGEST_TAG, ""), aliases, int(item["creation_timestamp"]))


def _holds(folder: Path, digest: str) -> bool:
    try:
        return Bundle.load(folder).digest == digest
    except (BundleMissing, BundleDamaged):
        return False


def _place(bundle: Path, folder: Path, digest: str) -> None:
    """Move the verified bundle to its place in the cache, where another process may have put the same one meanwhile."""
    if folder.exists() and not _holds(folder, digest):
        folder.rename(bundle.with_name("damaged"))
    try:
        bundle.rename(folder)
    except OSError:
        if not _holds(folder, digest):
            raise
