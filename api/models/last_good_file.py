"""The last good model, stored across restarts for a start without the registry."""

import json
import uuid
from pathlib import Path

from api.contract.schemas import ModelIdentity


class LastGoodFile:
    """A small file next to the cached bundles."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> ModelIdentity | None:
        """Return the stored model, or None if there is no readable file."""
        try:
            found = json.loads(self._path.read_text())
            version = found["version"]
            return {
                "name": str(found["name"]),
                "version": None if version is None else int(version),
                "digest": str(found["digest"]),
            }
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def write(self, model: ModelIdentity) -> None:
        """Store the model; a crash leaves the old file or the new one."""
        # Pods can share the folder, and their processes have the same ids.
        scratch = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}")
        scratch.write_text(json.dumps(model))
        scratch.replace(self._path)
