"""Records and fields of delimited text, against a reader in plain Python."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_core.drops.csv_records import Dialect, RecordBlock, joined, read_records, scan
from sentiment_core.drops.record_kernel import (
    BACKSLASH_ESCAPES,
    BROKEN_ESCAPE,
    DOUBTFUL,
    IMPROPER_QUOTE,
    INVALID_UTF8,
    MULTILINE,
    NO_QUOTING,
    NUL,
    RFC4180,
    UNCLOSED,
)
from sentiment_core.errors import FileRejected

CORNERS = 'ab,"\n\r\t \\é\u2028\ufeff\U0001f600'
# The parser processes 64 bytes at a time, so fields end before, at and after such a boundary.
STRETCHES = [
    *CORNERS,
    '""',
    "\r\n",
    ",,",
    '","',
    '\\"',
    *("x" * length for length in (61, 62, 63, 64, 65, 130)),
    "é" * 33,
]
DIALECT_CORNERS = st.one_of(st.text(CORNERS, max_size=60), st.lists(st.sampled_from(STRETCHES)).map("".join))
COMMA = Dialect()
DIALECTS = st.builds(
    Dialect, st.sampled_from([",", "\t"]), st.sampled_from([RFC4180, BACKSLASH_ESCAPES, NO_QUOTING]), st.booleans()
)


def read(data: bytes, block_bytes: int = 1 << 20, dialect: Dialect = COMMA, max_record_bytes: int = 1 << 20):
    return list(read_records(io.BytesIO(data), dialect, block_bytes, max_record_bytes, "the file"))


def rows(blocks: list[RecordBlock]) -> list[list[str]]:
    return [[field.decode() for field in block.fields(record)] for block in blocks for record in range(block.size)]


def lines(blocks: list[RecordBlock]) -> list[int]:
    return [int(line) for block in blocks for line in block.line]


def flags(blocks: list[RecordBlock]) -> list[int]:
    return [int(flag) for block in blocks for flag in block.flags]


class PlainReader:
    """The reading rules of `csv_records`, one character at a time."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        self.dialect = dialect
        self.at = 0
        self.line = 1

    def line_end(self, at: int) -> int:
        """Return the width of the line end at a position, or 0."""
        if self.text.startswith("\n", at):
            return 1
        if not self.text.startswith("\r", at):
            return 0
        if self.text.startswith("\r\n", at):
            return 2
        return int(self.dialect.cr_ends_lines or at + 1 == len(self.text))

    def ends_field(self, at: int) -> bool:
        return at >= len(self.text) or self.text[at] == self.dialect.delimiter or self.line_end(at) > 0

    def quoted(self) -> tuple[str, int, int] | None:
        """Return the content of the quoted field here, its end and its line ends; None if it is none."""
        content, lines, at = "", 0, self.at + 1
        escapes = self.dialect.quoting == BACKSLASH_ESCAPES
        while at < len(self.text):
            character = self.text[at]
            following = self.text[at + 1 : at + 2]
            if escapes and character == "\\":
                lines += following == "\n"
                content += self.unescaped(following)
                at += 2
            elif character == '"' and following == '"':
                content += '"'
                at += 2
            elif character == '"':
                end = at + 1
                while self.text[end : end + 1] == " ":
                    end += 1
                return (content, end, lines) if self.ends_field(end) else None
            else:
                ends = character == "\n" or (self.dialect.cr_ends_lines and character == "\r" and following != "\n")
                lines += ends
                content += character
                at += 1
        return None

    def unescaped(self, following: str) -> str:
        punctuation = following.isascii() and following != "" and not following.isalnum() and following != "\0"
        return following if punctuation else f"\\{following}"

    def unquoted(self) -> str:
        content = ""
        escapes = self.dialect.quoting == BACKSLASH_ESCAPES
        while not self.ends_field(self.at):
            character = self.text[self.at]
            if escapes and character == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                self.line += following == "\n"
                content += self.unescaped(following)
                self.at += 2
            else:
                content += character
                self.at += 1
        return content

    def records(self) -> list[tuple[int, list[str]]]:
        """Return the physical line and the fields of each record."""
        found = []
        while self.at < len(self.text):
            if width := self.line_end(self.at):
                self.at += width
                self.line += 1
                continue
            start, line, fields = self.at, self.line, []
            while True:
                fields.append(self.field())
                if self.at >= len(self.text) or self.text[self.at] != self.dialect.delimiter:
                    break
                self.at += 1
            raw = self.text[start : self.at]
            if not (len(fields) > 1 and raw == self.dialect.delimiter * (len(fields) - 1)):
                found.append((line, fields))
            width = self.line_end(self.at) if self.at < len(self.text) else 0
            self.at += width
            self.line += width > 0
        return found

    def field(self) -> str:
        if self.dialect.quoting != NO_QUOTING and self.text.startswith('"', self.at):
            quoted = self.quoted()
            if quoted is not None:
                content, self.at, lines = quoted
                self.line += lines
                return content
        return self.unquoted()


@given(DIALECT_CORNERS, st.sampled_from([1, 2, 3, 7, 64, 1000]), DIALECTS)
@example('1,"a\n2,b\n3,"c" d\n', 3, Dialect())
@example('1,"never closed\n2,b\n', 4, Dialect())
def test_records_and_lines_are_those_of_the_plain_reader(text: str, block_bytes: int, dialect: Dialect) -> None:
    expected = PlainReader(text, dialect).records()
    blocks = read(text.encode(), block_bytes, dialect)
    assert rows(blocks) == [fields for _, fields in expected]
    assert lines(blocks) == [line for line, _ in expected]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), min_size=1))
def test_output_of_the_csv_module_is_read_back(table: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(table)
    data = written.getvalue().encode()
    assert rows(read(data, 16)) == table


def test_raw_is_the_unchanged_record() -> None:
    (block,) = read(b'a,b\r\n"x ""y""\n",2\r\nlast,3\n')
    assert [block.raw(record) for record in range(3)] == [b"a,b", b'"x ""y""\n",2', b"last,3"]
    assert lines([block]) == [1, 2, 4]


def test_tabs_separate_the_fields_of_a_tsv() -> None:
    assert rows(read(b"a,b\tc\n", dialect=Dialect("\t"))) == [["a,b", "c"]]


def test_a_stray_quote_swallows_no_record_and_is_flagged() -> None:
    blocks = read(b'1,"Warm\n2,thin\n3,"Fine" I guess\n4,"two\nlines"\n')
    assert rows(blocks) == [["1", '"Warm'], ["2", "thin"], ["3", '"Fine" I guess'], ["4", "two\nlines"]]
    assert flags(blocks) == [IMPROPER_QUOTE, 0, IMPROPER_QUOTE, MULTILINE]


def test_an_unclosed_quote_is_a_character_and_makes_the_rest_doubtful() -> None:
    blocks = read(b'a,b\n1,"c\n2,d\n')
    assert rows(blocks) == [["a", "b"], ["1", '"c'], ["2", "d"]]
    assert flags(blocks) == [0, IMPROPER_QUOTE | UNCLOSED, DOUBTFUL]


def test_a_quote_behind_a_backslash_is_flagged_unless_backslashes_escape() -> None:
    data = b'1,"a \\"great\\" one"\n2,"19\\""\n'
    assert flags(read(data)) == [IMPROPER_QUOTE | BROKEN_ESCAPE, IMPROPER_QUOTE | BROKEN_ESCAPE | UNCLOSED]
    escaping = read(data, dialect=Dialect(",", BACKSLASH_ESCAPES))
    assert rows(escaping) == [["1", 'a "great" one'], ["2", '19"']]
    assert flags(escaping) == [0, 0]


def test_a_quote_that_is_not_closed_within_the_record_limit_is_a_character() -> None:
    data = b'1,"a\n' + b"2,b\n" * 100
    blocks = read(data, block_bytes=64, max_record_bytes=100)
    assert rows(blocks) == [["1", '"a'], *[["2", "b"]] * 100]
    assert lines(blocks) == list(range(1, 102))


def test_records_of_several_blocks_are_joined() -> None:
    blocks = [scan(raw, Dialect(), line, final=True)[0] for line, raw in ((3, b'1,"x ""y"""'), (7, b"2,z"))]
    found = joined(blocks)
    assert rows([found]) == [["1", 'x "y"'], ["2", "z"]]
    assert (lines([found]), [found.raw(record) for record in range(2)]) == ([3, 7], [b'1,"x ""y"""', b"2,z"])


def test_a_record_over_the_limit_is_rejected_before_it_is_read_completely() -> None:
    with pytest.raises(FileRejected, match="line 2 of the file is larger than 100 bytes"):
        read(b"a\n" + b"x" * 1000, block_bytes=64, max_record_bytes=100)


@pytest.mark.parametrize("block_bytes", [10, 64, 1000])
def test_the_record_limit_does_not_depend_on_block_boundaries(block_bytes: int) -> None:
    data = b"a\n" + b"x" * 100 + b"\n"
    assert len(rows(read(data, block_bytes, max_record_bytes=100))) == 2
    with pytest.raises(FileRejected, match="line 2 of the file is larger than 99 bytes"):
        read(data, block_bytes, max_record_bytes=99)


@given(st.binary(max_size=12).filter(lambda data: not set(data) & set(b',"\r\n\\')))
def test_utf8_is_validated_as_by_python(data: bytes) -> None:
    (block,) = read(b"good \xc3\xa9\n|" + data + b"|\n")
    try:
        data.decode()
        valid = True
    except UnicodeDecodeError:
        valid = False
    assert flags([block]) == [0, (0 if valid else INVALID_UTF8) | (NUL if b"\0" in data else 0)]


def test_every_boundary_code_point_is_valid_and_every_gap_between_them_is_not() -> None:
    good = [chr(code).encode() for code in (0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF)]
    bad = [
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5",
    ]
    (block,) = read(b"\n".join(good + bad + [b"\xe2\x82", b""]))
    assert flags([block]) == [0] * len(good) + [INVALID_UTF8] * (len(bad) + 1)


def test_blocks_are_bounded() -> None:
    data = b"".join(b"%d,some text\n" % row for row in range(1000))
    blocks = read(data, block_bytes=500)
    assert rows(blocks) == [[str(row), "some text"] for row in range(1000)]
    assert max(len(block.data) for block in blocks) <= 500 + 20
    assert all(first.line[-1] + 1 == second.line[0] for first, second in pairwise(blocks))
