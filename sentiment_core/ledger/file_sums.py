"""Sums of a file's rows that were computed in memory, and their addition to the rollups."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.ledger.rollups import MEASURES

MAX_UPSERTS: Final = 20_000  # of one statement, which then has a few megabytes

_EPOCH: Final = np.datetime64("2000-01-01")

_LIVE_FILE = """
    SELECT live.model_id, file.source, (file.day - date '2000-01-01') AS day, ARRAY(
        SELECT sentiment.language_key(written, detected)
        FROM unnest(%(written)s::text[], %(detected)s::text[]) WITH ORDINALITY AS pair (written, detected, number)
        ORDER BY number)
    FROM sentiment.live_file live JOIN sentiment.source_file file USING (source_file_id)
    WHERE live.source_file_id = %(file)s
"""


class FileSums(NamedTuple):
    """Sums of a file's rows: n entries, each of a day of writing, a product and a pair of languages."""

    written_day: NDArray[np.int64]  # days since 1 January 2000, of shape (n,)
    product: NDArray[np.int64]  # numbers of `products`, of shape (n,)
    language: NDArray[np.int64]  # numbers of `languages`, of shape (n,)
    measures: NDArray[np.int64]  # of shape (n, MEASURES)
    products: Sequence[str | None]
    languages: Sequence[tuple[str | None, str | None]]  # as the source writes it, and the detected one


class _LiveFile(NamedTuple):
    model_id: int
    source: str
    day: int  # since 1 January 2000
    languages: list[str]  # the keys of the rollup for the pairs of languages


def add_up(
    keys: Sequence[NDArray[np.int64]], measures: NDArray[np.int64]
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Return the distinct combinations of keys, and the sums of the measures of each, of shape (n, MEASURES).

    Each of `keys` has the shape (rows,), and `measures` the shape (rows, MEASURES).
    """
    if not len(measures):
        return [*keys], measures
    group = np.zeros(len(measures), np.int64)
    for key in keys:
        codes = np.unique(key, return_inverse=True)[1]
        group = np.unique(group * (codes.max() + 1) + codes, return_inverse=True)[1]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 1))
    return [key[order[starts]] for key in keys], np.add.reduceat(measures[order], starts)


def count_sums(cursor: Cursor, source_file_id: int, sums: FileSums) -> None:
    """Add the rows of a file to the rollups, unless it is not live. The caller holds the lock of the heads."""
    written, detected = ([*names] for names in zip(*sums.languages, strict=True)) if sums.languages else ([], [])
    cursor.execute(_LIVE_FILE, {"written": written, "detected": detected, "file": source_file_id})
    found = cursor.fetchone()
    if found is None or not len(sums.measures):
        return
    file = _LiveFile(*found)
    has_product = np.array([product is not None for product in sums.products])[sums.product]
    products, languages = [_quoted(product or "") for product in sums.products], [*map(_quoted, file.languages)]
    # Pairs of languages can have the same key.
    language = np.array([file.languages.index(key) for key in file.languages])[sums.language]
    for by_written in (False, True):
        days = sums.written_day if by_written else np.full(len(sums.measures), file.day)
        kind = {"by_written": by_written}
        of_source = kind | {"source": file.source}
        (day, spoken), measures = add_up((days, language), sums.measures)
        keys = {"day": ("date", _dates(day)), "language": ("text", _texts(languages, spoken))}
        _upsert(cursor, "language_rollup", of_source | {"model_id": file.model_id}, keys, measures)
        (day,), measures = add_up((days,), sums.measures)
        _upsert(cursor, "daily_rollup", of_source, {"day": ("date", _dates(day))}, measures)
        (day, product), measures = add_up((days[has_product], sums.product[has_product]), sums.measures[has_product])
        keys = {"day": ("date", _dates(day)), "product_id": ("text", _texts(products, product))}
        _upsert(cursor, "product_rollup", kind, keys, measures)


def _upsert(
    cursor: Cursor,
    table: str,
    same: Mapping[str, object],
    keys: Mapping[str, tuple[str, list[str]]],
    measures: NDArray[np.int64],
) -> None:
    """Add sums to a rollup. `same` are the key columns with one value, `keys` the others, with type and elements."""
    arrays = [*keys.values(), *(("bigint", [*map(str, column)]) for column in measures.T.tolist())]
    statement = f"""
        INSERT INTO sentiment.{table} AS total ({", ".join((*same, *keys, *MEASURES))})
        SELECT {", ".join(["%s"] * len(same))}, sums.*
        FROM unnest({", ".join(f"%s::{kind}[]" for kind, _ in arrays)}) AS sums ({", ".join((*keys, *MEASURES))})
        ORDER BY {", ".join(keys)}
        ON CONFLICT ({", ".join((*same, *keys))})
            DO UPDATE SET {", ".join(f"{name} = total.{name} + excluded.{name}" for name in MEASURES)}
        """  # noqa: S608 - constants
    for first in range(0, len(measures), MAX_UPSERTS):
        parts = [f"{{{','.join(elements[first : first + MAX_UPSERTS])}}}" for _, elements in arrays]
        cursor.execute(statement, (*same.values(), *parts))


def _dates(days: NDArray[np.int64]) -> list[str]:
    dates: list[str] = (_EPOCH + days).astype(str).tolist()
    return dates


def _texts(names: Sequence[str], numbers: NDArray[np.int64]) -> list[str]:
    return [names[number] for number in numbers.tolist()]


def _quoted(text: str) -> str:
    """Return a text as an element of the literal of an array."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
