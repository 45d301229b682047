"""Hardening: each thing that a caller can get wrong, one case each."""

import gzip
import http.client
import json
import secrets
import socket
import zlib

import pytest
from backports import zstd

from api.server.router import ROUTES, STATIC

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{'text': 'single quotes'}", 400, "malformed_json"),
        (b"", 400, "malformed_json"),
        (b'{"text": "no end', 400, "malformed_json"),
        (b'{"text": NaN}', 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b'{"text": "a"} and more', 400, "malformed_json"),
        (b'{"text": "caf\xe9"}', 400, "invalid_utf8"),
        (b'\xff\xfe{"text": "utf-16"}', 400, "invalid_utf8"),
        (b'{"text": "half \\ud83d of a pair"}', 400, "invalid_text"),
        (b'{"text": "good", "\\udc00": 1}', 400, "invalid_text"),
        (b"{}", 422, "missing_text"),
        (b'{"text": ""}', 422, "empty_text"),
        (b'{"text": " \\t\\r\\n\\u2003 "}', 422, "empty_text"),
        (b'{"text": 5}', 422, "wrong_type"),
        (b'{"text": null}', 422, "empty_text"),
        (b'{"text": "nan"}', 422, "empty_text"),
        (b'{"text": " N/A\\n"}', 422, "empty_text"),
        (b'{"text": "\\u001c"}', 422, "empty_text"),
        (b'{"text": ["a"]}', 422, "wrong_type"),
        (b'["a"]', 422, "wrong_type"),
        (b"null", 422, "wrong_type"),
        (b'{"text": "a", "explain": "yes"}', 422, "wrong_type"),
        (b'{"text": "a", "explain": 1}', 422, "wrong_type"),
        (b'{"text": "a", "model": "other"}', 422, "unknown_field"),
        (json.dumps({"text": "a" * 1_000_000}).encode(), 413, "too_large"),
    ],
    ids=lambda value: value.decode("latin-1")[:24] if isinstance(value, bytes) else None,
)
def test_a_bad_json_body_is_refused(service, body, status, code):
    answer = service.post("/predict", body)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "missing_text"),
        (b"text=", 422, "empty_text"),
        (b"text=+%20", 422, "empty_text"),
        (b"text=NULL", 422, "empty_text"),
        (b"text=a&text=b", 422, "wrong_type"),
        (b"text=a&colour=red", 422, "unknown_field"),
        (b"text=a&explain=maybe", 422, "wrong_type"),
        (b"text=caf%E9", 400, "invalid_utf8"),
        (b"text=caf\xe9", 400, "invalid_utf8"),
        (b"text=%ED%A0%80", 400, "invalid_utf8"),
        (b"&".join(b"f%d=1" % number for number in range(100)), 422, "wrong_type"),
        (b"text=" + b"a" * 1_000_000, 413, "too_large"),
    ],
    ids=lambda value: value.decode("latin-1")[:24] if isinstance(value, bytes) else None,
)
def test_a_bad_form_is_refused(service, body, status, code):
    answer = service.post("/predict", body, Content_Type=FORM)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{}", 422, "missing_text"),
        (b'{"texts": "one"}', 422, "wrong_type"),
        (b'{"texts": ["a"], "explain": true}', 422, "unknown_field"),
        (json.dumps({"texts": ["a"] * 1_001}).encode(), 413, "batch_too_large"),
    ],
)
def test_a_bad_batch_is_refused(service, body, status, code):
    answer = service.post("/predict/batch", body)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", f"{JSON}; charset=latin-1", ""]
)
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_another_content_type_is_refused(service, path, content_type):
    answer = service.post(path, {"text": "a"}, Content_Type=content_type)
    assert (answer.status, answer.code) == (415, "wrong_content_type")


def test_a_form_is_no_batch(service):
    answer = service.post("/predict/batch", b"texts=a", Content_Type=FORM)
    assert (answer.status, answer.code) == (415, "wrong_content_type")


def test_a_body_without_content_type_is_refused(service):
    answer = service.request("POST", "/predict", b'{"text": "a"}')
    assert (answer.status, answer.code) == (415, "wrong_content_type")


def test_a_body_that_is_not_what_its_encoding_says_is_refused(service):
    for body in (b'{"text": "not gzip"}', gzip.compress(b'{"text": "cut"}')[:-1], b"", gzip.compress(b"") * 101):
        answer = service.post("/predict", body, Content_Encoding="gzip")
        assert (answer.status, answer.code) == (400, "unreadable_body")


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("zstd", zstd.compress),
        ("identity", bytes),
    ],
)
def test_a_body_may_have_a_content_encoding(service, coding, encode):
    for text in ("An excellent kettle, I love it.", f"An excellent kettle, {secrets.token_hex(20_000)}"):
        plain = service.post("/predict", {"text": text}).json()
        assert (
            service.post("/predict", encode(json.dumps({"text": text}).encode()), Content_Encoding=coding).json()
            == plain
        )


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, gzip", "utf-8", "\xe9"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/feedback"])
def test_another_content_encoding_is_refused_and_the_known_ones_are_named(service, path, coding):
    answer = service.post(path, {"text": "good"}, Content_Encoding=coding)
    assert (answer.status, answer.code) == (415, "wrong_content_encoding")
    assert answer.headers["Accept-Encoding"] == "gzip, deflate, zstd"


def test_an_unknown_expectation_fails(service):
    answer = service.post("/predict", {"text": "good"}, Expect="a miracle")
    assert (answer.status, answer.code) == (417, "expectation_failed")
    assert service.post("/predict", {"text": "good"}, Expect="100-Continue").status == 200


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_slash_at_the_end_of_a_path_makes_no_difference(service, route):
    if route.path == "/":
        return
    path = STATIC.format(version="0", name="page.js") if route.path == STATIC else route.path
    one, other = (
        service.request(route.method, each, b'{"text": "good"}', Content_Type=JSON) for each in (path, f"{path}/?a=b")
    )
    assert (one.status, one.headers.get_content_type()) == (other.status, other.headers.get_content_type())
    assert one.status not in (404, 405) or one.code == "feedback_off"
    assert service.request(route.method, f"{path}//", b"", Content_Type=JSON).code == "not_found"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"BREW /predict HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed_http"),
        (b"DELETE /predict HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426, "upgrade_required"),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", 415, "wrong_content_type"),
        (b"GET /ready HTTP/3.7\r\nHost: x\r\n\r\n", 400, "malformed_http"),
        (b"GET /ready HTTP/1.1\r\n\r\n", 400, "malformed_http"),
        (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 20_000), 400, "malformed_http"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n" % (b"a" * 20_000), 400, "malformed_http"),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "malformed_http"),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "malformed_http"),
    ],
    ids=lambda value: value.split(b" HTTP")[0].decode()[:24] if isinstance(value, bytes) else None,
)
def test_every_refusal_is_a_problem_also_those_of_the_http_library(service, request_, status, code):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(request_)
        response = http.client.HTTPResponse(raw)
        response.begin()
        assert (response.status, response.headers.get_content_type()) == (status, "application/problem+json")
        problem = json.loads(response.read())
    assert (problem["status"], problem["code"]) == (status, code)


def test_a_small_body_that_expands_beyond_the_limit_is_refused(service):
    bomb = gzip.compress(json.dumps({"text": "a" * 50_000_000}).encode())
    answer = service.post("/predict", bomb, Content_Encoding="gzip")
    assert (answer.status, answer.code) == (413, "too_large")


def test_an_unknown_address_is_not_found(service):
    answer = service.get("/predictions/my%20secret%20text")
    assert (answer.status, answer.code) == (404, "not_found")
    assert service.get("/static/../model.py").code == "not_found"
    assert service.get("/static/").code == "not_found"


def test_a_method_that_an_address_does_not_take(service):
    answer = service.get("/predict")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_a_plain_request_to_the_websocket(service):
    answer = service.get("/ws")
    assert (answer.status, answer.code) == (426, "upgrade_required")


def test_a_service_without_a_model_says_when_to_come_back(start, tmp_path):
    empty = start(BUNDLE=str(tmp_path / "nothing"))
    for answer in (empty.post("/predict", {"text": "good"}), empty.get("/readyz"), empty.get("/model")):
        assert (answer.status, answer.code) == (503, "not_ready")
        assert int(answer.headers["Retry-After"]) > 0
    assert empty.get("/healthz").json() == {"status": "ok"}
    assert empty.get("/").status == 200


def test_an_answer_names_an_unknown_field_in_short(service):
    answer = service.post("/predict", {"secret review " * 10: 1, "text": "a"})
    assert answer.code == "unknown_field"
    assert len(answer.json()["detail"]) < 120


def test_garbage_instead_of_http_ends_only_its_connection(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        assert b" 400 Bad Request" in raw.recv(100)
    assert service.get("/healthz").status == 200


def test_a_caller_that_leaves_in_the_middle_does_no_harm(service):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Type", JSON)
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"text": "')
    connection.close()
    assert service.post("/predict", {"text": "good"}).status == 200


def test_no_text_of_a_caller_is_logged(service):
    secret = "xyzzy-plugh"
    service.post("/predict", {"text": secret})
    service.post("/predict", {secret: "a"})
    service.post("/predict", f'{{"text": {secret}'.encode())
    service.post("/predict", f"text={secret}".encode(), Content_Type=FORM)
    service.get(f"/{secret}?text={secret}")
    service.get("/healthz", X_Request_Id="last-of-the-secrets", User_Agent=secret)
    lines = service.wait(lambda: [line for line in service.log() if line.get("request_id") == "last-of-the-secrets"])
    assert lines[0]["route"] == "/healthz"
    assert secret not in service.log_path.read_text()
