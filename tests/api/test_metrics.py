import asyncio

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def own(start):
    return start(HOURLY_PRICE_USD="3600").wait_ready()


def test_the_kept_names_are_there_with_their_labels(own):
    own.post("/predict", {"text": "excellent, I love it"})
    families = {family.name: family for family in text_string_to_metric_families(own.get("/metrics").body.decode())}
    labels = {
        "app_request_count": {"method", "endpoint"},
        "app_request_latency_seconds": {"endpoint", "le"},
        "model_prediction_count": {"prediction"},
        "app_cost_per_request_usd": set(),
        "app_total_cost_usd": set(),
    }
    assert {name: set(families[name].samples[0].labels) for name in labels} == labels


def test_endpoints_are_routes_and_never_paths(own):
    own.post("/predict", {"text": "good"})
    for number in range(20):
        own.get(f"/no/such/{number}")
        own.request(f"VERB{number}", "/predict")
    own.get("/static/any/style.css")
    exposition = own.get("/metrics").body.decode()
    assert "such" not in exposition
    assert "VERB" not in exposition
    assert own.metric('app_request_count_total{endpoint="unmatched",method="GET"}') == 20
    assert own.metric('app_request_count_total{endpoint="/predict",method="POST"}') == 1
    assert own.metric('app_request_count_total{endpoint="/static/{version}/{name}",method="GET"}') == 1


def test_predictions_count_by_label_and_problems_by_code(own):
    own.post("/predict", {"text": "excellent, wonderful, perfect, I love it"})
    own.post("/predict/batch", {"texts": ["terrible, awful, the worst waste", "", "awful and boring, a waste"]})
    own.post("/predict", {"text": ""})
    assert own.metric('model_prediction_count_total{prediction="positive"}') == 1
    assert own.metric('model_prediction_count_total{prediction="negative"}') == 2
    assert own.metric('app_problem_count_total{code="empty_text"}') == 1
    assert own.metric('app_failure_count_total{endpoint="/predict"}') == 0
    assert own.metric("app_batch_texts_sum") == 3


def test_the_cost_is_the_price_of_the_time_that_requests_took(own):
    for _ in range(20):
        own.post("/predict", {"text": "good"})
    lines = own.get("/metrics").body.decode().splitlines()
    seconds = sum(float(line.split()[-1]) for line in lines if line.startswith("app_request_latency_seconds_sum"))
    requests = sum(float(line.split()[-1]) for line in lines if line.startswith("app_request_latency_seconds_count"))
    values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("app_") and "{" not in line)
    assert float(values["app_total_cost_usd"]) == pytest.approx(seconds)
    assert float(values["app_cost_per_request_usd"]) == pytest.approx(seconds / requests)


def test_the_model_is_a_metric(service, starter):
    wanted = f'model_info{{digest="{starter.digest}",name="{starter.manifest.name}",source="starter",version=""}}'
    assert service.metric(wanted) == 1


def test_every_answer_names_its_request(service):
    assert service.get("/healthz", X_Request_Id="mine-7").headers["X-Request-Id"] == "mine-7"
    assert service.post("/predict", {}, X_Request_Id="mine-8").headers["X-Request-Id"] == "mine-8"
    made = service.get("/healthz", X_Request_Id='bad "id"').headers["X-Request-Id"]
    assert len(made) == 32
    assert made != service.get("/healthz").headers["X-Request-Id"]


def test_answers_to_many_clients_are_written_in_fewer_batches(own):
    clients, each = 16, 50
    before = own.metric("app_write_batch_count_total")

    async def talk():
        async with aiohttp.ClientSession(f"http://127.0.0.1:{own.port}") as session:

            async def repeat():
                for _ in range(each):
                    async with session.post("/predict", json={"text": "good"}) as response:
                        assert response.status == 200

            await asyncio.gather(*(repeat() for _ in range(clients)))

    asyncio.run(talk())
    assert own.metric("app_write_batch_count_total") - before < 0.9 * clients * each
