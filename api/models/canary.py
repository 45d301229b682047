"""The canary: a second model that answers a fixed fraction of the request keys."""

from hashlib import blake2b

from api.models.registry_role import RegistryRole
from api.models.served_model import ServedModel

_BYTES = 8


class Canary:
    """A model of the registry and the fraction of keys that it answers.

    The position of a key is its hash, so it is the same in all processes and after a restart. The canary has the
    positions below its fraction, so a larger fraction only moves keys from the champion to the canary.
    """

    def __init__(self, followed: RegistryRole, share: float) -> None:
        self.followed = followed
        self.share = share
        self._end = round(share * 256**_BYTES)

    @property
    def active(self) -> bool:
        """Tell whether it can answer any key."""
        return self._end > 0 and self.followed.current is not None

    def model_for(self, key: str) -> ServedModel | None:
        """Return the canary's model if it answers this key."""
        model = self.followed.current
        return model if model is not None and place(key) < self._end else None


def place(key: str) -> int:
    """Return the position of a key of any length, in [0, 2**64)."""
    # Bytes of a header that are not UTF-8 arrive as lone surrogates.
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_BYTES, person=b"canary")
    return int.from_bytes(digest.digest(), "big")
