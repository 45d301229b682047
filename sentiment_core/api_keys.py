"""API keys: the setting that names the accepted ones, and their check."""

import hashlib
import hmac
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence

from pydantic import Field, field_validator

from sentiment_core.errors import Unauthorised
from sentiment_core.settings import Settings


class KeySettings(Settings):
    """The shared settings and the accepted API keys, for programs that answer requests."""

    api_keys: tuple[str, ...] = Field(
        (),
        description="Accepted API keys, as `NAME:SHA256` (JSON list; `python -m api.new_key NAME` makes one); "
        "without keys every caller is accepted.",
    )

    @field_validator("api_keys")
    @classmethod
    def _are_hashed(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}:[0-9a-f]{64}", key):
                raise ValueError("each key is NAME:SHA256, as `python -m api.new_key NAME` prints it")
        return keys


class ApiKeys:
    """The accepted keys, false if there are none.

    Only the SHA-256 of a key is kept, which suffices for long random keys. Keys are compared in constant time.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        pairs = (key.split(":") for key in keys)
        self._known = [(name, bytes.fromhex(digest)) for name, digest in pairs]

    def __bool__(self) -> bool:
        return bool(self._known)

    def name(self, headers: Mapping[str, str]) -> str:
        """Return the name of the key in the headers of a request. Raises `Unauthorised`."""
        given = headers.get("Authorization") or headers.get("X-API-Key")
        if given is None:
            raise Unauthorised(why="none was sent")
        digest = hashlib.sha256(_secret(given)).digest()
        found = None
        for name, known in self._known:
            if hmac.compare_digest(known, digest):
                found = name
        if found is None:
            raise Unauthorised(why="the sent key is unknown")
        return found


def _secret(given: str) -> bytes:
    """Return the key in a header: alone, as a bearer token, or as the password of basic authentication."""
    scheme, _, value = given.partition(" ")
    match scheme.lower():
        case "bearer":
            given = value
        case "basic":
            try:
                return b64decode(value, validate=True).partition(b":")[2]
            except ValueError:
                return b""
    return given.strip().encode(errors="surrogateescape")
