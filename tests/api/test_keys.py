"""Who may call."""

import asyncio
import base64
import re
import subprocess
import sys

import aiohttp
import pytest

from tests.api.conftest import Service

TEXT = {"text": "An excellent kettle, I love it."}
FORM = "application/x-www-form-urlencoded"


def new_key(name):
    command = [sys.executable, "-m", "api.new_key", name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    key, entry = (line.split()[-1] for line in lines)
    return key, entry


@pytest.fixture(scope="module")
def keys():
    return [new_key("shop"), new_key("till")]


@pytest.fixture(scope="module")
def locked(tmp_path_factory, keys):
    """One service that asks for a key, for all tests of this file."""
    entries = ",".join(f'"{entry}"' for _, entry in keys)
    running = Service(tmp_path_factory.mktemp("locked"), API_KEYS=f"[{entries}]").wait_ready()
    yield running
    assert running.stop() == 0


def test_each_key_opens_in_each_way_of_sending_it(locked, keys):
    for key, _ in keys:
        basic = base64.b64encode(f"anybody:{key}".encode()).decode()
        for headers in (
            {"Authorization": f"Bearer {key}"},
            {"Authorization": f"bearer {key}"},
            {"X_API_Key": key},
            {"Authorization": f"Basic {basic}"},
        ):
            for payload in (TEXT, TEXT | {"explain": True}):
                assert locked.post("/predict", payload, **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic d3Jvbmc="},
        {"X_API_Key": "wrong"},
    ],
)
def test_without_a_key_that_is_known_nothing_is_answered(locked, headers):
    for method, path in (("POST", "/predict"), ("POST", "/predict/batch"), ("GET", "/model"), ("GET", "/ws")):
        answer = locked.request(method, path, b'{"text": "a"}' if method == "POST" else None, **headers)
        assert (answer.status, answer.code) == (401, "unauthorised")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "wrong" not in answer.body.decode()


def test_the_hash_of_a_key_is_no_key(locked, keys):
    assert locked.post("/predict", TEXT, X_API_Key=keys[0][1].partition(":")[2]).status == 401


def test_a_stream_needs_a_key_too(locked, keys):
    async def talk(headers):
        async with aiohttp.ClientSession() as session:
            address = f"http://127.0.0.1:{locked.port}/ws"
            async with session.ws_connect(address, headers=headers) as ws:
                await ws.send_str('{"text": "excellent, I love it"}')
                return (await ws.receive_json(timeout=10))["label"]

    assert asyncio.run(talk({"Authorization": f"Bearer {keys[1][0]}"})) == "positive"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        asyncio.run(talk({}))
    assert refusal.value.status == 401


def test_pages_and_probes_are_open(locked):
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"):
        assert locked.get(path).status == 200
    files = re.findall(r'"(/static/[^"]+)"', locked.get("/").body.decode())
    assert files
    assert all(locked.get(path).status == 200 for path in files)


def test_a_browser_asks_for_the_key(locked, keys):
    asked = locked.post("/predict", b"text=good", Content_Type=FORM, Accept="text/html")
    assert asked.status == 401
    assert asked.headers["WWW-Authenticate"].startswith("Basic")


def test_probes_on_a_port_of_their_own_are_nowhere_else(start):
    service = start(API_PROBES_PORT="0")
    line = next(line for line in service.log() if line["event"] == "probes listening")
    port, service.port = service.port, int(line["address"][0].rpartition(":")[2])
    service.wait_ready()
    assert service.get("/healthz").status == 200
    assert service.metric('app_request_count_total{endpoint="/healthz",method="GET"}') == 1
    assert service.post("/predict", TEXT).code == "not_found"
    service.port = port
    for path in ("/healthz", "/readyz", "/metrics"):
        assert service.get(path).code == "not_found"
    assert service.post("/predict", TEXT).status == 200


def test_a_key_that_is_not_hashed_is_refused_at_the_start():
    command = [sys.executable, "-m", "api"]
    environment = {"SENTIMENT_API_KEYS": '["shop:my-secret-key"]'}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode != 0
    assert "SENTIMENT_API_KEYS" in ran.stdout
    assert "my-secret-key" not in ran.stdout + ran.stderr


def test_what_another_site_makes_a_browser_send_is_refused(service):
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{service.port}", "Sec_Fetch_Site": "cross-site"},
    ):
        answer = service.post("/predict", b"text=good", Content_Type=FORM, **headers)
        assert (answer.status, answer.code) == (403, "cross_site")
        assert "Access-Control-Allow-Origin" not in answer.headers
    own = {"Origin": f"http://127.0.0.1:{service.port}"}
    assert service.post("/predict", b"text=good", Content_Type=FORM, **own).status == 200
    assert service.post("/predict", TEXT, **own).status == 200


def test_no_other_origin_is_allowed_unless_it_is_named(service, start):
    origin = "https://shop.example"
    asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
    refused = service.request("OPTIONS", "/predict", **asked)
    assert refused.status == 405
    assert "Access-Control-Allow-Origin" not in refused.headers
    open_to = start(CORS_ORIGINS=f'["{origin}"]').wait_ready()
    for answer in (
        open_to.request("OPTIONS", "/predict", **asked),
        open_to.post("/predict", TEXT, Origin=origin),
        open_to.post("/predict", {}, Origin=origin),
    ):
        assert answer.status in (204, 200, 422)
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Vary"] == "Origin"
    assert open_to.post("/predict", TEXT, Origin="https://elsewhere.example").code == "cross_site"
