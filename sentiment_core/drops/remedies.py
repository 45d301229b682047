"""The command that takes a rejected file in, for the reason of its rejection."""

from typing import NamedTuple


class Remedy(NamedTuple):
    """Names the command for one source. A local file, and a drop without a source, have the source ""."""

    source: str = ""

    def declare(self, options: str) -> str:
        """Return the sentence that says how to declare something of a source, with options of `source set`."""
        if not self.source:
            return f"Declare it for its source: `sentiment source set SOURCE {options}`"
        return (
            f"Run `sentiment source set {self.source} {options}`, then "
            f"`sentiment quarantine replay --source {self.source}`"
        )
