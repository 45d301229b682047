"""Infer what the columns of a sample mean, from their names and their values."""

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from sentiment_core.drops.column_names import KNOWN_NAMES, PROPOSED_NAMES, SIMILAR_NAMES, TITLES, fold, position
from sentiment_core.drops.column_words import (
    AGGREGATE,
    ANSWER,
    AUTHOR,
    BAD,
    DESCRIPTION,
    GOOD,
    ID,
    ONLY_ID,
    OTHER_THING,
    OTHER_TIME,
    OVERALL,
    PRODUCT,
    RATING,
    RESPONSE,
    REVIEW,
    TEXT,
    TIME,
    TITLE,
    UPDATED,
    WRITTEN,
)
from sentiment_core.drops.inferred_values import formats_of, is_typed, reads_ratings, reads_times, scale_of
from sentiment_core.drops.proposal import Draft
from sentiment_core.drops.sample import Sample, SampleColumn
from sentiment_core.drops.typed_fields import parse_rating, parse_time

_DISTINCT: Final = 0.999  # ratio of distinct values of an id
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")

Columns = list[SampleColumn]


def infer_columns(sample: Sample, draft: Draft) -> None:
    """Declare the columns of a sample, each with the reason, and ask where a name or its values say two things."""
    texts = _texts(sample, draft)
    title = _title(sample, texts, draft)
    left = [column for column in sample.columns if column not in texts and column is not title and column.values]
    columns: dict[str, str | None] = {}
    reasons = []
    for known, infer in _INFER.items():
        column, reason = infer(left, draft)
        if column is not None:
            columns[known] = column.name
            left = [each for each in left if each is not column]
        elif (default := column_of(sample, KNOWN_NAMES[known])) in left and not _usable(known, default):
            columns[known] = None  # else its name decides
            reason = reason or f"the values of {default.name}, such as {default.values[0][:40]!r}, do not fit"
        if reason:
            reasons.append(f"{known}: {reason}")
    if columns:
        draft.declare("columns", columns, "\n".join(reasons))


def _usable(known: str, column: SampleColumn) -> bool:
    """Return whether the usual rules read most values of a column with a known name."""
    reads: dict[str, Callable[[str], object]] = {"rating": parse_rating, "reviewed_at": parse_time}
    read = reads.get(known)
    return read is not None and column.ratio(read) > 1 / 2


def column_of(sample: Sample, names: Sequence[str]) -> SampleColumn | None:
    """Return the column with the first of these names that the sample has, or None."""
    field = position([fold(name) for name in sample.names], names)
    return None if field is None else sample.columns[field]


def id_question(column: SampleColumn, *, named: bool) -> str:
    """Return the question about a column whose values may not be ids of reviews, or "".

    `named`: its name says that they are. Otherwise they may be the numbers of the rows.
    """
    missing = column.rows - len(column.values)
    repeated = len(column.values) - len(column.counts)
    if missing or column.distinct < _DISTINCT:
        return (
            f"columns.review_id: is {column.name} the id of the review? {missing:,} rows have none and {repeated:,} "
            "repeat one. Equal ids mean one review"
        )
    if not named and _counts_rows(column):
        return (
            f"columns.review_id: does {column.name} stay with a review in every export, or is it the number of a row? "
            f"Declare it only if it stays, as review_id: {column.name}"
        )
    return ""


def _counts_rows(column: SampleColumn) -> bool:
    first = column.values[0]
    if first not in ("0", "1"):
        return False
    return column.values == [str(number) for number in range(int(first), int(first) + len(column.values))]


def _texts(sample: Sample, draft: Draft) -> Columns:
    """Declare the text: two opposite columns, one with a known name, the only one that is named as a text, or ask."""
    untyped = [column for column in sample.columns if not is_typed(column.cells)] or sample.columns
    prose = [column for column in untyped if column.is_prose and column.name not in ANSWER] or untyped
    named = [column for column in prose if column.name in TEXT and column.name not in TITLE]
    known = column_of(sample, draft.settings.text_columns)
    good, bad = _opposites(prose)
    if good is not None and bad is not None:
        texts = [each for each in sample.columns if each in (good, bad) or (each in named and _is_further(each))]
        names = [each.name for each in texts]
        draft.declare("text", names, f"{good.name} and {bad.name} are two sides of one review; they are joined")
        return texts
    if known is not None and known.values and known.name not in ANSWER:
        rivals = [each for each in named if each is not known and each.mean_words * 2 >= known.mean_words]
        return _text(known, rivals, f"its name; {known.mean_words:.0f} words on average", draft)
    ranked = sorted(named or prose, key=lambda column: column.mean_length, reverse=True)
    best, *others = ranked
    why = "its name and its" if named else "it has the longest"
    if not named:
        others = [each for each in others if each.mean_words * 2 >= best.mean_words][:3]
    return _text(best, others, f"{why} texts, {best.mean_words:.0f} words on average", draft)


def _text(best: SampleColumn, others: Columns, reason: str, draft: Draft) -> Columns:
    draft.declare("text", best.name, reason)
    rivals = ", ".join(each.name for each in others)
    if rivals:
        draft.ask(f"text: is the review in {best.name}, or in {rivals}? A list joins several columns")
    elif not best.is_prose and best.name not in TEXT:
        draft.ask(f"text: is the review in {best.name}? Its values are not like sentences")
    return [best]


def _opposites(columns: Columns) -> tuple[SampleColumn | None, SampleColumn | None]:
    """Return the only column of good points and the only one of bad points."""
    bad = [column for column in columns if column.name in BAD]
    good = [column for column in columns if column.name in GOOD and column not in bad]
    return (good[0], bad[0]) if len(good) == len(bad) == 1 else (None, None)


def _is_further(column: SampleColumn) -> bool:
    return column.name not in GOOD and column.name not in BAD


def _title(sample: Sample, texts: Columns, draft: Draft) -> SampleColumn | None:
    excluded = (ANSWER, OTHER_THING, RESPONSE, PRODUCT)
    candidates = [
        column
        for column in sample.columns
        if column.values and column not in texts and column.name in TITLE and not _named(column, *excluded)
    ]
    sure = [column for column in candidates if column.name in REVIEW or position([fold(column.name)], TITLES) == 0]
    if sure:
        draft.declare("title", sure[0].name, "its name")
        return sure[0]
    if not candidates:
        return None
    column, product = candidates[0], _product(sample.columns, draft)[0]
    if product is not None and _is_name_of(column, product):
        return None
    if product is not None and product.distinct == 1 and column.rows > 1:
        what = "or of the product? Each row has another product"
    elif product is None and column.distinct <= 1 / 2:
        what = f"or of the product? It has only {len(column.counts):,} values in {column.rows:,} rows"
    else:
        draft.declare("title", column.name, f"its name; {column.distinct:.0%} of its values are distinct")
        return column
    draft.ask(f"title: is {column.name} the title of the review, {what}. If of the review, write title: {column.name}")
    return None


def _is_name_of(column: SampleColumn, product: SampleColumn) -> bool:
    """Return whether each product, of which some have several rows, always has the same value in a column."""
    pairs = set(zip(product.cells, column.cells, strict=True))
    return len(pairs) == len(set(product.cells)) < product.rows


def _named(column: SampleColumn, *words: object) -> bool:
    return any(column.name in each for each in words)  # type: ignore[operator]


def _review_id(columns: Columns, draft: Draft) -> tuple[SampleColumn | None, str]:
    exact = [each for each in columns if fold(each.name) in map(fold, KNOWN_NAMES["review_id"])]
    own = [each for each in columns if each.name in ID and not _named(each, PRODUCT, AUTHOR, OTHER_THING, AGGREGATE)]
    meant = [each for each in own if each.name in REVIEW or each.name in RESPONSE]
    alike = [fold(name) for name in (*SIMILAR_NAMES["review_id"], *PROPOSED_NAMES["review_id"])]
    bare = [each for each in columns if each.name in ONLY_ID or fold(each.name) in alike]
    for column in dict.fromkeys(chain(exact, meant, bare)):
        question = id_question(column, named=column in exact or column in meant)
        if not question:
            return column, f"every row has another {column.name}"
        draft.ask(question)
        return None, f"{column.name} is not taken, see the question" if exact else ""
    return None, ""


def _rating(columns: Columns, draft: Draft) -> tuple[SampleColumn | None, str]:
    named = [each for each in columns if each.name in RATING and not _named(each, AGGREGATE, TIME)]
    named += [each for each in columns if _is_similar(each, "rating") and each not in named]
    tiers = _best(
        [each for each in named if reads_ratings(each)],
        lambda each: fold(each.name) in map(fold, KNOWN_NAMES["rating"]),
        lambda each: each.name in OVERALL and each.name not in PRODUCT,
    )
    if not tiers:
        return None, ""
    column, *others = tiers
    if others:
        draft.ask(
            f"columns.rating: is the rating in {column.name}, or in {', '.join(each.name for each in others)}? "
            "Check the scale in the part `rating` if it is another column"
        )
    found = scale_of(column)
    draft.declare("rating", found.declared, found.reason)
    if found.question:
        draft.ask(found.question)
    return column, f"the name and the values of {column.name}"


def _reviewed_at(columns: Columns, draft: Draft) -> tuple[SampleColumn | None, str]:
    named = [
        each
        for each in columns
        if (each.name in TIME or _is_similar(each, "reviewed_at")) and not _named(each, ANSWER, OTHER_TIME)
    ]
    times = _best(
        [each for each in named if reads_times(each)],
        lambda each: fold(each.name) in map(fold, KNOWN_NAMES["reviewed_at"]),
        lambda each: each.name in REVIEW and each.name not in UPDATED,
        lambda each: each.name in WRITTEN and each.name not in UPDATED,
        lambda each: each.name not in UPDATED,
    )
    if not times:
        return None, ""
    column, *others = times
    others = [each for each in others if each.cells != column.cells]
    if others:
        draft.ask(
            f"columns.reviewed_at: was the review written at {column.name}, or at "
            f"{', '.join(each.name for each in others)}?"
        )
    found = formats_of(column)
    if found.declared:
        draft.declare("reviewed_at", found.declared, found.reason)
    if found.question:
        draft.ask(found.question)
    return column, f"the name and the values of {column.name}" if found.declared else found.reason


def _best(columns: Columns, *tiers: Callable[[SampleColumn], bool]) -> Columns:
    """Return the columns of the first tier that has any, or all of them."""
    found = ([column for column in columns if tier(column)] for tier in tiers)
    return next((each for each in found if each), columns)


def _is_similar(column: SampleColumn, known: str) -> bool:
    return fold(column.name) in map(fold, (*KNOWN_NAMES[known], *SIMILAR_NAMES[known], *PROPOSED_NAMES[known]))


def _product(columns: Columns, draft: Draft) -> tuple[SampleColumn | None, str]:
    del draft
    named = [
        each
        for each in columns
        if (each.name in PRODUCT or _is_similar(each, "product_id"))
        and each.values
        and not _named(each, AGGREGATE, DESCRIPTION, TIME, REVIEW, RATING, OTHER_THING)
    ]
    products = _best(
        named,
        lambda each: fold(each.name) in map(fold, KNOWN_NAMES["product_id"]),
        lambda each: each.name in ID,
        lambda each: each.name not in TITLE,
    )
    return (products[0], f"the name {products[0].name}") if products else (None, "")


def _author(columns: Columns, draft: Draft) -> tuple[SampleColumn | None, str]:
    """Return the id of the author. A name is none: two people may have it."""
    del draft
    authors = _best(
        [
            each
            for each in columns
            if each.name in AUTHOR and each.name in ID and not _named(each, OTHER_THING, AGGREGATE, TIME)
        ],
        lambda each: fold(each.name) in map(fold, KNOWN_NAMES["author_id"]),
    )
    return (authors[0], f"the name {authors[0].name}") if authors else (None, "")


def _language(columns: Columns, draft: Draft) -> tuple[SampleColumn | None, str]:
    del draft
    for column in columns:
        if _is_similar(column, "language") and all(map(_LANGUAGE.fullmatch, column.counts)):
            return column, f"the values of {column.name} are codes such as {column.values[0]}"
    return None, ""


_INFER: Final = {
    "review_id": _review_id,
    "product_id": _product,
    "author_id": _author,
    "rating": _rating,
    "reviewed_at": _reviewed_at,
    "language": _language,
}
