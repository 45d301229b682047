"""Model bundles: a folder of `manifest.json`, its arrays, the digest over both, and `provenance.json` outside of it.

Nothing in a bundle is executed: JSON, and `.npy` files read with `allow_pickle=False`.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sentiment_core.errors import BundleDamaged, BundleMissing, BundleTooNew
from sentiment_core.manifest import FORMAT_VERSION, ArrayFile, Manifest

STARTER: Final = Path(__file__).with_name("starter")

_MANIFEST = "manifest.json"
_DIGEST = "digest.sha256"
_PROVENANCE = "provenance.json"
_DTYPES: Final[Mapping[str, str]] = {"hashes": "<u8", "weights": "<f4"}


@dataclass(frozen=True, eq=False)
class Bundle:
    """One model: n-gram hashes in ascending order, the weight of each, and the manifest."""

    manifest: Manifest
    hashes: NDArray[np.uint64]  # n
    weights: NDArray[np.float32]  # n
    provenance: dict[str, Any]

    @classmethod
    def create(
        cls,
        hashes: NDArray[np.uint64],
        weights: NDArray[np.float32],
        provenance: dict[str, Any],
        **fields: Any,
    ) -> Self:
        """Make a bundle of arrays and the manifest's other fields."""
        files = {name: _array_bytes(array) for name, array in (("hashes", hashes), ("weights", weights))}
        arrays = {name: ArrayFile(size=len(file), sha256=_hex(file)) for name, file in files.items()}
        return cls(Manifest(arrays=arrays, **fields), hashes, weights, provenance)

    @cached_property
    def digest(self) -> str:
        """The model's identity: the SHA-256 of the manifest, which holds those of the arrays."""
        return _hex(_manifest_bytes(self.manifest))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and verify a bundle.

        Raises `BundleMissing`, `BundleTooNew`, or `BundleDamaged` when any file but the provenance was changed.
        """
        document = _read(path, _MANIFEST)
        manifest = _parse_manifest(path, document)
        stored = _read(path, _DIGEST).decode("ascii", "replace").strip()
        if not stored == _hex(document) == _hex(_manifest_bytes(manifest)):
            raise BundleDamaged(path=path, why=f"{_MANIFEST} does not match {_DIGEST}")
        hashes, weights = (_read_array(path, name, manifest) for name in _DTYPES)
        if hashes.shape != weights.shape or np.any(hashes[1:] <= hashes[:-1]):
            raise BundleDamaged(path=path, why="its arrays do not fit together")
        return cls(manifest, hashes, weights, _read_provenance(path))

    def save(self, path: Path) -> None:
        """Write the bundle into a folder, which is made when it is not there."""
        path.mkdir(parents=True, exist_ok=True)
        for name, array in (("hashes", self.hashes), ("weights", self.weights)):
            (path / f"{name}.npy").write_bytes(_array_bytes(array))
        (path / _PROVENANCE).write_text(json.dumps(self.provenance, indent=2, ensure_ascii=False) + "\n", "utf-8")
        (path / _MANIFEST).write_bytes(_manifest_bytes(self.manifest))
        (path / _DIGEST).write_text(self.digest + "\n", "ascii")


def _hex(content: bytes) -> str:
    return sha256(content).hexdigest()


def _manifest_bytes(manifest: Manifest) -> bytes:
    return (json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()


def _array_bytes(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array.astype(array.dtype.newbyteorder("<")), allow_pickle=False)
    return file.getvalue()


def _read(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        if name == _MANIFEST:
            raise BundleMissing(path=path, why=f"it has no {name}") from error
        raise BundleDamaged(path=path, why=f"{name} is missing") from error
    except OSError as error:
        raise BundleMissing(path=path, why=f"{name} cannot be read ({error.strerror})") from error


def _parse_manifest(path: Path, document: bytes) -> Manifest:
    try:
        fields = json.loads(document)
        found = int(fields["format_version"])
    except (ValueError, TypeError, KeyError) as error:
        raise BundleDamaged(path=path, why=f"{_MANIFEST} is not the manifest of a bundle") from error
    if found > FORMAT_VERSION:
        raise BundleTooNew(path=path, found=found, supported=FORMAT_VERSION)
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise BundleDamaged(path=path, why=f"{_MANIFEST}: {place}: {fault['msg']}") from error


def _read_array(path: Path, name: str, manifest: Manifest) -> NDArray[Any]:
    file = f"{name}.npy"
    content = _read(path, file)
    expected = next((entry for key, entry in manifest.arrays.items() if key == name), None)
    if expected is None:
        raise BundleDamaged(path=path, why=f"{_MANIFEST} does not name {file}")
    if len(content) != expected.size:
        raise BundleDamaged(path=path, why=f"{file} has {len(content)} bytes instead of {expected.size}: truncated")
    if _hex(content) != expected.sha256:
        raise BundleDamaged(path=path, why=f"{file} does not match its digest: its content was changed")
    try:
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise BundleDamaged(path=path, why=f"{file} is not an array") from error
    if array.dtype != np.dtype(_DTYPES[name]) or array.ndim != 1:
        raise BundleDamaged(path=path, why=f"{file} holds {array.dtype} of {array.ndim} dimensions")
    return array


def _read_provenance(path: Path) -> dict[str, Any]:
    try:
        provenance = json.loads(_read(path, _PROVENANCE))
    except ValueError as error:
        raise BundleDamaged(path=path, why=f"{_PROVENANCE} is not JSON") from error
    if not isinstance(provenance, dict):
        raise BundleDamaged(path=path, why=f"{_PROVENANCE} is not a JSON object")
    return provenance
