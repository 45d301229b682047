"""W3C trace context: which distributed trace a request belongs to (www.w3.org/TR/trace-context)."""

import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace's id that a `traceparent` header holds, or None for a header that is not well formed."""
    found = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    return None if found is None else found[1]
