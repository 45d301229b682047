"""Tokens that prove that a form was shown to the user who sends it (synchroniser tokens without a store).

A token is an HMAC of the user's name, the form's path and an expiry time. Any server with the same key can check it.
Another site cannot read it, so it cannot forge a request of a logged-in user.
"""

import hashlib
import hmac
import time

VALID_S = 4 * 3600  # a form may be left open for this long


def issue(secret: str, user: str, path: str) -> str:
    """Return a token for a form of this user that posts to this path."""
    expires = int(time.time()) + VALID_S
    return f"{expires}.{_signature(secret, user, path, expires)}"


def is_valid(token: str, secret: str, user: str, path: str) -> bool:
    """Return whether the token was issued for this user and path, and has not expired."""
    expires, _, signature = token.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
        return False
    expected = _signature(secret, user, path, int(expires))
    return hmac.compare_digest(signature.encode(), expected.encode()) and int(expires) >= time.time()


def _signature(secret: str, user: str, path: str, expires: int) -> str:
    message = "\0".join(("sentiment form", user, path, str(expires)))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
