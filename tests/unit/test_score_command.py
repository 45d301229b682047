"""`sentiment score`: all rows and columns of the file, with the model's answers appended."""

import csv
import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from sentiment_core.cli.group import main
from sentiment_core.drops.source_contract import Rules
from sentiment_core.loading.score_file import NEW_COLUMNS, score_file
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from tests.starter import starter_scorer

FILE = 'id,Review,note\n1,"I loved it, ""truly"" 👍\nand more",a\n2,awful,"b,c"\n3,It is a lamp,\n'
ROWS = [
    ["1", 'I loved it, "truly" 👍\nand more', "a"],
    ["2", "awful", "b,c"],
    ["3", "It is a lamp", ""],
]


def score(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return starter_scorer()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_csv_keeps_its_columns_and_gets_label_and_score(source: Path, tmp_path: Path, scorer: Scorer) -> None:
    result = score(source, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert "3 of 3 rows scored" in result.stdout
    header, *rows = read_csv(tmp_path / "out.csv")
    assert header == ["id", "Review", "note", *NEW_COLUMNS]
    assert [row[:3] for row in rows] == ROWS
    expected = scorer.score_texts([row[1] for row in ROWS])
    for name, values in {"score": expected.score, "negative": expected.negative, "positive": expected.positive}.items():
        assert [float(row[header.index(name)]) for row in rows] == values.tolist()
    for row, scored in zip(rows, expected.texts(), strict=True):
        shown = [row[header.index(name)] for name in ("label", "unfamiliar", "mixed")]
        assert shown == [scored.label, str(scored.unfamiliar).lower(), str(scored.mixed).lower()]
        assert float(row[header.index("neutral")]) == pytest.approx(scored.neutral)


def test_a_model_of_two_labels_leaves_the_column_of_neutral_empty(
    source: Path, tmp_path: Path, trained: Bundle
) -> None:
    trained.save(tmp_path / "model")
    assert score(source, "--out", tmp_path / "out.csv", "--model", tmp_path / "model").exit_code == 0
    header, *rows = read_csv(tmp_path / "out.csv")
    assert [row[header.index("neutral")] for row in rows] == [""] * 3
    assert score(source, "--out", tmp_path / "out.parquet", "--model", tmp_path / "model").exit_code == 0
    assert pq.read_table(tmp_path / "out.parquet")["neutral"].to_pylist() == [None] * 3


def test_each_row_names_its_language_and_the_standing_of_it(tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv"
    rows = (",A szoba nagyon koszos volt", "EN_us,A szoba nagyon koszos volt", ",12", "hu,12", ",It was very good")
    source.write_text("\n".join(("language,review", *rows)))
    expected = [
        ("hu", "unsupported"),
        ("hu", "supported"),
        ("", ""),
        ("", "unsupported"),
        ("en", "supported"),
    ]
    assert score(source, "--out", tmp_path / "out.csv").exit_code == 0
    header, *found = read_csv(tmp_path / "out.csv")
    places = [header.index(f"language_{name}") for name in ("detected", "standing", "certainty")]
    assert [(row[places[0]], row[places[1]]) for row in found] == expected
    assert [row[places[2]] == "" for row in found] == [not detected for detected, _ in expected]
    assert score(source, "--out", tmp_path / "out.parquet").exit_code == 0
    table = pq.read_table(tmp_path / "out.parquet").to_pydict()
    assert table["language_standing"] == [standing or None for _, standing in expected]
    assert table["language_certainty"][2] is None
    assert not list(tmp_path.glob("*.rejected.csv"))


def test_a_compressed_tsv_becomes_parquet_with_reasons(tmp_path: Path, scorer: Scorer) -> None:
    source, out = tmp_path / "reviews.tsv.gz", tmp_path / "out.parquet"
    source.write_bytes(gzip.compress(b"text\tid\nnot good at all\t7\n<br />\t8\n"))
    result = score(source, "--out", out, "--explain", 3, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "rows_in": 2,
        "rows_scored": 2,
        "rejected": {},
        "rejected_path": None,
        "digest": scorer.bundle.digest,
        "out": str(out),
    }
    table = pq.read_table(out).to_pydict()
    assert table["id"] == ["7", "8"]
    assert table["neutral"] == [each.neutral for each in scorer.score_texts(["not good at all", "<br />"]).texts()]
    assert table["unfamiliar"] == [False, True]
    parts = scorer.explain("not good at all", top=3).contributions
    assert [(each["ngram"], pytest.approx(each["weight"])) for each in table["reasons"][0]] == [
        (part.ngram, part.weight) for part in parts
    ]
    assert table["reasons"][1] == []


def test_reasons_of_a_csv_are_json(source: Path, tmp_path: Path) -> None:
    assert score(source, "--out", tmp_path / "out.csv", "--explain", 1).exit_code == 0
    rows = read_csv(tmp_path / "out.csv")
    assert rows[0][-1] == "reasons"
    (reason,) = json.loads(rows[2][-1])
    assert reason["ngram"] == "awful"
    assert reason["weight"] < 0


def test_rows_that_cannot_be_scored_are_kept_with_their_reason(tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv"
    source.write_bytes(b"review,rating\ngood,abc\n,5\ncaf\xe9,1\nfine,1,2\nbad,2\n")
    result = score(source, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0
    assert "2 of 5 rows scored" in result.stdout
    assert "3 rows rejected" in result.stderr
    assert [row[0] for row in read_csv(tmp_path / "out.csv")[1:]] == ["good", "bad"]
    rejected = read_csv(tmp_path / "out.csv.rejected.csv")
    assert [row[:2] for row in rejected] == [
        ["line", "code"],
        ["3", "missing_text"],
        ["4", "invalid_utf8"],
        ["5", "column_count"],
    ]
    assert rejected[2][3] == "caf\\xe9,1"


def test_a_file_of_many_blocks_is_the_same_as_one(tmp_path: Path, scorer: Scorer) -> None:
    source = tmp_path / "reviews.csv"
    rows = [f'"the {number}. lamp, {word}"' for number in range(500) for word in ("fine", "poor")]
    source.write_text("\n".join(["review", *rows]))
    seen: list[tuple[int, int]] = []
    for name, settings, threads in (("small", Settings(block_bytes=1000), 1), ("whole", Settings(), 3)):
        out = tmp_path / f"{name}.csv"
        done = score_file(
            source, out, scorer, Rules(settings), 2, threads, lambda read, scored: seen.append((read, scored))
        )
        assert (done.rows_in, done.rows_scored) == (1000, 1000)
    assert (tmp_path / "small.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert len(seen) > 10
    assert seen[-1] == (source.stat().st_size, 1000)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_that_the_file_has_already_get_a_prefix(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / "reviews.csv", tmp_path / f"out{suffix}"
    source.write_text("review,score\nexcellent,4\n")
    assert score(source, "--out", out).exit_code == 0
    table = pd.read_csv(out, dtype=str) if suffix == ".csv" else pd.read_parquet(out)
    assert list(table.columns) == ["review", "score", *(f"sentiment_{name}" for name in NEW_COLUMNS)]
    assert table.iloc[0, :3].tolist() == ["excellent", "4", "positive"]


@pytest.mark.parametrize(
    ("content", "out", "why"),
    [
        ("id,note\n1,2\n", "out.csv", "Rename one of them to review"),
        ("", "out.csv", "is empty"),
        ("<!DOCTYPE html>\n", "out.csv", "is an HTML or XML document"),
        ("review\ngood\n", "out.json", r"must end in \.csv or \.parquet"),
    ],
)
def test_a_failure_is_explained_and_leaves_no_output(tmp_path: Path, content: str, out: str, why: str) -> None:
    source = tmp_path / "reviews.csv"
    source.write_text(content)
    (tmp_path / "out.csv").write_text("from before")
    result = score(source, "--out", tmp_path / out)
    assert result.exit_code == 1
    assert re.search(why, result.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "reviews.csv"]
    assert (tmp_path / "out.csv").read_text() == "from before"


def test_a_file_with_only_a_header_gives_a_header(tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv"
    source.write_text("review\n")
    assert score(source, "--out", tmp_path / "out.csv").exit_code == 0
    assert read_csv(tmp_path / "out.csv") == [["review", *NEW_COLUMNS]]
    assert score(source, "--out", tmp_path / "out.parquet", "--explain", 2).exit_code == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_columns_of_later_rows_are_columns_of_the_whole_output(tmp_path: Path, scorer: Scorer) -> None:
    source, out = tmp_path / "reviews.jsonl", tmp_path / "out.csv"
    source.write_text('{"review": "fine"}\n' * 2000 + '{"review": "bad", "city": "Rome"}\n{"review": 3, "n": 1}\n')
    settings = Settings(block_bytes=4096)
    found = score_file(source, out, scorer, Rules(settings))
    assert found[:3] == (2002, 2002, {})
    header, *rows = read_csv(out)
    assert header == ["review", "city", "n", *NEW_COLUMNS]
    assert [row[:3] for row in rows[-3:]] == [["fine", "", ""], ["bad", "Rome", ""], ["3", "", "1"]]
