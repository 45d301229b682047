"""Corrections over HTTP, into a real database."""

import gzip
import json
import re
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

import jsonschema
import pytest

from api.contract.schemas import FeedbackRequest, validate
from api.contract.settings import ServiceSettings
from api.contract.text_limit import TextLimit
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.errors import SentimentError

FORM = "application/x-www-form-urlencoded"
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
TEXT = "It looks nice. ünïcödé 💛 ' \\ % \n\t and it broke on day two."
DIGEST = "0123456789abcdef" * 4
GOOD = {"text": TEXT, "label": "negative", "score": 0.9712345678901234, "model_digest": DIGEST}


def rows(url):
    """All stored corrections, in the order in which they were stored."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT feedback_key::text, text, label::text, score, model_digest, received_at FROM sentiment.feedback"
            " ORDER BY feedback_id"
        )
        return cursor.fetchall()


def wait_stored(service, url, count):
    service.wait(lambda: service.metric('feedback_count_total{outcome="stored"}') >= count, 30)
    return rows(url)


@pytest.fixture
def own(start, database_url):
    return start(DATABASE_URL=database_url).wait_ready()


def test_a_correction_is_stored_once_with_all_that_was_said(own, database_url):
    before = datetime.now(UTC)
    answer = own.post("/feedback", GOOD)
    assert answer.status == 202
    assert answer.json()["status"] == "accepted"
    ((key, *fields, received_at),) = wait_stored(own, database_url, 1)
    assert key == answer.json()["feedback_id"] == str(UUID(key))
    assert fields == [TEXT, "negative", GOOD["score"], DIGEST]
    assert before <= received_at <= datetime.now(UTC)


def test_what_is_optional_may_be_missing_or_null(own, database_url):
    form = {"text": "c", "label": "negative"}
    answers = (
        own.post("/feedback", {"text": "a", "label": "neutral"}),
        own.post("/feedback", {"text": "b", "label": "positive", "score": None, "model_digest": None}),
        own.post("/feedback", urlencode(form).encode(), Content_Type=FORM),
    )
    assert [answer.status for answer in answers] == [202] * 3
    stored = wait_stored(own, database_url, 3)
    assert [row[1:5] for row in stored] == [
        ("a", "neutral", None, None),
        ("b", "positive", None, None),
        ("c", "negative", None, None),
    ]


def test_a_correction_that_is_sent_again_with_its_key_is_stored_once(own, database_url):
    again = [own.post("/feedback", GOOD, Idempotency_Key="click-7").json()["feedback_id"] for _ in range(3)]
    other = own.post("/feedback", GOOD | {"label": "neutral"}, Idempotency_Key="click-7").json()["feedback_id"]
    unkeyed = [own.post("/feedback", GOOD).json()["feedback_id"] for _ in range(2)]
    assert len({*again, other, *unkeyed}) == 4
    assert len(wait_stored(own, database_url, 6)) == 4


def test_a_form_is_a_correction_too(own, database_url):
    form = urlencode(GOOD).encode()
    answer = own.post("/feedback", form, Content_Type=FORM)
    assert (answer.status, answer.json()["status"]) == (202, "accepted")
    page = own.post("/feedback", form, Content_Type=FORM, Accept=HTML)
    assert page.status == 202
    assert page.headers.get_content_type() == "text/html"
    assert "<h1>Thank you</h1>" in page.body.decode()
    assert [row[1:5] for row in wait_stored(own, database_url, 2)] == [(TEXT, "negative", GOOD["score"], DIGEST)] * 2


BAD = [
    ({}, 422, "missing_text"),
    ({"text": "a"}, 422, "missing_field"),
    ({"text": " ", "label": "neutral"}, 422, "empty_text"),
    ({"text": "null", "label": "neutral"}, 422, "empty_text"),
    ({"text": "a\0b", "label": "neutral"}, 422, "unstorable_text"),
    ({"text": "a", "label": "good"}, 422, "invalid_value"),
    ({"text": "a", "label": "neutral", "score": 1.5}, 422, "invalid_value"),
    ({"text": "a", "label": "neutral", "score": "high"}, 422, "wrong_type"),
    ({"text": "a", "label": "neutral", "model_digest": "short"}, 422, "invalid_value"),
    ({"text": "a", "label": "neutral", "model_digest": DIGEST.upper()}, 422, "invalid_value"),
    ({"text": "a", "label": "neutral", "rating": "5"}, 422, "unknown_field"),
    ({"text": "a" * 1_000_000, "label": "neutral"}, 413, "too_large"),
]


def test_a_bad_correction_is_refused_and_nothing_of_it_is_kept(own, database_url):
    for payload, status, code in BAD:
        answer = own.post("/feedback", payload)
        assert (answer.status, answer.code) == (status, code), payload
        form = own.post("/feedback", urlencode(payload).encode(), Content_Type=FORM)
        assert (form.status, form.code) == (status, code), payload
    for body, code in (
        (b'{"text": "half \\ud83d", "label": "neutral"}', "invalid_text"),
        (b'{"text": "a", "label": "neutral", "score": true}', "wrong_type"),
        (b'{"text": "a", "label": "neutral", "score": NaN}', "malformed_json"),
        (b'{"text": "a", "label": null}', "invalid_value"),
        (b"[]", "wrong_type"),
    ):
        assert own.post("/feedback", body).code == code, body
    assert own.post("/feedback", b"text=a&label=neutral&score=nan", Content_Type=FORM).code == "invalid_value"
    assert own.post("/feedback", b"a", Content_Type="text/plain").code == "wrong_content_type"
    assert own.get("/feedback").code == "method_not_allowed"
    assert own.post("/feedback", GOOD).status == 202
    assert len(wait_stored(own, database_url, 1)) == 1
    assert own.metric('feedback_count_total{outcome="accepted"}') == 1


def test_what_the_document_says_of_a_correction_is_what_is_taken(described):
    schema = {"$ref": "#/components/schemas/FeedbackRequest", "components": described["components"]}
    documented = jsonschema.Draft202012Validator(schema)
    limit = TextLimit.of(ServiceSettings())
    texts = [
        text for code in range(0x3100) for text in (chr(code), f" {chr(code)}\n", f"a{chr(code)}", f"{chr(code)}nan")
    ]
    digests = [DIGEST, DIGEST[1:], DIGEST + "0", DIGEST + "\n", DIGEST.upper(), "g" + DIGEST[1:], None]
    for payload in (
        *({"text": text, "label": "neutral"} for text in texts),
        *({"text": "a", "label": "neutral", "model_digest": digest} for digest in digests),
        *({"text": "a", "label": "neutral", "score": score} for score in (0, 1, 0.5, -0.1, 1.1, True, "1", None)),
    ):
        try:
            limit.require_text(validate(FeedbackRequest, payload).text)
            taken = True
        except SentimentError:
            taken = False
        assert taken == documented.is_valid(payload), payload


@pytest.fixture(scope="module")
def described(service):
    return service.get("/openapi.json").json()


def test_a_refused_form_is_answered_by_a_page_with_the_reason(own):
    page = own.post("/feedback", b"text=%3Cb%3E&label=good", Content_Type=FORM, Accept=HTML)
    assert page.status == 422
    assert "it must be negative, neutral or positive" in page.body.decode()
    own.wait(lambda: own.metric('app_problem_count_total{code="invalid_value"}') == 1)


def test_a_service_without_a_database_says_so(service):
    answer = service.post("/feedback", GOOD)
    assert (answer.status, answer.code) == (404, "feedback_off")
    page = service.post("/feedback", urlencode(GOOD).encode(), Content_Type=FORM, Accept=HTML)
    assert page.status == 404
    assert "This service accepts no corrections" in page.body.decode()
    assert "feedback" not in service.get("/readyz").json()
    assert service.metric("feedback_count_total") == service.metric("feedback_database_state") == 0


def test_the_queue_is_seen_in_the_readiness_and_in_the_metrics(own, database_url):
    own.wait(lambda: own.get("/readyz").json()["feedback"] == {"state": "ok", "waiting": 0})
    described = own.get("/openapi.json").json()
    jsonschema.validate(
        own.get("/readyz").json(), {"$ref": "#/components/schemas/Readiness", "components": described["components"]}
    )
    jsonschema.validate(
        own.post("/feedback", GOOD).json(),
        {"$ref": "#/components/schemas/FeedbackAccepted", "components": described["components"]},
    )
    wait_stored(own, database_url, 1)
    own.wait(lambda: own.metric("feedback_queue_length") == own.metric("feedback_queue_bytes") == 0)
    assert own.metric('feedback_database_state{state="ok"}') == 1
    assert own.metric("feedback_database_state") == 1


def test_an_older_schema_refuses_corrections_and_not_predictions_until_it_is_upgraded(start, empty_database):
    migrations.upgrade(empty_database, "0002")
    own = start(DATABASE_URL=empty_database).wait_ready()
    own.wait(lambda: own.get("/readyz").json()["feedback"]["state"] == "outdated")
    answer = own.post("/feedback", GOOD)
    assert (answer.status, answer.code) == (503, "feedback_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert own.post("/predict", {"text": "good"}).status == 200
    (told,) = (line for line in own.log() if line["event"] == "corrections are not stored")
    assert (told["code"], told["level"]) == ("schema_outdated", "warning")
    assert "sentiment db upgrade" in told["detail"]
    migrations.upgrade(empty_database)
    own.wait(lambda: own.get("/readyz").json()["feedback"]["state"] == "ok")
    assert own.post("/feedback", GOOD).status == 202
    assert len(wait_stored(own, empty_database, 1)) == 1


def test_a_database_that_refuses_the_service_gets_no_more_corrections_until_it_lets_it_in(start, stack, database_url):
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kim') THEN"
            " CREATE ROLE kim LOGIN PASSWORD 'kim'; END IF; END $$;"
            "GRANT USAGE ON SCHEMA sentiment TO kim; GRANT SELECT (feedback_key) ON sentiment.feedback TO kim"
        )
    name = database_url.rpartition("/")[2]
    own = start(DATABASE_URL=f"postgresql://kim:kim@127.0.0.1:{stack.postgres.port}/{name}").wait_ready()
    own.wait(lambda: own.get("/readyz").json()["feedback"]["state"] == "ok")
    assert own.post("/feedback", GOOD).status == 202
    own.wait(lambda: own.get("/readyz").json()["feedback"] == {"state": "refused", "waiting": 1})
    assert own.post("/feedback", GOOD).code == "feedback_unavailable"
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute("GRANT INSERT ON sentiment.feedback TO kim")
    assert len(wait_stored(own, database_url, 1)) == 1
    assert TEXT not in own.log_path.read_text()


def test_a_correction_that_the_database_refuses_is_counted_as_lost_and_holds_up_no_other(own, database_url):
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sentiment.feedback ADD CONSTRAINT no_poison CHECK (text <> 'poison')")
    for text in ("first", "poison", "last"):
        assert own.post("/feedback", GOOD | {"text": text}).status == 202
    assert [row[1] for row in wait_stored(own, database_url, 2)] == ["first", "last"]
    assert own.metric('feedback_count_total{outcome="lost"}') == 1
    (told,) = (line for line in own.log() if line["event"] == "corrections lost")
    assert (told["count"], told["level"]) == (1, "error")
    assert "poison" not in own.log_path.read_text()


def test_many_corrections_at_once_are_stored_in_few_transactions(own, database_url):
    answers = [own.post("/feedback", GOOD | {"text": f"correction {number}"}) for number in range(300)]
    stored = wait_stored(own, database_url, 300)
    assert [row[0] for row in stored] == [answer.json()["feedback_id"] for answer in answers]
    assert [row[1] for row in stored] == [f"correction {number}" for number in range(300)]
    with connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM sentiment.feedback")
        assert cursor.fetchone()[0] < 100


def test_what_waits_at_the_signal_is_stored_before_the_end(own, database_url):
    kept = [
        own.post("/feedback", GOOD | {"text": f"correction {number}"}).json()["feedback_id"] for number in range(50)
    ]
    assert own.stop() == 0
    assert [row[0] for row in rows(database_url)] == kept
    assert not [line for line in own.log() if line["event"] == "corrections lost"]


def test_a_text_of_any_length_that_predict_takes_can_be_corrected(start, database_url):
    truncating = start(DATABASE_URL=database_url, MAX_TEXT_CHARACTERS="10").wait_ready()
    rejecting = start(DATABASE_URL=database_url, MAX_TEXT_CHARACTERS="10", LONG_TEXTS="reject").wait_ready()
    long = {"text": "eleven long", "label": "neutral"}
    assert truncating.post("/feedback", long).status == 202
    assert [row[1] for row in wait_stored(truncating, database_url, 1)] == ["eleven long"]
    refused = rejecting.post("/feedback", long)
    assert (refused.status, refused.code) == (413, "text_too_long")
    assert rejecting.post("/feedback", long | {"text": "ten long !"}).status == 202
    assert len(wait_stored(rejecting, database_url, 1)) == 2


def test_the_state_of_the_queue_is_seen_on_the_port_of_the_probes(start, database_url, stack):
    port = stack.workspace.port("probes of a service with corrections")
    own = start(DATABASE_URL=database_url, API_PROBES_PORT=str(port))

    def state():
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return json.load(answer)["feedback"]["state"]

    own.wait(lambda: state() == "ok", 30)


def test_a_gzipped_correction_is_read(own, database_url):
    own.post("/feedback", gzip.compress(b'{"text": "zipped", "label": "neutral"}'), Content_Encoding="gzip")
    assert [row[1] for row in wait_stored(own, database_url, 1)] == ["zipped"]


def test_no_text_of_a_correction_is_logged(own, database_url):
    own.post("/feedback", GOOD | {"text": "xyzzy-plugh"})
    own.post("/feedback", GOOD | {"text": "xyzzy-plugh", "label": "xyzzy-plugh"})
    wait_stored(own, database_url, 1)
    own.stop()
    assert not re.search("xyzzy", own.log_path.read_text())
