import gzip
import json
import math
import socket
from urllib.parse import urlencode

import pytest

from sentiment_core.languages.detected_languages import DetectedLanguage
from sentiment_core.model.scorer import Scorer

FORM = "application/x-www-form-urlencoded"
GOOD = "An excellent kettle: beautiful, quiet, and I love it."
BAD = "Terrible. The worst kettle I ever had, a waste of money and awful support."
TEXTS = (GOOD, BAD, "It is a kettle.", "ünïcödé 💛 and \u0000 zero", "a" * 3_000, "line\r\nbreak\tand tab")


@pytest.fixture(scope="module")
def scorer(starter):
    return Scorer(starter)


def language(starter, text):
    detected = DetectedLanguage.of(text)
    standing = None if detected.code is None else starter.manifest.standing(detected.code)
    return {"detected": detected.code, "certainty": pytest.approx(detected.certainty), "standing": standing}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_service_gives_the_score_of_the_library(service, scorer, starter, text):
    answer = service.post("/predict", {"text": text})
    (expected,) = scorer.score_texts([text]).texts()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    prediction = answer.json()
    assert prediction.pop("score") == pytest.approx(expected.score, abs=1e-6)
    assert prediction.pop("probabilities") == pytest.approx(expected.probabilities, abs=1e-6)
    assert prediction == {
        "label": expected.label,
        "sentiment": {"negative": 0, "neutral": None, "positive": 1}[expected.label],
        "unfamiliar": expected.unfamiliar,
        "mixed": expected.mixed,
        "language": language(starter, text),
        "model": {"name": starter.manifest.name, "version": None, "digest": starter.digest},
        "truncated": False,
    }


def test_each_answer_names_the_language_and_its_standing(service):
    texts = [GOOD, "A szoba koszos volt, a személyzet pedig nagyon barátságtalan", "12"]
    batch = service.post("/predict/batch", {"texts": texts}).json()["results"]
    found = [(answer["language"]["detected"], answer["language"]["standing"]) for answer in batch]
    assert found == [("en", "supported"), ("hu", "unsupported"), (None, None)]
    for text, answer in zip(texts, batch, strict=True):
        assert service.post("/predict", {"text": text}).json()["language"] == answer["language"]
        explained = service.post("/predict", {"text": text, "explain": True}).json()
        assert (explained["language"], explained["unfamiliar"]) == (answer["language"], answer["unfamiliar"])


def test_good_is_positive_and_bad_is_negative(service):
    good, bad = service.post("/predict", {"text": GOOD}).json(), service.post("/predict", {"text": BAD}).json()
    assert (good["label"], good["sentiment"]) == ("positive", 1)
    assert (bad["label"], bad["sentiment"]) == ("negative", 0)
    assert bad["score"] < 0.2
    assert good["score"] > 0.8


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_form_gets_the_answer_that_json_gets(service, text):
    form = service.post("/predict", urlencode({"text": text}).encode(), Content_Type=FORM, Accept="*/*")
    assert form.json() == service.post("/predict", {"text": text}).json()


def test_an_explanation_adds_up_to_the_score(service):
    prediction = service.post("/predict", {"text": GOOD, "explain": True}).json()
    parts = prediction["explanation"]["contributions"]
    logit = prediction["explanation"]["bias"] + sum(part["weight"] for part in parts)
    odds = prediction["probabilities"]
    assert logit == pytest.approx(math.log(odds["positive"] / odds["negative"]), abs=1e-4)
    assert {"ngram", "weight", "spans"} == set(parts[0])
    spans = {GOOD[start:end].lower() for part in parts for start, end in part["spans"] if part["ngram"] == "excellent"}
    assert spans == {"excellent"}


def test_explain_false_is_the_default_and_a_form_can_ask_too(service):
    assert "explanation" not in service.post("/predict", {"text": GOOD, "explain": False}).json()
    form = service.post("/predict", urlencode({"text": GOOD, "explain": "true"}).encode(), Content_Type=FORM)
    assert form.json() == service.post("/predict", {"text": GOOD, "explain": True}).json()


def test_a_gzipped_body_is_read(service):
    body = gzip.compress(json.dumps({"text": GOOD}).encode())
    assert service.post("/predict", body, Content_Encoding="gzip").json()["label"] == "positive"


def test_a_long_text_is_scored_whole(service, scorer):
    text = "good and bad words. " * 4_900
    answer = service.post("/predict", {"text": text}).json()
    assert answer["score"] == pytest.approx(scorer.score_texts([text]).score[0], abs=1e-6)
    assert answer["truncated"] is False


def test_in_a_batch_a_bad_text_costs_only_itself(service):
    batch = b'{"texts": ["%s", "", 7, "half \\ud83d", null, " NaN", "%s"]}' % (GOOD.encode(), BAD.encode())
    answer = service.post("/predict/batch", batch)
    assert answer.status == 200
    results, errors = answer.json()["results"], answer.json()["errors"]
    assert [(error["index"], error["code"]) for error in errors] == [
        (1, "empty_text"),
        (2, "wrong_type"),
        (3, "invalid_text"),
        (4, "empty_text"),
        (5, "empty_text"),
    ]
    assert all(error["message"] for error in errors)
    assert results[1:6] == [None] * 5
    assert results[0] == service.post("/predict", {"text": GOOD}).json()
    assert results[6] == service.post("/predict", {"text": BAD}).json()


def test_a_batch_of_nothing_has_no_results(service):
    assert service.post("/predict/batch", {"texts": []}).json() == {"results": [], "errors": []}


def test_a_large_batch_is_scored_in_order(service, scorer):
    texts = [f"{GOOD if number % 3 else BAD} Number {number}." for number in range(1_000)]
    results = service.post("/predict/batch", {"texts": texts}).json()["results"]
    assert [result["score"] for result in results] == pytest.approx(scorer.score_texts(texts).score.tolist(), abs=1e-6)


def test_in_a_large_batch_too_a_bad_text_costs_only_itself(service, scorer):
    texts = [f"{GOOD if number % 3 else BAD} Number {number}." for number in range(1_000)]
    bad = {0: ("empty_text", b'" \\u2003"'), 499: ("wrong_type", b"[1]"), 999: ("invalid_text", b'"a \\udc00"')}
    written = [bad[number][1] if number in bad else json.dumps(text).encode() for number, text in enumerate(texts)]
    answer = service.post("/predict/batch", b'{"texts": [%s]}' % b",".join(written)).json()
    assert [(error["index"], error["code"]) for error in answer["errors"]] == [(at, bad[at][0]) for at in sorted(bad)]
    assert [number for number, result in enumerate(answer["results"]) if result is None] == sorted(bad)
    expected = [score for at, score in enumerate(scorer.score_texts(texts).score.tolist()) if at not in bad]
    assert [result["score"] for result in answer["results"] if result] == pytest.approx(expected, abs=1e-6)


def test_the_usual_request_is_answered_as_every_other(service):
    usual = service.post("/predict", {"text": "Not bad at all."})
    for other in (
        service.post("/predict", {"text": "Not bad at all.", "explain": False}),
        service.post("/predict", {"text": "Not bad at all."}, Content_Type="application/json; charset=utf-8"),
        service.post("/predict", gzip.compress(b'{"text": "Not bad at all."}'), Content_Encoding="gzip"),
    ):
        assert (other.status, other.json()) == (200, usual.json())
        assert set(other.headers) == set(usual.headers)
        assert other.headers["Content-Type"].startswith(usual.headers["Content-Type"])


def test_the_limit_of_a_body_holds_for_the_usual_request(start):
    own = start(MAX_BODY_BYTES="100").wait_ready()
    assert own.post("/predict", {"text": "x" * 80}).status == 200
    assert own.post("/predict", {"text": "x" * 200}).code == "too_large"
    assert own.metric('app_request_count_total{endpoint="/predict",method="POST"}') == 2


def test_a_usual_request_that_ends_early_is_no_fault_of_the_service(start):
    own = start().wait_ready()
    with socket.create_connection(("127.0.0.1", own.port)) as connection:
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n"
        connection.sendall(head + b'{"text": "cut')
    assert own.get("/healthz").status == 200
    faults = [line for line in own.log() if line["level"] == "error"]
    assert faults == [], str(faults)
