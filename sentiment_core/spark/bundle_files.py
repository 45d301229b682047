"""A bundle as the contents of its files, in which form the driver sends it to the workers.

A worker reads and verifies them as it would read a folder. A worker with another release of this package therefore
refuses a bundle that it cannot read, instead of scoring with half of it.
"""

import os
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar, Final, Self

from sentiment_core.errors import BundleDamaged, BundleTooNew, BundleTooOld
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer

if TYPE_CHECKING:
    from pyspark import Broadcast, SparkContext

_DRIVER: Final = "the Spark driver"


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """Return the content of each file of a bundle by its name, without what scoring does not need."""
    needed = Bundle(bundle.manifest, bundle.ngrams, bundle.weights, bundle.tokens, bundle.canonical, {})
    with TemporaryDirectory() as folder:
        needed.save(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def read_files(files: dict[str, bytes], digest: str) -> Bundle:
    """Return the bundle of these files.

    Raises `BundleDamaged` if its digest is not the given one, and otherwise what `Bundle.load` raises, with the driver
    as the path.
    """
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            bundle = Bundle.load(Path(folder))
        except (BundleDamaged, BundleTooNew, BundleTooOld) as error:
            raise type(error)(**error.details | {"path": _DRIVER}) from None
    if bundle.digest != digest:
        raise BundleDamaged(path=_DRIVER, why=f"its digest is {bundle.digest}, and {digest} was sent")
    return bundle


class SentBundle:
    """A bundle that was broadcast. A worker process opens it once, however many tasks it runs."""

    _sent: ClassVar[dict[tuple[str, str], Self]] = {}  # by application and digest

    @classmethod
    def send(cls, context: "SparkContext", bundle: Bundle) -> Self:
        """Broadcast a bundle, once per application."""
        key = (context.applicationId, bundle.digest)
        if key not in cls._sent:
            cls._sent[key] = cls(context.broadcast(files_of(bundle)), bundle.digest)
        return cls._sent[key]

    def __init__(self, files: "Broadcast[dict[str, bytes]]", digest: str) -> None:
        self._files = files
        self.digest = digest

    def scorer(self) -> Scorer:
        """Return the scorer of the bundle, in a worker."""
        return _scorer(self)

    def opened(self) -> Scorer:
        """Read and verify the files."""
        return Scorer(read_files(self._files.value, self.digest), _table_file(self.digest))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SentBundle) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def _table_file(digest: str) -> Path | None:
    """Return the file through which the workers of an executor share a table, or None outside a worker.

    It is in a folder of the executor, which Spark removes. Without it each worker has its own copy, and together the
    copies do not fit into the processor's cache.
    """
    folder = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0]
    return Path(folder, f"sentiment-{digest}.table") if folder else None


@lru_cache(maxsize=1)
def _scorer(sent: SentBundle) -> Scorer:
    return sent.opened()
