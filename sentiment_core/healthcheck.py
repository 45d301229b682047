"""Health check of a service by URL, for images without curl: `python -m sentiment_core.healthcheck URL`."""

import sys
import urllib.error
import urllib.request

_TIMEOUT_S = 4.0


def is_healthy(url: str) -> bool:
    """Return whether the URL answers with status 200. Proxies are bypassed."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not is_healthy(sys.argv[1]))
