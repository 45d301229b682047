"""Model bundles: a folder of `manifest.json`, the arrays, a digest of both, and `provenance.json` outside the digest.

Nothing in a bundle is executed. It consists of JSON and of `.npy` files read with `allow_pickle=False`.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sentiment_core.errors import BundleDamaged, BundleMissing, BundleTooNew, BundleTooOld
from sentiment_core.model.card_markdown import CARD_KEY, markdown
from sentiment_core.model.drift_reference import Reference
from sentiment_core.model.manifest import FORMAT_VERSION, ArrayFile, Manifest
from sentiment_core.model.suite_section import SUITE_KEY, suite_section

STARTER: Final = Path(__file__).with_name("starter")

_NO_TOKENS: Final = np.empty(0, np.uint64)
_MANIFEST = "manifest.json"
_DIGEST = "digest.sha256"
PROVENANCE = "provenance.json"
_CARD = "card.md"
# Outside the digest, because these files do not affect what the model does.
_KNOWN_TEXTS = "texts.npy"
_KNOWN_TEXTS_KEY = "known_texts_sha256"
_REFERENCE = "reference.json"
_REFERENCE_KEY = "reference_sha256"
# Name, type and number of dimensions of each array. A bundle without canonical tokens has the first two only.
_ARRAYS: Final[Mapping[str, tuple[str, int]]] = {
    "ngrams": ("<u8", 1),
    "weights": ("<f4", 2),
    "tokens": ("<u8", 1),
    "canonical": ("<u8", 1),
}
_TABLE: Final = ("tokens", "canonical")


@dataclass(frozen=True, eq=False)
class Bundle:
    """One model: its n-grams and their weights, its canonical tokens, the manifest and the provenance."""

    manifest: Manifest
    ngrams: NDArray[np.uint64]  # n identities (`specification.identity`), ascending
    weights: NDArray[np.float32]  # (margins, n)
    tokens: NDArray[np.uint64]  # identities of the tokens that are replaced, ascending; often none
    canonical: NDArray[np.uint64]  # the hash of each one's canonical token, 0 if it is dropped
    provenance: dict[str, Any]
    known_texts: NDArray[np.uint64] | None = (
        None  # hashes of the texts that it learned from (`text/fingerprints.py`), ascending, if stored
    )
    reference: Reference | None = None  # the drift reference (`model/drift_reference.py`), if stored

    @classmethod
    def create(
        cls,
        ngrams: NDArray[np.uint64],
        weights: NDArray[np.float32],
        provenance: dict[str, Any],
        tokens: NDArray[np.uint64] = _NO_TOKENS,
        canonical: NDArray[np.uint64] = _NO_TOKENS,
        **fields: Any,
    ) -> Self:
        """Create a bundle from its arrays and the manifest's other fields."""
        given: dict[str, NDArray[Any]] = {
            "ngrams": ngrams,
            "weights": weights,
            "tokens": tokens,
            "canonical": canonical,
        }
        files = {name: array_bytes(array) for name, array in given.items() if name not in _TABLE or len(tokens)}
        arrays = {name: ArrayFile(size=len(file), sha256=_hex(file)) for name, file in files.items()}
        return cls(Manifest(arrays=arrays, **fields), ngrams, weights, tokens, canonical, provenance)

    def with_known_texts(self, hashes: NDArray[np.uint64]) -> Self:
        """Return the bundle with the hashes of the texts that it learned from."""
        provenance = self.provenance | {_KNOWN_TEXTS_KEY: _hex(array_bytes(hashes))}
        return replace(self, provenance=provenance, known_texts=hashes)

    def with_card(self, card: dict[str, Any]) -> Self:
        """Return the bundle with its model card (`model/card.py`)."""
        return replace(self, provenance=self.provenance | {CARD_KEY: card})

    def with_suite(self, suite: dict[str, Any]) -> Self:
        """Return the bundle with its measures over a suite, also on its card if it has one."""
        provenance = self.provenance | {SUITE_KEY: suite}
        if isinstance(card := provenance.get(CARD_KEY), dict):
            provenance[CARD_KEY] = card | {SUITE_KEY: suite_section(suite)}
        return replace(self, provenance=provenance)

    def with_reference(self, reference: Reference) -> Self:
        """Return the bundle with its drift reference."""
        provenance = self.provenance | {_REFERENCE_KEY: _hex(_reference_bytes(reference))}
        return replace(self, provenance=provenance, reference=reference)

    @cached_property
    def digest(self) -> str:
        """The model's identity: the SHA-256 of the manifest, which contains the SHA-256 of each array."""
        return _hex(self.manifest.document)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and verify a bundle.

        Raises `BundleMissing`, `BundleTooNew` or `BundleTooOld`. Raises `BundleDamaged` if any file except the
        provenance was changed.
        """
        document = _read(path, _MANIFEST)
        manifest = _parse_manifest(path, document)
        stored = _read(path, _DIGEST).decode("ascii", "replace").strip()
        if not stored == _hex(document) == _hex(manifest.document):
            raise BundleDamaged(path=path, why=f"{_MANIFEST} does not match {_DIGEST}")
        names = [name for name in _ARRAYS if name not in _TABLE or name in manifest.arrays]
        arrays = {name: _read_array(path, name, manifest) for name in names}
        provenance = _read_provenance(path)
        arrays = dict.fromkeys(_TABLE, _NO_TOKENS) | arrays
        bundle = cls(
            manifest,
            **arrays,
            provenance=provenance,
            known_texts=_read_known_texts(path, provenance),
            reference=_read_reference(path, provenance),
        )
        if not bundle._fits():
            raise BundleDamaged(path=path, why="its arrays do not fit together")
        return bundle

    def save(self, path: Path) -> None:
        """Write the bundle to a folder. Create the folder if it does not exist."""
        path.mkdir(parents=True, exist_ok=True)
        for name in self.manifest.arrays:
            (path / f"{name}.npy").write_bytes(array_bytes(getattr(self, name)))
        if self.known_texts is not None:
            (path / _KNOWN_TEXTS).write_bytes(array_bytes(self.known_texts))
        if self.reference is not None:
            (path / _REFERENCE).write_bytes(_reference_bytes(self.reference))
        (path / PROVENANCE).write_text(json.dumps(self.provenance, indent=2, ensure_ascii=False) + "\n", "utf-8")
        if CARD_KEY in self.provenance:
            (path / _CARD).write_text(markdown(self.provenance[CARD_KEY]), "utf-8")
        (path / _MANIFEST).write_bytes(self.manifest.document)
        (path / _DIGEST).write_text(self.digest + "\n", "ascii")

    def _fits(self) -> bool:
        return (
            self.weights.shape == (self.manifest.margins, len(self.ngrams))
            and self.tokens.shape == self.canonical.shape
            and _ascending(self.ngrams)
            and _ascending(self.tokens)
        )


def _ascending(identities: NDArray[np.uint64]) -> bool:
    return bool(np.all(identities[1:] > identities[:-1]) and np.all(identities & np.uint64(1)))


def _hex(content: bytes) -> str:
    return sha256(content).hexdigest()


def _reference_bytes(reference: Reference) -> bytes:
    return (json.dumps(reference.model_dump(mode="json"), sort_keys=True) + "\n").encode()


def array_bytes(array: NDArray[Any]) -> bytes:
    """Return the bytes of an array's `.npy` file. They are the same on every machine."""
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
    if found < FORMAT_VERSION:
        raise BundleTooOld(path=path, found=found, supported=FORMAT_VERSION)
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
    if (array.dtype, array.ndim) != (np.dtype(_ARRAYS[name][0]), _ARRAYS[name][1]):
        raise BundleDamaged(
            path=path, why=f"{file} has the wrong type or shape: {array.dtype} with {array.ndim} dimensions"
        )
    return array


def _read_provenance(path: Path) -> dict[str, Any]:
    try:
        provenance = json.loads(_read(path, PROVENANCE))
    except ValueError as error:
        raise BundleDamaged(path=path, why=f"{PROVENANCE} is not JSON") from error
    if not isinstance(provenance, dict):
        raise BundleDamaged(path=path, why=f"{PROVENANCE} is not a JSON object")
    return provenance


def _read_known_texts(path: Path, provenance: Mapping[str, Any]) -> NDArray[np.uint64] | None:
    """Return the hashes of the texts that the model learned from, or None if the bundle has none."""
    expected = provenance.get(_KNOWN_TEXTS_KEY)
    if expected is None:
        return None
    content = _read(path, _KNOWN_TEXTS)
    if _hex(content) != expected:
        raise BundleDamaged(path=path, why=f"{_KNOWN_TEXTS} does not match the SHA-256 in {PROVENANCE}")
    hashes: NDArray[np.uint64] = np.load(io.BytesIO(content), allow_pickle=False)
    if (hashes[1:] <= hashes[:-1]).any():  # a binary search in them would miss texts without a word
        raise BundleDamaged(path=path, why=f"the hashes in {_KNOWN_TEXTS} are not in ascending order")
    return hashes


def _read_reference(path: Path, provenance: Mapping[str, Any]) -> Reference | None:
    """Return the drift reference, or None if the bundle has none."""
    expected = provenance.get(_REFERENCE_KEY)
    if expected is None:
        return None
    content = _read(path, _REFERENCE)
    if _hex(content) != expected:
        raise BundleDamaged(path=path, why=f"{_REFERENCE} does not match the SHA-256 in {PROVENANCE}")
    try:
        return Reference.model_validate_json(content)
    except ValidationError as error:
        raise BundleDamaged(path=path, why=f"{_REFERENCE} does not have the format of this release") from error
