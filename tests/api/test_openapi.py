import re

import jsonschema
import pytest

from api.contract.problems import STATUS
from api.server.router import ROUTES, STATIC, Access


@pytest.fixture(scope="module")
def described(service):
    return service.get("/openapi.json").json()


def check(described, name, value):
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": described["components"]})


def test_every_route_that_speaks_json_is_described(described):
    pages = {"/", "/docs", "/openapi.json", "/ws", STATIC}
    served = {route.path for route in ROUTES} - pages
    assert served == set(described["paths"])
    assert described["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("path", "name"),
    [("/model", "ModelCard"), ("/healthz", "Health"), ("/readyz", "Readiness"), ("/nothing", "Problem")],
)
def test_what_is_served_has_the_described_shape(service, described, path, name):
    check(described, name, service.get(path).json())


def test_predictions_have_the_described_shape(service, described):
    check(described, "Prediction", service.post("/predict", {"text": "good"}).json())
    mixed = "A wonderful, excellent kettle. But the awful lid broke, a waste of money."
    for text, parts in (("good", 0), (mixed, 2)):
        explained = service.post("/predict", {"text": text, "explain": True}).json()
        check(described, "Prediction", explained)
        assert len(explained["explanation"]["parts"]) == parts
    check(described, "BatchResponse", service.post("/predict/batch", {"texts": ["good", ""]}).json())
    for missing in ("  ", "nan", " NULL\n", "\\N", "-"):
        with pytest.raises(jsonschema.ValidationError):
            check(described, "PredictRequest", {"text": missing})
    check(described, "PredictRequest", {"text": "nan bread"})
    with pytest.raises(jsonschema.ValidationError):
        check(described, "PredictRequest", {"text": "a", "more": 1})


def test_the_documentation_page_names_every_address_and_error_code(service, described):
    page = service.get("/docs").body.decode()
    for path in described["paths"]:
        assert f"<code>{path}</code>" in page
    for code in STATUS:
        assert f'id="{code}"' in page


def test_the_documentation_page_loads_nothing_from_other_hosts(service):
    for path in ("/", "/docs"):
        assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", service.get(path).body.decode())


def test_the_document_says_what_the_settings_change(start):
    service = start(API_KEYS=f'["shop:{"0" * 64}"]', API_PROBES_PORT="0", MAX_TEXT_CHARACTERS="7", LONG_TEXTS="reject")
    described = service.get("/openapi.json").json()
    assert described["paths"]["/predict"]["post"]["security"] == [{"bearer": []}, {"key": []}]
    assert set(described["components"]["securitySchemes"]) == {"bearer", "key"}
    assert "/metrics" not in described["paths"]
    assert described["components"]["schemas"]["PredictRequest"]["properties"]["text"]["maxLength"] == 7


def test_the_guarded_addresses_are_described_as_such(described):
    guarded = {route.path for route in ROUTES if route.access is Access.GUARDED}
    told = {
        path for path, methods in described["paths"].items() for each in methods.values() if "401" in each["responses"]
    }
    assert told == guarded
