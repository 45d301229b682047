import signal
import subprocess
import sys
import threading
import time

import orjson
import pytest


def test_readiness_fails_before_the_service_stops_and_requests_go_on(start):
    service = start(fresh=True, API_DRAIN_S="2").wait_ready()
    service.process.send_signal(signal.SIGTERM)
    answer = service.wait(lambda: (found := service.get("/readyz")).status == 503 and found)
    assert answer.code == "stopping"
    assert service.get("/healthz").status == 200
    assert service.post("/predict", {"text": "still served"}).status == 200
    assert service.stop() == 0


def test_a_request_in_flight_at_the_signal_is_answered(start):
    service = start().wait_ready()
    texts = {"texts": ["a long text of many words, good and bad. " * 20] * 1_000}
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.post("/predict/batch", texts)))
    thread.start()
    time.sleep(0.02)
    assert service.stop() == 0
    thread.join()
    assert answers[0].status == 200
    assert len(answers[0].json()["results"]) == 1_000


def test_ctrl_c_does_not_wait(start):
    service = start(fresh=True, API_DRAIN_S="3600").wait_ready()
    assert service.stop(signal.SIGINT) == 0


def test_a_port_that_is_taken_is_a_plain_sentence(service):
    command = [sys.executable, "-m", "api"]
    second = subprocess.run(
        command, env={"SENTIMENT_API_PORT": str(service.port)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    last = orjson.loads(second.stdout.splitlines()[-1])
    assert (last["event"], last["code"]) == ("cannot start", "address_taken")
    assert f"127.0.0.1:{service.port}" in last["detail"]
    assert "Traceback" not in second.stdout + second.stderr


HEAVY = {"mlflow", "pandas", "sklearn", "airflow", "pyarrow", "sqlalchemy", "alembic", "boto3", "requests", "nltk"}


@pytest.mark.parametrize("database_url", ["", "postgresql://127.0.0.1/none"], ids=["alone", "with a database"])
def test_the_service_imports_nothing_heavy_and_a_driver_only_for_a_database(database_url):
    script = (
        "import sys, api.__main__; from api.server.service import Service;"
        "from sentiment_core.model import bundle, scorer;"
        "from sentiment_core.registry import registered_model;"
        "from api.contract.settings import settings; from api.observability.logs import set_up;"
        "Service(settings(), set_up());"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={"SENTIMENT_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    imported = set(run.stdout.split())
    assert not HEAVY & imported
    assert ("psycopg2" in imported) == bool(database_url)
