"""Make an API key: `python -m api.new_key NAME` prints it, and the entry of `SENTIMENT_API_KEYS` that accepts it."""

import hashlib
import secrets
import sys


def main(arguments: list[str]) -> int:
    """Print a new key for the given name."""
    if len(arguments) != 1:
        print("usage: python -m api.new_key NAME", file=sys.stderr)  # noqa: T201 -- a command
        return 2
    key = secrets.token_urlsafe(32)
    print(f"key, for the caller alone:  {key}")  # noqa: T201
    print(f"in SENTIMENT_API_KEYS:      {arguments[0]}:{hashlib.sha256(key.encode()).hexdigest()}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
