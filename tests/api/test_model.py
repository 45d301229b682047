"""Which model answers: the champion of a real MLflow server, and what happens when it is not to be had."""

import asyncio
import gc
import http.client
import http.server
import json
import signal
import socket
import threading
import urllib.request
import weakref
from functools import partial

import aiohttp
import pytest

from sentiment_core.database.connection import connect
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.promotion.alias_moves import promote, rollback
from tests.starter import digest_of

TEXT = {"text": "A kettle."}


@pytest.fixture
def follow(start, registry, mlflow_uri):
    def begin(uri=mlflow_uri, **settings):
        return start(MLFLOW_TRACKING_URI=uri, MODEL_NAME=registry.name, **settings)

    return begin


def served(service):
    answer = service.post("/predict", TEXT)
    return answer.json()["model"] if answer.status == 200 else None


def test_the_champion_answers_and_a_new_champion_takes_over(follow, registry, variant, small_bundle):
    first = registry.register(small_bundle)
    registry.set_alias("champion", first)
    service = follow().wait_ready()
    assert served(service) == {"name": registry.name, "version": first, "digest": digest_of(small_bundle)}
    assert service.get("/readyz").json() | {"model": None} == {
        "status": "ready",
        "model": None,
        "source": "registry",
        "pinned": None,
        "shadow": None,
        "canary": None,
        "registry_reachable": True,
        "detail": None,
    }
    second = registry.register(variant(0.9))
    assert served(service)["version"] == first
    registry.set_alias("champion", second)
    service.wait(lambda: served(service)["version"] == second)
    assert served(service)["digest"] == registry.resolve(str(second))[1]
    assert service.metric("model_info{") == 1
    assert service.metric('model_reload_count_total{outcome="loaded"}') == 2
    registry.set_alias("champion", first)
    service.wait(lambda: served(service)["digest"] == digest_of(small_bundle))


def test_a_rollback_brings_the_scores_of_before_back(follow, registry, variant, small_bundle, database_url):
    by = {"actor": "a test", "reason": "a test"}
    first, second = registry.register(small_bundle), registry.register(variant(0.9))
    with connect(database_url) as connection:
        promote(connection, registry, first, kind="force", **by)
        service = follow().wait_ready()
        before = service.post("/predict", TEXT).json()
        promote(connection, registry, second, kind="force", **by)
        service.wait(lambda: served(service)["version"] == second)
        assert service.post("/predict", TEXT).json()["score"] != before["score"]
        rollback(connection, registry, **by)
        service.wait(lambda: served(service)["version"] == first)
    assert service.post("/predict", TEXT).json() == before


def serves(service, version):
    return served(service)["version"] == version


def has_canary(service, version):
    model = service.get("/readyz").json()["canary"]["model"]
    return model is not None and model["version"] == version


class Client:
    """Asks one question after the other until stopped, and keeps each answer's status, model, score and label."""

    def __init__(self, service, ask):
        self._service, self._ask = service, ask
        self._stopped = threading.Event()
        self.answers = []
        self._failure = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self._ask(self._service.port, self._stopped, self.answers)
        except Exception as failure:
            self._failure = failure

    def stop(self):
        self._stopped.set()
        self._thread.join(60)
        assert self._failure is None
        return self.answers


def ask_over_http(path, payload, results):
    def ask(port, stopped, answers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not stopped.is_set():
            connection.request("POST", path, json.dumps(payload), {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = json.loads(response.read())
            assert response.status == 200
            answers.append(results(body))
        connection.close()

    return ask


def ask_over_a_stream(port, stopped, answers):
    async def talk():
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/ws") as socket:
            while not stopped.is_set():
                await socket.send_json(TEXT)
                answers.append([await socket.receive_json(timeout=30)])

    asyncio.run(talk())


def test_while_the_champion_changes_no_request_fails_and_each_answer_is_of_the_model_that_it_names(
    follow, registry, variant, break_version
):
    folders = [STARTER, variant(0.9), variant(-0.9)]
    versions = [registry.register(folder) for folder in folders]
    broken = registry.register(variant(0.3))
    break_version(registry, broken)
    registry.set_alias("champion", versions[0])
    service = follow(MODEL_POLL_S="0.05").wait_ready()
    one = ask_over_http("/predict", TEXT, lambda body: [body])
    explained = ask_over_http("/predict", TEXT | {"explain": True}, lambda body: [body])
    batch = ask_over_http("/predict/batch", {"texts": [TEXT["text"]] * 50}, lambda body: body["results"])
    # Longer than what is scored on the event loop.
    threaded = ask_over_http("/predict/batch", {"texts": [TEXT["text"]] * 900 + ["b" * 20_000]}, first_ones)
    clients = [Client(service, ask) for ask in (one, one, explained, batch, threaded, ask_over_a_stream)]
    try:
        for turn in range(1, 9):
            if turn % 4 == 0:
                registry.set_alias("champion", broken)
                service.wait(lambda: service.get("/readyz").json()["detail"])
            version = versions[turn % 3]
            registry.set_alias("champion", version)
            service.wait(partial(serves, service, version))
    finally:
        for client in clients:
            client.stop()
    expected = {}
    for version, folder in zip(versions, folders, strict=True):
        scorer = Scorer(Bundle.load(folder))
        expected[version] = (scorer.bundle.digest, *scorer.score_text(TEXT["text"])[:2])
    for client in clients:
        for results in client.answers:
            assert len({result["model"]["digest"] for result in results}) == 1
            for result in results:
                digest, score, label = expected[result["model"]["version"]]
                assert (result["model"]["digest"], result["label"]) == (digest, label)
                assert result["score"] == pytest.approx(score, abs=1e-12)
        assert {results[0]["model"]["version"] for results in client.answers} == set(versions)


def first_ones(body):
    return body["results"][:-1]


def test_until_the_first_champion_the_starter_answers(follow, registry, variant, starter):
    service = follow().wait_ready()
    ready = service.get("/readyz").json()
    assert (ready["source"], ready["model"]["version"], ready["model"]["digest"]) == ("starter", None, starter.digest)
    assert "champion" in ready["detail"]
    first = registry.register(variant(0.9))
    registry.set_alias("champion", first)
    service.wait(lambda: served(service)["version"] == first)
    assert service.get("/readyz").json()["detail"] is None


def test_a_broken_champion_is_refused_and_the_old_one_goes_on(follow, registry, variant, break_version, small_bundle):
    good = registry.register(small_bundle)
    registry.set_alias("champion", good)
    service = follow().wait_ready()
    broken = registry.register(variant(0.7))
    break_version(registry, broken)
    registry.set_alias("champion", broken)
    service.wait(lambda: service.metric('model_reload_count_total{outcome="refused"}') == 1)
    assert served(service)["version"] == good
    readiness = service.get("/readyz")
    assert readiness.status == 200
    assert f"models:/{registry.name}/{broken} is damaged" in readiness.json()["detail"]
    better = registry.register(variant(0.8))
    registry.set_alias("champion", better)
    service.wait(lambda: served(service)["version"] == better)
    assert service.get("/readyz").json()["detail"] is None


def test_with_mlflow_down_at_the_start_the_last_good_model_answers(follow, registry, small_bundle):
    version = registry.register(small_bundle)
    registry.set_alias("champion", version)
    assert follow().wait_ready().stop() == 0
    service = follow("http://127.0.0.1:9").wait_ready()
    assert served(service) == {"name": registry.name, "version": version, "digest": digest_of(small_bundle)}
    readiness = service.get("/readyz").json()
    assert (readiness["source"], readiness["registry_reachable"]) == ("cache", False)
    assert "did not answer" in readiness["detail"]
    assert service.metric("model_registry_reachable") == 0


def test_with_mlflow_silent_at_the_start_the_last_good_model_answers_before_it_is_given_up(
    follow, registry, small_bundle
):
    registry.set_alias("champion", registry.register(small_bundle))
    assert follow().wait_ready().stop() == 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = follow(f"http://127.0.0.1:{silent.getsockname()[1]}").wait_ready()
        readiness = service.get("/readyz").json()
        assert (readiness["source"], readiness["model"]["digest"]) == ("cache", digest_of(small_bundle))
        assert readiness["registry_reachable"] is None
        service.stop(signal.SIGKILL)


def test_with_mlflow_down_and_no_stored_model_the_starter_answers_until_mlflow_is_back(
    follow, registry, variant, starter, gate
):
    gate.shut.set()
    version = registry.register(variant(0.9))
    registry.set_alias("champion", version)
    service = follow(f"http://127.0.0.1:{gate.server_port}", STARTER_AFTER_S="0.5").wait_ready()
    readiness = service.get("/readyz").json()
    assert (readiness["source"], readiness["registry_reachable"]) == ("starter", False)
    assert readiness["model"]["digest"] == starter.digest
    assert "did not answer" in readiness["detail"]
    assert any(line["event"] == "the starter model answers until MLflow does" for line in service.log())
    gate.shut.clear()
    service.wait(lambda: served(service)["version"] == version)
    assert service.get("/readyz").json()["source"] == "registry"


def test_with_mlflow_down_a_service_without_a_starter_or_with_a_pinned_model_is_not_ready(follow, registry):
    for values in ({"STARTER_AFTER_S": "0"}, {"STARTER_AFTER_S": "0.1", "MODEL_VERSION": "3"}):
        service = follow("http://127.0.0.1:9", **values)
        service.wait(lambda service=service: service.metric('model_reload_count_total{outcome="unavailable"}') > 2)
        assert service.get("/readyz").code == "not_ready"
        service.stop()


def test_two_services_share_a_cache_and_the_second_starts_from_it_without_mlflow(
    start, registry, mlflow_uri, tmp_path, small_bundle
):
    version = registry.register(small_bundle)
    registry.set_alias("champion", version)
    shared = {"MODEL_NAME": registry.name, "MODEL_CACHE": str(tmp_path / "shared")}
    first = start(MLFLOW_TRACKING_URI=mlflow_uri, **shared).wait_ready()
    second = start(MLFLOW_TRACKING_URI="http://127.0.0.1:9", **shared).wait_ready()
    assert served(second) == served(first)
    assert second.get("/readyz").json()["source"] == "cache"


def test_a_last_good_model_that_was_changed_on_disk_is_not_served(follow, registry, tmp_path, small_bundle):
    registry.set_alias("champion", registry.register(small_bundle))
    assert follow().wait_ready().stop() == 0
    digest = registry.resolve(None)[1]
    weights = tmp_path / "models" / digest / "weights.npy"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    service = follow("http://127.0.0.1:9")
    service.wait(lambda: any(line.get("code") == "bundle_damaged" for line in service.log()))
    assert served(service) is None
    assert follow().wait_ready()


@pytest.fixture
def gate(mlflow_uri):
    """A way to the MLflow server that can be shut: what knocks then is hung up on."""
    shut = threading.Event()

    class Gate(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if shut.is_set():
                return
            with urllib.request.urlopen(mlflow_uri + self.path, timeout=30) as answer:
                body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        server.shut = shut
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_mlflow_that_goes_away_costs_no_answer_and_is_followed_again_when_it_is_back(
    follow, registry, variant, gate, small_bundle
):
    first, second = registry.register(small_bundle), registry.register(variant(0.9))
    registry.set_alias("champion", first)
    service = follow(f"http://127.0.0.1:{gate.server_port}").wait_ready()
    client = Client(service, ask_over_http("/predict", TEXT, lambda body: [body]))
    gate.shut.set()
    service.wait(lambda: service.metric("model_registry_reachable") == 0)
    readiness = service.get("/readyz")
    assert (readiness.status, readiness.json()["registry_reachable"]) == (200, False)
    assert "did not answer" in readiness.json()["detail"]
    registry.set_alias("champion", second)
    assert served(service)["version"] == first
    gate.shut.clear()
    service.wait(lambda: served(service)["version"] == second)
    assert service.metric("model_registry_reachable") == 1
    assert service.get("/readyz").json()["detail"] is None
    assert {results[0]["model"]["version"] for results in client.stop()} <= {first, second}


def test_a_pinned_version_does_not_move(follow, registry, variant, small_bundle):
    first, second = registry.register(small_bundle), registry.register(variant(0.9))
    registry.set_alias("champion", second)
    # The canary follows what the pinned service must not: when it has moved, the service has looked.
    service = follow(MODEL_VERSION=str(first), CANARY="champion").wait_ready()
    assert served(service) == {"name": registry.name, "version": first, "digest": digest_of(small_bundle)}
    for champion in (first, second, first, second):
        registry.set_alias("champion", champion)
        service.wait(partial(has_canary, service, champion))
        assert served(service)["version"] == first
    assert service.get("/readyz").json()["pinned"] == service.get("/model").json()["pinned"] == str(first)
    assert service.metric("model_info{") == 1


def test_a_pinned_alias_is_followed(follow, registry, variant, small_bundle):
    first, second = registry.register(small_bundle), registry.register(variant(0.9))
    registry.set_alias("champion", second)
    registry.set_alias("stable", first)
    service = follow(MODEL_VERSION="stable").wait_ready()
    assert served(service)["version"] == first
    registry.set_alias("stable", second)
    service.wait(lambda: served(service)["version"] == second)


def test_with_mlflow_down_a_pinned_service_does_not_fall_back_to_what_was_champion(
    follow, registry, variant, small_bundle
):
    first, second = registry.register(small_bundle), registry.register(variant(0.9))
    registry.set_alias("champion", second)
    assert follow().wait_ready().stop() == 0
    nowhere = follow("http://127.0.0.1:9", MODEL_VERSION=str(first))
    answer = nowhere.wait(lambda: (found := nowhere.get("/readyz")).json()["detail"].count("answer") and found)
    assert answer.code == "not_ready"
    assert nowhere.stop() == 0
    assert follow(MODEL_VERSION=str(first)).wait_ready().stop() == 0
    again = follow("http://127.0.0.1:9", MODEL_VERSION=str(first)).wait_ready()
    assert served(again)["version"] == first
    assert served(follow("http://127.0.0.1:9").wait_ready())["version"] == second


def test_a_pinned_version_that_is_not_there_is_said(follow, registry, small_bundle):
    registry.set_alias("champion", registry.register(small_bundle))
    service = follow(MODEL_VERSION="77")
    answer = service.wait(lambda: (found := service.get("/readyz")).json()["detail"].count("@77") and found)
    assert answer.code == "not_ready"


def test_a_scorer_that_is_not_used_any_more_is_freed_without_garbage_collection(small_bundle):
    gc.disable()  # the service excludes the objects of its models
    try:
        scorer = Scorer(Bundle.load(small_bundle))
        scorer.score_texts(["A kettle."])
        scorer.explain("A kettle.")
        alive = [weakref.ref(scorer), weakref.ref(scorer.bundle), weakref.ref(scorer.bundle.weights)]
        del scorer
        assert [one() for one in alive] == [None] * 3
    finally:
        gc.enable()


def test_a_bundle_by_setting_is_served_whatever_the_registry_says(start, variant, mlflow_uri):
    folder = variant(0.5)
    service = start(BUNDLE=str(folder), MLFLOW_TRACKING_URI=mlflow_uri).wait_ready()
    assert service.get("/readyz").json()["source"] == "bundle"
    assert served(service)["digest"] == digest_of(folder)


def test_a_damaged_bundle_is_not_served(start, variant):
    folder = variant(0.4)
    (folder / "ngrams.npy").write_bytes(b"")
    service = start(BUNDLE=str(folder))
    answer = service.wait(lambda: (found := service.get("/readyz")).json()["detail"].count("damaged") and found)
    assert answer.code == "not_ready"


def test_the_model_page_says_what_answers(service, starter):
    card = service.get("/model").json()
    assert card["digest"] == starter.digest
    assert card["source"] == "starter"
    assert card["manifest"]["languages"] == list(starter.manifest.languages)
    assert card["provenance"] | {"card": card["card"]} == starter.provenance
    assert card["card"]["metrics"]["held_out"]["accuracy"]["low"] > 0.7
    assert card["card"]["model"]["licence"] == "Apache-2.0"
    assert {"intended_use", "out_of_scope", "slices", "limits", "ethical_notes"} <= set(card["card"])


def test_a_bundle_without_a_card_gets_one_from_what_it_says(start, small_bundle):
    service = start(BUNDLE=str(small_bundle), MODEL_CONTACT="models@example.org").wait_ready()
    card = service.get("/model").json()["card"]
    assert card["model"]["contact"] == "models@example.org"
    assert card["model"]["created"] == "by a test"
    assert card["metrics"]["held_out"] == {}
    assert "Accuracy was not measured by slice." in card["limits"]


def test_a_cache_that_cannot_be_written_is_said(start, registry, mlflow_uri, tmp_path, small_bundle):
    registry.set_alias("champion", registry.register(small_bundle))
    (tmp_path / "file").write_text("in the way")
    service = start(MLFLOW_TRACKING_URI=mlflow_uri, MODEL_NAME=registry.name, MODEL_CACHE=str(tmp_path / "file"))
    answer = service.wait(lambda: (found := service.get("/readyz")).json()["detail"].count("cache") and found)
    assert answer.code == "not_ready"
