"""Names of columns: how they are compared, and the names that real exports give to the known columns."""

from collections.abc import Iterable, Sequence
from typing import Final

# Byte order marks and zero-width characters, which exports leave in names, and what people separate words with.
_IGNORED: Final = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060 \t\u00a0._-"))

# Documented names come first; the others are names of well-known exports, which say the same without doubt.
KNOWN_NAMES: Final = {
    "review_id": ("review_id",),
    "product_id": ("product_id", "asin", "product_sku", "sku"),
    "author_id": ("author_id", "reviewer_id", "customer_id", "user_id"),
    "rating": ("rating", "star_rating", "review_rating", "stars", "star", "overall", "review_score"),
    "reviewed_at": (
        *("reviewed_at", "review_date", "review_time", "review_creation_date", "review_created_at"),
        *("review_submit_date_and_time", "created_at"),
    ),
    "language": ("language", "review_language", "reviewer_language"),
}

# Columns that are the title of the text beside them, without doubt. A bare `title` may be that of the product.
TITLES: Final = ("review_title", "review_headline", "review_summary", "headline", "summary")

# Names that may mean a known column, or something else. A column with such a name is kept as an extra column.
SIMILAR_NAMES: Final = {
    "review_id": ("id", "uuid", "review_uuid", "review_key", "review_number", "review_link"),
    "product_id": ("product", "product_name", "item", "item_id", "package_name", "app_id", "product_handle"),
    "author_id": ("author", "user", "username", "reviewer", "reviewer_name", "customer", "author_name", "user_name"),
    "rating": ("score", "rate", "review_stars", "star_rate", "bewertung", "grade"),
    "reviewed_at": ("date", "time", "timestamp", "at", "datetime", "updated_at", "submitted_at", "unix_review_time"),
    "language": ("lang", "locale", "review_locale"),
}

# Further names, in several languages, that a proposal tries. Their values decide: `note` is a mark, or a note.
PROPOSED_NAMES: Final = {
    "review_id": ("nr", "no", "nummer"),
    "product_id": ("produkt", "artikel", "artikelnummer", "produit", "producto", "prodotto"),
    "author_id": ("kunde", "kundennummer", "client", "cliente"),
    "rating": (
        *("note", "sterne", "punkte", "points", "etoiles", "nota", "puntuacion", "valoracion", "estrellas", "voto"),
        *("waardering", "betyg", "ocena"),
    ),
    "reviewed_at": ("created", "datum", "erstellt", "erstellt_am", "fecha", "data", "date_de_creation"),
    "language": ("sprache", "langue", "idioma"),
}


def fold(name: str) -> str:
    """Return a name without case, spaces, dots, dashes, underscores and invisible characters."""
    return "".join(name.translate(_IGNORED).split()).casefold()


def shown(name: str) -> str:
    """Return a name without invisible characters and surrounding spaces."""
    return name.translate(dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))).strip()


def position(folded: Sequence[str], names: Iterable[str]) -> int | None:
    """Return the position of the first of `names` among folded names, or None."""
    for name in names:
        if fold(name) in folded:
            return folded.index(fold(name))
    return None


def distinct(names: Sequence[str]) -> list[str]:
    """Return the names, each that another one equals without case with a number: `Date`, `date_2`."""
    used: dict[str, int] = {}  # the last number of each name: a header may repeat one many times
    result = []
    for name in names:
        unique, number = name, used.get(name.casefold(), 1)
        while unique.casefold() in used:
            number += 1
            unique = f"{name}_{number}"
        used[name.casefold()] = number
        used.setdefault(unique.casefold(), 1)
        result.append(unique)
    return result
