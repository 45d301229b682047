"""The languages of short texts that were written for these tests, and the learning of a small table."""
# ruff: noqa: RUF001 (characters that look alike are the subject)

import csv
import lzma
from pathlib import Path

import numpy as np
import pytest

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages import table
from sentiment_core.languages.codes import CODES, SCRIPTS, UNDETERMINED, WORD_CODES
from sentiment_core.languages.identification import (
    CERTAIN_ENOUGH,
    FIRST_BYTES,
    FIRST_TOKENS,
    identify,
    identify_text,
    identify_tokens,
)
from sentiment_core.languages.learning_texts import in_learning_half, learning_texts, listed_words
from sentiment_core.languages.letter_evidence import letter_evidence
from sentiment_core.languages.letters import hash_sequences, letter_sequences
from sentiment_core.languages.scripts import NO_SCRIPT, SCRIPT_COUNT, script_of
from sentiment_core.languages.table_build import build
from sentiment_core.languages.word_evidence import identities, word_evidence
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.specification import identity, token_hash
from sentiment_core.text.tokenizer import hash_tokens

SENTENCES = {
    "am": "ክፍሉ ንጹህ ነበር፤ ሰራተኞቹም ደግ ነበሩ።",
    "ar": "كانت الغرفة نظيفة وكان الموظفون لطفاء جدا معنا.",
    "bg": "Стаята беше чиста, а хората на рецепцията бяха много мили с нас.",
    "bn": "ঘরটি পরিষ্কার ছিল এবং কর্মীরা খুব ভালো ছিলেন।",
    "ca": "L'habitació estava neta i la gent de la recepció va ser molt amable amb nosaltres.",
    "cs": "Pokoj byl čistý a lidé na recepci k nám byli velmi milí.",
    "da": "Værelset var rent, og folkene i receptionen var meget venlige mod os.",
    "de": "Das Zimmer war sauber und die Leute am Empfang waren sehr nett zu uns.",
    "el": "Το δωμάτιο ήταν καθαρό και οι άνθρωποι πολύ ευγενικοί.",
    "en": "The room was clean and the people at the desk were very kind to us.",
    "es": "La habitación estaba limpia y la gente de la recepción fue muy amable con nosotros.",
    "eu": "Gela garbia zegoen eta harrerako langileak oso jatorrak izan ziren gurekin.",
    "fa": "اتاق تمیز بود و کارکنان پذیرش خیلی با ما مهربان بودند.",
    "fi": "Huone oli siisti ja vastaanoton ihmiset olivat meille todella ystävällisiä.",
    "fr": "La chambre était propre et les gens à la réception étaient très gentils avec nous.",
    "ha": "Dakin yana da tsabta kuma mutanen wurin sun yi mana kirki sosai.",
    "he": "החדר היה נקי והאנשים בקבלה היו נחמדים מאוד.",
    "hi": "कमरा साफ था और वहाँ के लोग हमारे साथ बहुत अच्छे थे।",
    "hu": "A szoba tiszta volt, és az emberek a recepción nagyon kedvesek voltak velünk.",
    "id": "Kamarnya bersih dan orang-orang di resepsionis sangat baik kepada kami.",
    "it": "La camera era pulita e le persone alla reception sono state molto gentili con noi.",
    "ja": "部屋はきれいで、受付の人たちはとても親切でした。",
    "ko": "방은 깨끗했고 프런트 직원들은 아주 친절했어요.",
    "nl": "De kamer was schoon en de mensen aan de balie waren erg aardig voor ons.",
    "no": "Rommet var rent, og folkene i resepsjonen var veldig hyggelige mot oss.",
    "pcm": "Dis hotel sweet well well, di people wey dey there no dey form at all.",
    "pl": "Pokój był czysty, a ludzie w recepcji byli dla nas bardzo mili.",
    "pt": "O quarto estava limpo e as pessoas da recepção foram muito simpáticas conosco.",
    "ro": "Camera era curată și oamenii de la recepție au fost foarte amabili cu noi.",
    "ru": "Номер был чистый, и люди на стойке были очень добры к нам.",
    "sv": "Rummet var rent och människorna i receptionen var mycket vänliga mot oss.",
    "sw": "Chumba kilikuwa safi na watu wa mapokezi walikuwa wazuri sana kwetu.",
    "ta": "அறை சுத்தமாக இருந்தது, ஊழியர்கள் மிகவும் அன்பாக இருந்தனர்.",
    "th": "ห้องสะอาดและพนักงานต้อนรับใจดีกับเรามาก",
    "tr": "Oda temizdi ve resepsiyondaki insanlar bize karşı çok iyiydi.",
    "uk": "Кімната була чиста, і люди на рецепції були дуже добрі до нас.",
    "ur": "کمرہ صاف تھا اور وہاں کے لوگ ہمارے ساتھ بہت اچھے تھے۔",
    "vi": "Phòng rất sạch và mọi người ở quầy lễ tân rất tốt với chúng tôi.",
    "zh": "房间很干净，前台的人对我们非常友好。",
}


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items())
def test_a_sentence_is_identified(code: str, sentence: str) -> None:
    found, certainty = identify_text(sentence)
    assert found == code
    assert CERTAIN_ENOUGH <= certainty <= 1


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("en", "Arrived broken"),
        ("en", "GREAT PRODUCT!!!"),
        ("de", "Sehr gutes Produkt"),
        ("fr", "Très déçu"),
        ("es", "Muy bueno"),
        ("zh", "很好"),
        ("pl", "Polecam wszystkim"),
        ("hi", "bahut accha phone hai"),
    ],
)
def test_two_or_three_words_suffice_if_they_are_frequent(code: str, sentence: str) -> None:
    assert identify_text(sentence)[0] == code


@pytest.mark.parametrize("text", ["", " ", "5/5", "😍😍", "10 - 12 !!", "★★★☆☆", "\ufffd", "<"])
def test_a_text_without_letters_is_undetermined(text: str) -> None:
    assert identify_text(text) == (UNDETERMINED, 0.0)


@pytest.mark.parametrize("text", ["ok", "Xqzvw", "hotel"])
def test_too_little_evidence_is_undetermined(text: str) -> None:
    code, certainty = identify_text(text)
    assert code == UNDETERMINED
    assert 0 < certainty < CERTAIN_ENOUGH


def test_a_few_foreign_words_and_escapes_change_nothing() -> None:
    assert identify_text("We ate sushi (寿司) there and it was the best meal of our trip.")[0] == "en"
    assert identify_text("C&#39;&eacute;tait tr&egrave;s bien, je suis tr&egrave;s content")[0] == "fr"
    assert identify_text("https://example.com/the/of/and @theandof Das war wirklich nicht gut")[0] == "de"
    assert identify_text("สินค้าดีมาก ส่งเร็ว via Lazada app")[0] == "th"


def test_case_and_composition_of_accents_do_not_matter() -> None:
    expected = identify_text("très déçue")
    assert identify_text("tre\u0300s de\u0301çue")[0] == expected[0] == "fr"
    assert identify_text("TRÈS DÉÇUE")[0] == "fr"


def long_and_short_texts() -> list[str]:
    return [*SENTENCES.values(), *(each * 40 for each in SENTENCES.values()), "", "é" * 200, "a&amp;b " * 60, "x" * 999]


def test_all_ways_to_ask_give_the_same_answer() -> None:
    texts = long_and_short_texts() * 8
    column = TextColumn.from_texts(texts)
    found = identify(column, threads=2)
    for ours, theirs in zip(identify(column), found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for row, text in enumerate(texts[: len(texts) // 8]):
        code, certainty = identify_text(text)
        assert (code, certainty) == (CODES[found.language[row]], found.certainty[row]), text
    short = TextColumn.from_texts([each for each in SENTENCES.values() if len(each.encode()) <= FIRST_BYTES])
    given = identify_tokens(short, hash_tokens(short, table.TEXT_RECIPE))
    for ours, theirs in zip(given, identify(short), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_part_of_a_column_gives_the_same_answer() -> None:
    column = TextColumn.from_texts(list(SENTENCES.values()))
    for ours, theirs in zip(identify(column.rows(5, 9)), identify(column), strict=True):
        np.testing.assert_array_equal(ours, theirs[5:9])
    assert len(identify(column.rows(3, 3)).language) == 0


def test_bytes_that_are_not_utf_8_are_accepted() -> None:
    data = np.frombuffer(b"\xff\xfe\xc3" + "很".encode()[:2] + b" the room was clean \xe0", np.uint8)
    found = identify(TextColumn(data, np.array([0, 2, 5, len(data)])))
    assert [CODES[each] for each in found.language] == ["und", "und", "en"]
    assert identify_text("the room was \ud800 clean and nice")[0] == "en"


def test_codes_are_distinct_and_fit_the_table() -> None:
    assert CODES[0] == UNDETERMINED
    assert len(set(CODES)) == len(CODES)
    assert CODES[1 : 1 + len(WORD_CODES)] == WORD_CODES
    assert len(WORD_CODES) <= table.COLUMNS
    assert set(listed_words()) <= set(WORD_CODES)
    assert 1 + len(SCRIPTS) == SCRIPT_COUNT
    assert table.TABLE.stat().st_size <= 1_500_000


def script(text: str) -> str | None:
    data = np.frombuffer(text.encode(), np.uint8)
    found = script_of(data, 0, len(data), np.empty(SCRIPT_COUNT, np.int64))
    return None if found == NO_SCRIPT else list(SCRIPTS)[found - 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "Latin"),
        ("Việt Nam rất đẹp", "Latin"),
        ("да", "Cyrillic"),
        ("漢字", "Han"),
        ("漢字かな", "Kana"),
        ("ㅋㅋㅋ", "Hangul"),
        ("𠀀𠀁", "Han"),
        ("1234 ☃ 😀", None),
    ],
)
def test_the_script_of_most_letters(text: str, expected: str | None) -> None:
    assert script(text) == expected


def sequences(text: str, room: int = 96) -> list[str]:
    data, out = np.frombuffer(text.encode(), np.uint8), np.empty(room, np.uint64)
    count = letter_sequences(data, 0, len(data), out)
    return [int(each).to_bytes(4, "big").decode(errors="replace") for each in out[:count]]


def test_letter_sequences_ignore_case_digits_marks_urls_and_names() -> None:
    assert sequences("Ab, 12 c") == ["   a", "  ab", " ab ", "ab c", "b c "]
    assert sequences("@some.one É x") == sequences("é x")
    assert sequences("http://x.y d")[-3:] == ["ttp ", "tp d", "p d "]
    assert sequences("abcdef", room=2) == ["   a", "  ab"]


def test_hashes_of_letter_sequences_are_distinct_from_words() -> None:
    hashed = np.arange(1000, dtype=np.uint64)
    hash_sequences(hashed, len(hashed))
    words = {identity(token_hash(bytes(each))) for each in (b"a", b"the", b"\x01")}
    assert len({*identities(hashed).tolist(), *words}) == 1003


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with three small sets: of an open licence, of one that forbids learning, and of one that allows it."""
    (tmp_path / "corpora").mkdir()
    lines = ["name\tlanguage\tlicence_class", "ours\tnl\topen", "theirs\tde\tresearch"]
    lines += ["norec_no\tno\tnon-commercial", "total\t\t"]
    (tmp_path / "corpora" / "corpora.tsv").write_text("\n".join(lines))
    for name, word in (("ours", "blorp"), ("theirs", "zwiff"), ("norec_no", "flunk")):
        with lzma.open(tmp_path / "corpora" / f"{name}.csv.xz", "wt", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["review", "sentiment"])
            writer.writerows([f"{word} {number} het is", "positive"] for number in range(40))
    return tmp_path


def row_of(word: str, known: Hashes, rows: np.ndarray) -> dict[str, int]:
    (place,) = np.flatnonzero(known == identity(token_hash(word.encode())))
    return dict(zip(WORD_CODES, rows[place].tolist(), strict=True))


def test_the_table_learns_from_allowed_sets_their_learning_half_and_the_list(data: Path) -> None:
    texts = learning_texts(data)
    assert list(texts) == ["nl", "no"]
    assert 0 < len(texts["nl"]) < 40
    assert all(map(in_learning_half, texts["nl"]))
    listed = {"nl": ["het"], "de": ["das", "ist"]}
    known, rows = build(texts, listed)
    assert rows.dtype == np.int8
    assert (known[1:] > known[:-1]).all()
    blorp, das = row_of("blorp", known, rows), row_of("das", known, rows)
    assert max(blorp, key=blorp.__getitem__) == "nl"
    assert max(das, key=das.__getitem__) == "de"
    assert identity(token_hash(b"zwiff")) not in known
    again = build(learning_texts(data), listed)
    assert again[0].tobytes() + again[1].tobytes() == known.tobytes() + rows.tobytes()


def test_only_the_first_words_of_a_text_count() -> None:
    words, _ = word_evidence({"en": ["first " * FIRST_TOKENS + "late"]}, {"en": ["first"]})
    assert words.tolist() == [identity(token_hash(b"first"))]


def test_letters_are_evidence_against_languages_that_lack_them() -> None:
    known, evidence = letter_evidence({}, {"da": ["på", "måde"], "sv": ["på", "för"]})
    sequence = np.array([int.from_bytes("för".encode(), "big")], np.uint64)
    hash_sequences(sequence, 1)
    (place,) = np.flatnonzero(known == identities(sequence)[0])
    assert evidence[place, WORD_CODES.index("sv")] == 0
    assert evidence[place, WORD_CODES.index("da")] < -0.5
