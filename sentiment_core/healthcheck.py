"""Ask an address whether its service is well: `python -m sentiment_core.healthcheck URL`, for images without curl."""

import sys
import urllib.error
import urllib.request

_TIMEOUT_S = 4.0


def is_well(url: str) -> bool:
    """Return whether the address answers 200, without a proxy in between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not is_well(sys.argv[1]))
