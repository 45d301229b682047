"""Files over HTTP: read as a load reads them, bounded, and without delaying single texts."""

import gzip
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sentiment_core.loading.score_content import score_content
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from tests.api.test_connection import Wire
from tests.unit.forms import zip_bytes

FILE = 'Review Text;Stars\n"Lovely;\nkettle";4,5\nnan;1\nawful;1\nfine;3;x\n'.encode("utf-16")
LARGE = b"review,rating\n" + b"".join(b"%s number %d,5\n" % (b"A lovely kettle " * 50, row) for row in range(5_000))


def send(service, content, path="/predict/file", media="text/csv", **headers):
    return service.request("POST", path, content, Content_Type=media, **headers)


def test_a_file_is_read_and_scored_as_a_load_does(service, starter):
    answer = send(service, FILE, "/predict/file?name=q3.csv")
    assert (answer.status, answer.headers.get_content_type()) == (200, "application/json")
    found = answer.json()
    expected = score_content(FILE, "q3.csv", Scorer(starter), Settings(), 10)
    assert found["columns"] == [column._asdict() for column in expected.columns]
    assert found["columns"][0] == {"name": "Review Text", "meaning": "text"}
    assert found["warnings"] == expected.warnings
    for row, wanted in zip(found["results"], expected.rows, strict=True):
        assert (row["line"], row["cells"], row["text"]) == wanted[:3]
        said = row["label"], row["unfamiliar"], row["mixed"]
        assert said == (wanted.scored.label, wanted.scored.unfamiliar, wanted.scored.mixed)
        assert row["score"] == pytest.approx(wanted.scored.score, abs=1e-6)
        assert row["language"] == {"detected": wanted.detected.code, "certainty": None, "standing": None} | {
            "certainty": pytest.approx(wanted.detected.certainty),
            "standing": wanted.detected.code and "supported",
        }
        assert row["probabilities"] == pytest.approx(wanted.scored.probabilities, abs=1e-6)
    assert [row["sentiment"] for row in found["results"]] == [1, 0]
    assert found["rejected"] == [
        {"line": 4, "code": "missing_text", "reason": expected.rejected[0].reason, "row": "nan;1"},
        {"line": 6, "code": "column_count", "reason": expected.rejected[1].reason, "row": "fine;3;x"},
    ]
    assert found["name"] == "q3.csv"
    assert found["model"] == service.post("/predict", {"text": "fine"}).json()["model"]


def test_the_text_column_can_be_named(service):
    refused = send(service, b"when|words\n1|awful\n")
    assert (refused.status, refused.headers.get_content_type()) == (422, "application/problem+json")
    problem = refused.json()
    assert problem["code"] == "file_rejected"
    assert (problem["reason"], problem["columns"]) == ("no_text_column", ["when", "words"])
    found = send(service, b"when|words\n1|awful\n", "/predict/file?text_column=Words").json()
    assert [row["text"] for row in found["results"]] == ["awful"]


@pytest.mark.parametrize("media", ["text/tab-separated-values", "application/octet-stream", "text/csv; charset=utf-8"])
def test_content_decides_whatever_the_content_type(service, media):
    assert send(service, b"a\ttext\n1\tgood\n", media=media).json()["results"][0]["text"] == "good"
    packed = gzip.compress(b"text\ngood\n")
    assert send(service, packed, "/predict/file?name=a.csv.gz", media).json()["results"][0]["line"] == 2
    assert send(service, packed, media=media, Content_Encoding="gzip").json()["results"][0]["line"] == 2


@pytest.mark.parametrize(
    ("content", "path", "media", "status", "code"),
    [
        (b"", "", "text/csv", 422, "file_rejected"),
        (b"review\n", "", "text/csv", 422, "file_rejected"),
        (b"\xff\xfe\x00", "", "text/csv", 422, "file_rejected"),
        (b"review\ngood\n", "?name=a.exe", "text/csv", 422, "file_rejected"),
        (b"review\ngood\n", "?nam=a.csv", "text/csv", 422, "unknown_field"),
        (b"review\ngood\n", "?name=a.csv&name=b.csv", "text/csv", 422, "invalid_value"),
        (b"review\ngood\n", "?name=", "text/csv", 422, "invalid_value"),
        (b"review\ngood\n", f"?name={'a' * 197}.csv", "text/csv", 422, "invalid_value"),
        (b"review\ngood\n", "?name=a%0Ab.csv", "text/csv", 422, "invalid_value"),
        (b"review\ngood\n", "", "application/json", 415, "wrong_content_type"),
        (b"review\n" + b"good\n" * 5_001, "", "text/csv", 413, "too_many_rows"),
        (b"review" + b"," * 1_000 + b"\n", "", "text/csv", 413, "too_many_columns"),
        (b"review\n" + b"good " * 1_000_000, "", "text/csv", 413, "too_large"),
        (
            gzip.compress(b"review\n" + b"good " * 1_000_000, mtime=0),
            "?name=a.csv.gz",
            "text/csv",
            422,
            "file_rejected",
        ),
    ],
    ids=lambda value: value.decode("latin-1")[:16] if isinstance(value, bytes) else None,
)
def test_what_cannot_be_read_is_refused(service, content, path, media, status, code):
    answer = send(service, content, f"/predict/file{path}", media)
    assert (answer.status, answer.headers.get_content_type()) == (status, "application/problem+json")
    assert answer.json()["code"] == code


def test_a_file_at_the_limit_is_scored_whole_and_counted(start):
    service = start(MAX_FILE_BYTES=str(len(LARGE))).wait_ready()
    found = send(service, LARGE).json()
    assert len(found["results"]) == 5_000
    assert [row["line"] for row in found["results"]] == list(range(2, 5_002))
    assert service.metric("model_prediction_count_total") == 5_000
    assert send(service, LARGE + b"x,1\n").code == "too_large"


def test_single_texts_are_answered_while_files_are_scored(service):
    done = threading.Event()

    def files():
        try:
            return [send(service, LARGE).status for _ in range(8)]
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(files)
        between = 0
        while not done.is_set():
            assert service.post("/predict", {"text": "A lovely kettle."}).json()["label"] == "positive"
            between += 1
        assert running.result() == [200] * 8
    assert between > 8  # the answers did not wait for the files


def test_more_files_than_the_limit_are_refused(start):
    service = start(MAX_FILES="1").wait_ready()
    with Wire(service) as slow:
        head = b"POST /predict/file HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 20\r\n\r\nreview\n"
        slow.sendall(head)
        service.wait(lambda: service.metric("app_requests_in_progress") == 1)
        refused = send(service, b"review\ngood\n")
        assert (refused.status, refused.code) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) > 0
        slow.sendall(b"good\n" * 2 + b"bad")
        service.wait(lambda: service.metric("app_requests_in_progress") == 0)
    assert send(service, b"review\ngood\n").status == 200


def test_files_need_a_key_and_count_for_the_rate(start):
    service = start(RATE_LIMIT_PER_S="0.001", RATE_LIMIT_BURST="1").wait_ready()
    assert send(service, b"review\ngood\n").status == 200
    assert send(service, b"review\ngood\n").code == "rate_limited"
    locked = start(API_KEYS=f'["shop:{"0" * 64}"]').wait_ready()
    assert send(locked, b"review\ngood\n").code == "unauthorised"


def test_nothing_of_a_file_is_logged(service):
    secret = "xyzzy-plugh"
    send(service, f"review\n{secret}\n{secret},1\n".encode(), f"/predict/file?name={secret}.csv")
    send(service, f"{secret}\ngood\n".encode(), f"/predict/file?text_column={secret}2")
    service.get("/healthz", X_Request_Id="last-of-the-files")
    service.wait(lambda: [line for line in service.log() if line.get("request_id") == "last-of-the-files"])
    assert not re.search(secret, service.log_path.read_text())
    assert json.loads(send(service, b"review\ngood\n").body)["rejected"] == []


def test_other_forms_are_read_by_their_content(service):
    lines = b'{"review": "good", "user": {"city": "Rome"}}\n{"review": null}\n{"review": "awful", "stars": 1}\n'
    for media, content in (("application/jsonl", lines), ("application/octet-stream", zip_bytes({"a.jsonl": lines}))):
        found = send(service, content, media=media).json()
        assert [row["text"] for row in found["results"]] == ["good", "awful"]
        assert [(row["line"], row["code"]) for row in found["rejected"]] == [(2, "missing_text")]
        assert {column["name"] for column in found["columns"]} == {"review", "user.city", "stars"}
