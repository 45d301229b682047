"""The files that each cell loads: every outcome of a file or a row, and ids that supersede each other."""

import csv
import io
import itertools
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

WORDS = ("the", "it", "and", "not", "never", "good", "great", "fine", "poor", "awful", "slow", "kettle", "book")
COLUMNS = ("review_id", "product_id", "author_id", "rating", "reviewed_at", "language", "text", "shelf")
FIRST, TARGET, COPY, ORDERS, LATER = "1-first.csv", "2-target.csv", "3-copy.csv", "4-orders.csv", "5-later.csv"
TWIN = "6-twin.csv"  # the target's bytes, in another source
STATES = {FIRST: "loaded", TARGET: "loaded", COPY: "duplicate", ORDERS: "rejected", LATER: "loaded", TWIN: "loaded"}
ROWS = {FIRST: 60, TARGET: 802, LATER: 70, TWIN: 802}  # stored rows of each loaded file
# With this size the target has four or five blocks, and half a block's COPY exceeds the client's buffer.
BLOCK_BYTES = 60_000


def put(s3: Any, bucket: str, prefixes: Iterable[str]) -> None:
    """Put the files below each prefix. The prefix also seeds their texts, so no two prefixes share content."""
    files = {prefix: _files(prefix) for prefix in prefixes}
    for names in ((FIRST,), (TARGET, COPY, ORDERS), (LATER, TWIN)):
        for prefix, name in itertools.product(files, names):
            folder = twin_prefix(prefix) if name == TWIN else prefix
            s3.put_object(Bucket=bucket, Key=folder + name, Body=files[prefix][name])
        # The newest file with an id determines the row shown. S3 timestamps have a resolution of one second.
        time.sleep(1.1)


def twin_prefix(prefix: str) -> str:
    """Return the prefix of the twin of a prefix: the same day in another source, which S3 lists later."""
    incoming, source, day, _ = prefix.split("/")
    return f"{incoming}/{source}2/{day}/"


def _files(seed: str) -> dict[str, bytes]:
    target = _target(f"{seed} target")
    return {
        FIRST: _file(_rows(range(60), f"{seed} first")),
        TARGET: target,
        COPY: target,
        ORDERS: b"id,amount\n1,2\n",
        LATER: _file(_rows([*range(10), *range(800, 860)], f"{seed} later")),
        TWIN: target,
    }


def _target(seed: str) -> bytes:
    """Return a file that supersedes rows of the first file, with duplicate and rejected rows in each of its blocks."""
    rows: list[tuple[Any, ...]] = []
    for number, row in enumerate(_rows(range(40, 840), seed)):
        rows.append(row)
        if number % 50 == 1:
            rows.append(row)
        if number % 70 == 2:
            rows.append((*row[:6], "another text under the same id", row[7]))
        if number % 90 == 4:
            rows += [row[:5], (*row[:6], " ", row[7]), (*row[:3], "many", *row[4:])]
    return _file(rows) + b"r-end,,,,,,caf\xe9,\n"


def _rows(numbers: Iterable[int], seed: str) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(seed)
    for number in numbers:
        text = " ".join(chance.choices(WORDS, k=chance.randint(20, 60)))
        yield (
            # One row in seven has no id, so it is never a duplicate and never supersedes another row.
            "" if number % 7 == 3 else f"r{number}",
            f"p{number % 5}",
            f"a{number % 11}",
            number % 9 / 2,
            f"2026-11-0{number % 9 + 1}T12:00:00+02:00",
            ("en", "", "de")[number % 3],
            f'{text}, "déjà vu"\nsaid {number}' if number % 4 == 0 else text,
            f"shelf {number % 3}",
        )


def _file(rows: Iterable[tuple[Any, ...]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    return out.getvalue().encode()
