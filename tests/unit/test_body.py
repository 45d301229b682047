import bz2
import gzip
import hashlib
import io
import lzma
from datetime import UTC, datetime

import pytest
from backports import zstd

from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop
from sentiment_core.errors import FileRejected

DATA = b"review\n" + b"a fine thing\n" * 10_000
PACKED = {
    "a.csv": DATA,
    "a.csv.gz": gzip.compress(DATA),
    "a.csv.zst": zstd.compress(DATA),
    "a.csv.bz2": bz2.compress(DATA),
    "a.csv.xz": lzma.compress(DATA),
}
COMPRESSED = [key for key in PACKED if key != "a.csv"]


def body(key: str, stored: bytes, limit: int = 1 << 30) -> Body:
    drop = Drop("reviews", key, "", None, datetime.now(UTC), len(stored))
    return Body(io.BytesIO(stored), drop, limit)


def read_all(body: Body) -> bytes:
    return b"".join(iter(lambda: body.read(1000), b""))


@pytest.mark.parametrize("key", PACKED)
def test_a_body_is_expanded_and_hashed_as_stored(key: str) -> None:
    found = body(key, PACKED[key])
    assert read_all(found) == DATA
    assert found.finish() == hashlib.sha256(PACKED[key]).digest()


@pytest.mark.parametrize("key", COMPRESSED)
def test_several_members_are_one_file(key: str) -> None:
    assert read_all(body(key, PACKED[key] * 2)) == DATA * 2


@pytest.mark.parametrize("key", COMPRESSED)
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_damaged_compression_is_refused_and_never_silently_cut(key: str, damage: str) -> None:
    stored = PACKED[key][:-5] if damage == "cut" else b"no such format" + PACKED[key]
    with pytest.raises(FileRejected, match="cannot be decompressed") as refused:
        read_all(body(key, stored))
    assert refused.value.details["reason"] == RejectCode.DAMAGED_COMPRESSION


@pytest.mark.parametrize("key", PACKED)
def test_a_bomb_is_refused_at_the_limit(key: str) -> None:
    found = body(key, PACKED[key], limit=50_000)
    with pytest.raises(FileRejected, match="expands to more than 50,000 bytes"):
        read_all(found)
    assert found.expanded_bytes <= 51_000


def test_a_frame_that_asks_for_much_memory_is_refused() -> None:
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 30})
    packed = compressor.compress(DATA) + compressor.flush()
    with pytest.raises(FileRejected, match="too much memory"):
        read_all(body("a.csv.zst", packed))


def test_the_hash_covers_what_was_not_read() -> None:
    assert body("a.csv", DATA).finish() == hashlib.sha256(DATA).digest()


@pytest.mark.parametrize("key", COMPRESSED)
def test_damage_in_the_middle_is_refused(key: str) -> None:
    stored = bytearray(PACKED[key])
    stored[len(stored) // 2 :] = bytes(byte ^ 0xFF for byte in stored[len(stored) // 2 :])
    with pytest.raises(FileRejected, match="cannot be decompressed"):
        read_all(body(key, bytes(stored)))


@pytest.mark.parametrize("packed", COMPRESSED)
@pytest.mark.parametrize("key", ["a.csv", "a.csv.gz"])
def test_the_bytes_decide_about_the_compression_not_the_name(key: str, packed: str) -> None:
    assert read_all(body(key, PACKED[packed])) == DATA
    assert read_all(body(key, gzip.compress(PACKED[packed]))) == DATA


def test_a_text_that_begins_like_bzip2_is_text() -> None:
    assert read_all(body("a.csv", b"BZh9,review\n1,fine\n")) == b"BZh9,review\n1,fine\n"


def test_an_error_of_the_stream_is_no_damage() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002 (it never gets so far)
            raise ConnectionResetError(104, "reset")

    with pytest.raises(ConnectionResetError):
        Body(Broken(), body("a.csv", b"").drop, 1 << 20).read(10)
