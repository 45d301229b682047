"""Which model answers: the champion of a real MLflow server, and what happens when it is not to be had."""

import pytest

from sentiment_core.bundle import STARTER

TEXT = {"text": "A kettle."}


@pytest.fixture
def follow(start, registry, mlflow_uri):
    def begin(uri=mlflow_uri):
        return start(MLFLOW_TRACKING_URI=uri, MODEL_NAME=registry.name)

    return begin


def served(service):
    answer = service.post("/predict", TEXT)
    return answer.json()["model"] if answer.status == 200 else None


def test_the_champion_answers_and_a_new_champion_takes_over(follow, registry, variant, starter):
    first = registry.register(STARTER)
    registry.set_alias("champion", first)
    service = follow().wait_ready()
    assert served(service) == {"name": registry.name, "version": first, "digest": starter.digest}
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
    service.wait(lambda: served(service)["digest"] == starter.digest)


def test_a_service_waits_for_the_first_champion(follow, registry):
    service = follow()
    answer = service.wait(lambda: (found := service.get("/readyz")).json()["detail"].count("champion") and found)
    assert (answer.status, answer.code) == (503, "not_ready")
    registry.set_alias("champion", registry.register(STARTER))
    service.wait_ready()


def test_a_broken_champion_is_refused_and_the_old_one_goes_on(follow, registry, variant, break_version):
    good = registry.register(STARTER)
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


def test_with_mlflow_down_at_the_start_the_last_good_model_answers(follow, registry, starter):
    version = registry.register(STARTER)
    registry.set_alias("champion", version)
    assert follow().wait_ready().stop() == 0
    service = follow("http://127.0.0.1:9").wait_ready()
    assert served(service) == {"name": registry.name, "version": version, "digest": starter.digest}
    readiness = service.get("/readyz").json()
    assert (readiness["source"], readiness["registry_reachable"]) == ("cache", False)
    assert "did not answer" in readiness["detail"]
    assert service.metric("model_registry_reachable") == 0


def test_a_last_good_model_that_was_changed_on_disk_is_not_served(follow, registry, tmp_path):
    registry.set_alias("champion", registry.register(STARTER))
    assert follow().wait_ready().stop() == 0
    digest = registry.resolve(None)[1]
    weights = tmp_path / "models" / digest / "weights.npy"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    service = follow("http://127.0.0.1:9")
    service.wait(lambda: any("lost" in line["event"] for line in service.log()))
    assert served(service) is None
    assert follow().wait_ready()


def test_a_bundle_by_setting_is_served_whatever_the_registry_says(start, variant, mlflow_uri):
    folder = variant(0.5)
    service = start(BUNDLE=str(folder), MLFLOW_TRACKING_URI=mlflow_uri).wait_ready()
    assert service.get("/readyz").json()["source"] == "bundle"
    assert served(service)["digest"] == (folder / "digest.sha256").read_text().strip()


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
    assert card["provenance"] == starter.provenance


def test_a_cache_that_cannot_be_written_is_said(start, registry, mlflow_uri, tmp_path):
    registry.set_alias("champion", registry.register(STARTER))
    (tmp_path / "file").write_text("in the way")
    service = start(MLFLOW_TRACKING_URI=mlflow_uri, MODEL_NAME=registry.name, MODEL_CACHE=str(tmp_path / "file"))
    answer = service.wait(lambda: (found := service.get("/readyz")).json()["detail"].count("cache") and found)
    assert answer.code == "not_ready"
