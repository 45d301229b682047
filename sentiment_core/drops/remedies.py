"""The command that takes a rejected file in, for the reason of its rejection."""

import shlex
from typing import NamedTuple, Self

from sentiment_core.drops.drop import source_of


class Remedy(NamedTuple):
    """Names the command for one source: "" for drops without a source, None for a local file."""

    source: str | None = None

    @classmethod
    def of(cls, uri: str, prefix: str) -> Self:
        """Return the remedy for a drop."""
        return cls(source_of(uri, prefix) if uri.startswith("s3://") else None)

    def declare(self, options: str) -> str:
        """Return the sentence that says how to declare something of a source, with options of `source set`."""
        if self.source is None:
            return f"Declare it for its source: `sentiment source set SOURCE {options}`"
        source = shlex.quote(self.source)
        return f"Run `sentiment source set {source} {options}`, then `sentiment quarantine replay --source {source}`"
