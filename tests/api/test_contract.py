"""Schemathesis asks the running service everything that its OpenAPI document allows, and much that it forbids.

An answer that the document does not describe fails: its status, content type, headers or shape, a bad request that is
taken, a good one that is refused, a method that nobody offered.
"""

import json
import os

import jsonschema
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from api.contract.openapi import document
from api.contract.settings import ServiceSettings
from tests.api.conftest import Service

DOCUMENT = document(ServiceSettings())
# What is too large is answered so, and not as if it were malformed.
REFUSED = ["400", "413", "415", "422"]


def contract(examples, **checks):
    configuration = {"generation": {"max-examples": examples}, "checks": checks}
    if "CI" in os.environ:
        configuration["seed"] = 7  # as in all tests: CI asks the same questions each time
    return schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict(configuration))


whole = contract(500, negative_data_rejection={"expected-statuses": REFUSED})
without_model = contract(
    20,
    negative_data_rejection={"expected-statuses": [*REFUSED, "404", "503"]},  # without a database neither
    not_a_server_error={"expected-statuses": ["2xx", "4xx", "503"]},
)


@pytest.fixture(scope="module")
def whole_service(tmp_path_factory, stack, migrated_template):
    """A service that has all it can have."""
    database_url = stack.postgres.create_database("contract", template=migrated_template)
    running = Service(tmp_path_factory.mktemp("whole"), DATABASE_URL=database_url).wait_ready()
    yield running
    assert running.stop() == 0
    stack.postgres.drop_database("contract")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty")
    running = Service(folder, BUNDLE=str(folder / "nothing"))
    yield running
    assert running.stop() == 0


def test_the_document_that_is_checked_is_the_one_that_is_served(whole_service):
    assert whole_service.get("/openapi.json").json() == DOCUMENT


@whole.parametrize()
def test_the_service_keeps_to_its_document(case, whole_service):
    answer = ask(case, whole_service)
    if case.path == "/predict/batch" and answer.status_code == 200:
        # Here a text that the document forbids costs itself only: it is refused in the answer, not by its status.
        case.validate_response(answer, excluded_checks=[schemathesis.checks.negative_data_rejection])
        refused_one_by_one(json.loads(answer.request.body)["texts"], answer.json())
    elif case.path == "/predict/file" and answer.status_code == 422:
        # The document cannot say which bytes are a file of reviews.
        case.validate_response(answer, excluded_checks=[schemathesis.checks.positive_data_acceptance])
        assert answer.json()["code"] in {"file_rejected", "unknown_field", "invalid_value"}
    else:
        case.validate_response(answer)


@without_model.parametrize()
def test_a_service_without_a_model_keeps_to_it_too(case, empty):
    answer = ask(case, empty)
    case.validate_response(answer)
    assert answer.status_code != 200 or case.path in {"/healthz", "/metrics"}


def ask(case, service):
    return case.call(f"http://127.0.0.1:{service.port}", timeout=30)


def refused_one_by_one(texts, answer):
    one = jsonschema.Draft202012Validator(DOCUMENT["components"]["schemas"]["PredictRequest"]["properties"]["text"])
    bad = [index for index, text in enumerate(texts) if not one.is_valid(text)]
    assert [error["index"] for error in answer["errors"]] == bad
    assert [result is None for result in answer["results"]] == [index in bad for index in range(len(texts))]
