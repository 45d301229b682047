"""Names of columns: how they are compared, and the names that real exports give to the known columns."""

from collections.abc import Iterable, Sequence
from typing import Final

# Byte order marks, zero-width characters and marks of direction, which exports leave in names.
_INVISIBLE: Final = dict.fromkeys(
    map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e")
)
# These, what people separate words with, and the quotes and brackets in which some programs put names.
_IGNORED: Final = _INVISIBLE | dict.fromkeys(map(ord, " \t\n\r\u00a0._-:*?'\"`\u00b4\u2018\u2019\u201c\u201d[]"))
# The byte order mark of UTF-8, read as Windows-1252 and saved again.
_GARBLED_MARK: Final = "\u00ef\u00bb\u00bf"

# Documented names come first; the others are names of well-known exports, which say the same without doubt.
KNOWN_NAMES: Final = {
    "review_id": ("review_id", "id_review", "review_uid", "review_identifier"),
    "product_id": ("product_id", "asin", "product_sku", "sku"),
    "author_id": ("author_id", "reviewer_id", "customer_id", "user_id"),
    "rating": (
        *("rating", "star_rating", "review_rating", "reviews_rating", "stars", "star", "overall", "review_score"),
    ),
    "reviewed_at": (
        *("reviewed_at", "review_date", "reviews_date", "review_time", "review_creation_date", "review_created_at"),
        *("review_submit_date_and_time", "created_at"),
    ),
    "language": ("language", "review_language", "reviewer_language"),
}

# Columns that are the title of the text beside them, without doubt. A bare `title` may be that of the product.
TITLES: Final = ("review_title", "reviews_title", "review_headline", "review_summary", "headline", "summary")

# Names that may mean a known column, or something else. A column with such a name is kept as an extra column.
SIMILAR_NAMES: Final = {
    "review_id": (
        *("id", "uuid", "guid", "uid", "review_uuid", "review_guid", "review_key", "review_number", "review_no"),
        *("review_nr", "review_#", "review_ref", "review_reference", "review_hash", "review_link", "reviews_id"),
        *("comment_id", "feedback_id", "response_id", "rating_id", "record_id", "row_id", "entry_id", "post_id"),
        *("external_id", "external_review_id", "source_review_id", "original_review_id", "bewertungs_id"),
        *("bewertung_id", "rezensions_id", "id_avis", "avis_id", "kommentar_id", "note_id", "tweet_id", "rid"),
        *("ticket_id", "survey_id", "submission_id", "review(id)", "id(review)"),
    ),
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


# Columns that may be a part of what a customer wrote. A file that has one beside its text gets a warning.
SIMILAR_TEXTS: Final = (
    *("pros", "cons", "advantages", "disadvantages", "positive", "negative", "positive_review", "negative_review"),
    *("positive_comment", "negative_comment", "liked", "disliked", "vorteile", "nachteile", "reviews"),
)


def fold(name: str) -> str:
    """Return a name without case, spaces, dots, dashes, underscores, quotes and invisible characters."""
    folded = "".join(name.removeprefix(_GARBLED_MARK).translate(_IGNORED).split()).casefold()
    return folded.lstrip("#") or folded


def shown(name: str) -> str:
    """Return a name without invisible characters and surrounding spaces."""
    return name.removeprefix(_GARBLED_MARK).translate(_INVISIBLE).strip()


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
