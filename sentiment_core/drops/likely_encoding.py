"""Name the encoding that bytes look like, for the reason of a rejection. It never decides how a file is read."""

import re
from typing import Final

_NAMES: Final = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp874": "Windows-874",
    "koi8-r": "KOI8-R",
    "iso8859-2": "ISO 8859-2",
    "shift_jis": "Shift JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "euc_kr": "EUC-KR",
    "utf-16-le": "UTF-16 without a byte order mark",
    "utf-16-be": "UTF-16 without a byte order mark",
}
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
# What texts in an encoding have beside ASCII: the frequent characters of its script.
_FREQUENT: Final = {
    "shift_jis": re.compile(r"[\u3040-\u30ff\u3001\u3002\uff01]"),
    "euc_jp": re.compile(r"[\u3040-\u30ff\u3001\u3002\uff01]"),
    "euc_kr": re.compile(r"[\uac00-\ud7a3]"),
    "gb18030": re.compile(
        r"[的一是不了在有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之好很没用东西吃服务差]"
    ),
    "big5": re.compile(
        r"[的一是不了在有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之好很沒用東西吃服務差]"
    ),
    # Scripts with one byte for a letter: their most frequent letters, because the bytes of all scripts are the same.
    "cp1251": re.compile(r"[оеаинтсрвлкмдпуя]"),
    "koi8-r": re.compile(r"[оеаинтсрвлкмдпуя]"),
    "cp1253": re.compile(r"[αοιετσνηυρπκμςλγχάέήίόύώ]"),
    "cp1255": re.compile(r"[יוהלארמתבש]"),
    "cp1256": re.compile(r"[اليمونترهدبع]"),
    "cp874": re.compile(
        r"[\u0e01\u0e07\u0e14\u0e17\u0e19\u0e21\u0e22\u0e23\u0e25\u0e27\u0e2a\u0e2d\u0e30-\u0e35\u0e40\u0e48\u0e49]"
    ),
}
_ONE_BYTE: Final = ("cp1251", "koi8-r", "cp1253", "cp1255", "cp1256", "cp874")
_NOT_ASCII_RUN: Final = re.compile(rb"[\x80-\xff]{3,}")
_ASCII_END: Final = 0x80
_LEAST_IN_WORDS: Final = 0.7  # of the letters, in a script without ASCII letters
# Letters of Central Europe and of Turkey, in words, as Windows-1252 shows them.
_ISO_LATIN_2: Final = re.compile(r"[a-zA-Zó][±¶]|[±¶][a-zA-Z]")
_CENTRAL_EUROPE: Final = re.compile(r"[a-zA-Zó][¹³¿¼¾Ÿº]|[¹³¿¼][a-z]")
_TURKEY: Final = re.compile(r"(?=.*[çüÇÜ]).*[þðý]", re.DOTALL)
_LEAST_RATIO: dict[str, float] = {
    "shift_jis": 0.3,
    "euc_jp": 0.3,
    "euc_kr": 0.9,
    "gb18030": 0.1,
    "big5": 0.1,
    "cp1251": 0.7,
}
_LEAST_RATIO |= {"koi8-r": 0.7, "cp1253": 0.65, "cp1255": 0.65, "cp1256": 0.65, "cp874": 0.6}


def likely_encoding(data: bytes) -> str | None:
    """Return Python's name of the encoding that bytes, which are not UTF-8, look like, or None."""
    if b"\0" in data:
        even, odd = data[::2].count(0), data[1::2].count(0)
        return "utf-16-le" if odd > len(data) // 4 > even else "utf-16-be" if even > len(data) // 4 > odd else None
    best, ratio = None, 0.0
    letters = sum(map(len, _NOT_ASCII_RUN.findall(data)))
    in_words = letters >= _LEAST_IN_WORDS * sum(byte >= _ASCII_END for byte in data)
    for name, frequent in _FREQUENT.items():
        if name in _ONE_BYTE and not in_words:  # single letters with accents
            continue
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        found = sum(map(len, frequent.findall(text))) / max(1, len(_NOT_ASCII.findall(text)))
        if found >= _LEAST_RATIO[name] and found > ratio:
            best, ratio = name, found
    if best is None and all(character.isprintable() for line in data.split(b"\n") for character in _western(line)):
        return _western_page(data.decode("cp1252", "ignore"))
    return best


def _western_page(text: str) -> str:
    if _TURKEY.search(text):
        return "cp1254"
    if _ISO_LATIN_2.search(text):
        return "iso8859-2"
    return "cp1250" if _CENTRAL_EUROPE.search(text) else "cp1252"


def shown_encoding(name: str) -> str:
    """Return the usual name of an encoding that `likely_encoding` returned, with Python's."""
    return f"{_NAMES[name]} ({name})"


def _western(line: bytes) -> str:
    try:
        return line.decode("cp1252").strip().replace("\t", " ")
    except UnicodeDecodeError:
        return "\0"
