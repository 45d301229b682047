"""Identification of callers: by API key if keys are set, otherwise by address."""

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from api.contract.errors import Unauthorised
from api.contract.schemas import REQUEST_KEY

_IPV6_SITE_BITS = 64


class Authentication:
    """Identify callers.

    Only the SHA-256 of a key is kept, which suffices for long random keys. Keys are compared in constant time.
    """

    def __init__(self, keys: Sequence[str], forwarded_hops: int) -> None:
        pairs = (key.split(":") for key in keys)
        self._known = [(name, bytes.fromhex(digest)) for name, digest in pairs]
        self._hops = forwarded_hops

    def identify(self, request: web.BaseRequest) -> str:
        """Return the name of the caller's key, or its address if no keys are set. Raises `Unauthorised`."""
        if self._known:
            return self._key_name(request.headers)
        return self.address(request.headers, request.remote)

    def address(self, headers: Mapping[str, str], peer: str | None) -> str:
        """Return the client's address as the outermost trusted proxy saw it.

        An IPv6 address is cut to its site prefix, because a client usually controls all addresses of its site.
        """
        if self._hops and (forwarded := headers.get("X-Forwarded-For")):
            hops = forwarded.split(",")
            peer = hops[-min(self._hops, len(hops))].strip()
        if peer is None or ":" not in peer:
            return peer or "local"
        return _site(peer)

    def request_key(self, headers: Mapping[str, str], peer: str | None) -> str:
        """Return the key that assigns a request to a model: its header, or else its address."""
        return headers.get(REQUEST_KEY) or self.address(headers, peer)

    def _key_name(self, headers: Mapping[str, str]) -> str:
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


def _site(address: str) -> str:
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> _IPV6_SITE_BITS << _IPV6_SITE_BITS))
    return str(parsed)
