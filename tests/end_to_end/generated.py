"""24,000 generated rows in three files, two of them of several blocks, and the expected result of each row."""

import csv
import gzip
import io
import random
from collections.abc import Iterator
from typing import NamedTuple

WORDS = ["the", "it", "and", "but", "not", "very", "never", "good", "great", "lovely", "fine", "poor", "awful", "slow"]
WORDS += [
    "quick",
    "kettle",
    "phone",
    "film",
    "book",
    "battery",
    "price",
    "love",
    "hate",
    "recommend",
    "refund",
    "waste",
]
BROKEN_EVERY, NEWLINE_EVERY = 1000, 7


class Row(NamedTuple):
    """A scored row, identified by the file's key and the physical line."""

    key: str
    line: int
    review_id: str
    text: str


class GeneratedFile(NamedTuple):
    """The bytes of a file, the rows that must be stored and the lines that must be rejected."""

    key: str
    data: bytes
    rows: list[Row]
    rejected: list[tuple[int, str]]


def generated_files(day: str) -> list[GeneratedFile]:
    """Return a plain file, a gzipped one with quoted newlines, and one with broken rows."""
    return [
        _file(f"incoming/generated/dt={day}/plain.csv", 10_000, seed=1),
        _file(f"incoming/generated/dt={day}/newlines.csv.gz", 10_000, seed=2, newlines=True),
        _file(f"incoming/generated/dt={day}/broken.csv", 4_000, seed=3, broken=True),
    ]


def _file(key: str, size: int, seed: int, *, newlines: bool = False, broken: bool = False) -> GeneratedFile:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["review_id", "text", "rating", "shelf"])
    line, rows, rejected = 2, [], []
    for number, words in enumerate(_texts(size, seed)):
        review_id = f"{seed}-{number}"
        text = words.replace(" ", "\n", 2) if newlines and number % NEWLINE_EVERY == 0 else words
        if broken and number % BROKEN_EVERY == 0:
            out.write(f"{review_id},too,many,columns,here\n")
            rejected.append((line, "column_count"))
        else:
            writer.writerow([review_id, text, number % 5 + 1, f"shelf {number % 9}"])
            rows.append(Row(key, line, review_id, text))
        line += 1 + text.count("\n")
    data = out.getvalue().encode()
    return GeneratedFile(key, gzip.compress(data, mtime=0) if key.endswith(".gz") else data, rows, rejected)


def _texts(size: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(size):
        yield " ".join(chance.choices(WORDS, k=chance.randint(3, 60)))
