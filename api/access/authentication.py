"""Identification of callers: by API key if keys are set, otherwise by address."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from api.contract.schemas import REQUEST_KEY
from sentiment_core.api_keys import ApiKeys

_IPV6_SITE_BITS = 64


class Authentication:
    """Identify callers."""

    def __init__(self, keys: Sequence[str], forwarded_hops: int) -> None:
        self._keys = ApiKeys(keys)
        self._hops = forwarded_hops

    def identify(self, request: web.BaseRequest) -> str:
        """Return the name of the caller's key, or its address if no keys are set. Raises `Unauthorised`."""
        if self._keys:
            return self._keys.name(request.headers)
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


def _site(address: str) -> str:
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> _IPV6_SITE_BITS << _IPV6_SITE_BITS))
    return str(parsed)
