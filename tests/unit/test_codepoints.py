"""The shipped code point table."""
# ruff: noqa: RUF001 (characters that look alike are the subject)

import unicodedata

import numpy as np
import pytest

from sentiment_core.text import codepoints


@pytest.mark.skipif(
    unicodedata.unidata_version != codepoints.UNICODE_VERSION,
    reason=f"only a Python with Unicode {codepoints.UNICODE_VERSION} (3.11) can derive the table",
)
def test_the_shipped_table_is_what_unicode_14_says() -> None:
    for shipped, derived in zip(codepoints.code_points(), codepoints.derive(), strict=True):
        np.testing.assert_array_equal(shipped, derived)


@pytest.mark.parametrize(
    ("characters", "kind"),
    [
        ("aZ0éßжאا한", codepoints.WORD),
        ("好かカไ👍❤\U0001fae8.!)？", codepoints.SINGLE),
        ("\u0301\u20e3\u3099", codepoints.MARK),
        ("\u200d\ufe0f\u00ad\ufeff🏽", codepoints.IGNORED),
        ("'’", codepoints.APOSTROPHE),
        (" -_\n\u3000\u200b\ufffd\ud800\u0378", codepoints.SEPARATOR),
    ],
)
def test_classes(characters: str, kind: int) -> None:
    assert {codepoints.code_points().class_of(character) for character in characters} == {kind}


def test_folding_twice_changes_nothing() -> None:
    table = codepoints.code_points()
    for code_point in range(0x110000):
        if 0xD800 <= code_point < 0xE000:
            continue
        once = table.fold(chr(code_point))
        assert b"".join(table.fold(character) for character in once.decode()) == once, hex(code_point)
