"""Content negotiation by the `Accept` header."""


def prefers_html(accept: str) -> bool:
    """Tell whether an `Accept` header prefers HTML to JSON; `*/*` gets JSON."""
    rated = [_rating(entry) for entry in accept.split(",")]
    return _quality(rated, "text/html") > _quality(rated, "application/json")


def _rating(entry: str) -> tuple[str, float]:
    media, *parameters = (part.strip().lower() for part in entry.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media, float(value)
            except ValueError:
                return media, 0.0
    return media, 1.0


def _quality(rated: list[tuple[str, float]], wanted: str) -> float:
    for pattern in (wanted, wanted.partition("/")[0] + "/*", "*/*"):
        for media, quality in rated:
            if media == pattern:
                return quality
    return 0.0
