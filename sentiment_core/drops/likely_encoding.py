"""Name the encoding that bytes look like, for the reason of a rejection. It never decides how a file is read."""

import re
from typing import Final

_NAMES: Final = {
    "cp1252": "Windows-1252",
    "cp1251": "Windows-1251",
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
    "cp1251": re.compile(r"[а-яё]{3,}"),  # noqa: RUF001
}
_LEAST_RATIO: Final = {"shift_jis": 0.3, "euc_jp": 0.3, "euc_kr": 0.9, "gb18030": 0.1, "big5": 0.1, "cp1251": 0.8}


def likely_encoding(data: bytes) -> str | None:
    """Return Python's name of the encoding that bytes, which are not UTF-8, look like, or None."""
    if b"\0" in data:
        even, odd = data[::2].count(0), data[1::2].count(0)
        return "utf-16-le" if odd > len(data) // 4 > even else "utf-16-be" if even > len(data) // 4 > odd else None
    best, ratio = None, 0.0
    for name, frequent in _FREQUENT.items():
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        found = sum(map(len, frequent.findall(text))) / max(1, len(_NOT_ASCII.findall(text)))
        if found >= _LEAST_RATIO[name] and found > ratio:
            best, ratio = name, found
    if best is None and all(character.isprintable() for line in data.split(b"\n") for character in _western(line)):
        return "cp1252"
    return best


def shown_encoding(name: str) -> str:
    """Return the usual name of an encoding that `likely_encoding` returned, with Python's."""
    return f"{_NAMES[name]} ({name})"


def _western(line: bytes) -> str:
    try:
        return line.decode("cp1252").strip().replace("\t", " ")
    except UnicodeDecodeError:
        return "\0"
