"""Shadow and canary beside the champion of a real MLflow server, in a real service process."""

import asyncio
import http.client
import json
import subprocess
import sys
from collections import Counter

import aiohttp
import pytest

from api.models.canary import place
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer

TEXTS = [f"Kettle number {number} is {('lovely', 'awful', 'small')[number % 3]}." for number in range(60)]
KEYS = [f"customer-{number}" for number in range(200)]
SHARE = 0.3
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def champion(registry, small_bundle):
    version = registry.register(small_bundle)
    registry.set_alias("champion", version)
    return version


@pytest.fixture
def challenger(registry, variant, champion):
    version = registry.register(variant(1.5))
    registry.set_alias("challenger", version)
    return version


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """A cache for all services: only the first one downloads a bundle."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def begin(start, registry, mlflow_uri, downloaded):
    def run(**settings):
        own = {"MLFLOW_TRACKING_URI": mlflow_uri, "MODEL_NAME": registry.name, "MODEL_CACHE": str(downloaded)}
        return start(**(own | settings)).wait_ready()

    return run


@pytest.fixture
def canary(begin, challenger):
    def run(share, **settings):
        service = begin(CANARY="challenger", CANARY_SHARE=str(share), **settings)
        service.wait(lambda: state(service, "canary")["model"])
        return service

    return run


def state(service, role):
    return service.get("/readyz").json()[role]


def version_for(service, key, path="/predict"):
    if path == "/predict":
        return service.post(path, {"text": "A kettle."}, X_Request_Key=key).json()["model"]["version"]
    results = service.post(path, {"texts": TEXTS[:5]}, X_Request_Key=key).json()["results"]
    (version,) = {result["model"]["version"] for result in results}
    return version


def expected_versions(champion, challenger, share=SHARE):
    return [challenger if place(key) < share * 2**64 else champion for key in KEYS]


def test_the_canary_answers_its_keys_and_the_champion_all_others(canary, champion, challenger):
    service = canary(SHARE)
    expected = expected_versions(champion, challenger)
    assert set(expected) == {champion, challenger}
    assert [version_for(service, key) for key in KEYS] == expected
    assert [version_for(service, key) for key in KEYS[:20]] == expected[:20]
    assert [version_for(service, key, "/predict/batch") for key in KEYS[:20]] == expected[:20]
    counts = Counter(expected + 6 * expected[:20])  # a batch has five texts
    lines = [line for line in service.get("/metrics").body.decode().splitlines() if "version_prediction" in line]
    for version, count in counts.items():
        assert sum(float(line.split()[-1]) for line in lines if f'version="{version}"' in line) == count
    assert service.metric("model_prediction_count_total{") == sum(counts.values())


def test_a_key_stays_on_its_side_after_a_restart_and_a_larger_share_moves_keys_to_the_canary_only(
    canary, champion, challenger
):
    small = canary(SHARE)
    assert small.stop() == 0
    large = canary(0.6)
    found = [version_for(large, key) for key in KEYS]
    assert found == expected_versions(champion, challenger, 0.6)
    before = expected_versions(champion, challenger, SHARE)
    assert {(was, now) for was, now in zip(before, found, strict=True) if was != now} == {(champion, challenger)}


def test_without_a_key_the_clients_address_is_the_key(canary, champion, challenger):
    service = canary(1)
    assert service.post("/predict", {"text": "A kettle."}).json()["model"]["version"] == challenger
    half = canary(0.5)
    expected = challenger if place("127.0.0.1") < 2**63 else champion
    assert {half.post("/predict", {"text": text}).json()["model"]["version"] for text in TEXTS} == {expected}


@pytest.mark.parametrize("key", ["k" * 5_000, "\N{HOT BEVERAGE}", "\xff", " spaced  out ", "a,b;c=d"])
def test_any_key_is_taken(canary, key):
    service = canary(0.5)
    raw = key.encode("latin-1" if key == "\xff" else "utf-8")
    found = set()
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        headers = {"Content-Type": "application/json", "X-Request-Key": raw}
        connection.request("POST", "/predict", json.dumps({"text": "A kettle."}), headers)
        response = connection.getresponse()
        assert response.status == 200
        found.add(json.loads(response.read())["model"]["version"])
        connection.close()
    assert len(found) == 1


def stream(service, texts, **headers):
    """Send texts over one WebSocket and return the answers."""

    async def talk():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{service.port}/ws", headers=headers) as socket,
        ):
            for text in texts:
                await socket.send_json({"text": text})
            return [await socket.receive_json(timeout=10) for _ in texts]

    return asyncio.run(talk())


def test_a_stream_has_one_key(canary, champion, challenger):
    service = canary(SHARE)
    for key, expected in zip(KEYS[:12], expected_versions(champion, challenger), strict=False):
        answers = stream(service, TEXTS[:5], **{"X-Request-Key": key})
        assert {answer["model"]["version"] for answer in answers} == {expected}


def test_an_explained_answer_and_the_page_come_from_the_canary_too(canary, challenger):
    service = canary(1)
    assert service.post("/predict", {"text": "A kettle.", "explain": True}).json()["model"]["version"] == challenger
    page = service.request("POST", "/predict", "text=A+kettle.", Content_Type=FORM, Accept="text/html")
    assert page.headers.get_content_type() == "text/html"
    assert service.metric("model_version_prediction_count_total{") == 2


def test_with_share_zero_the_canary_only_waits(canary, champion):
    service = canary(0)
    assert {version_for(service, key) for key in KEYS[:50]} == {champion}
    assert state(service, "canary")["share"] == 0


def test_a_canary_that_cannot_be_loaded_leaves_all_to_the_champion(
    begin, registry, champion, variant, break_version, mlflow_uri
):
    broken = registry.register(variant(1.1))
    break_version(registry, broken)
    registry.set_alias("challenger", broken)
    service = begin(CANARY="challenger", CANARY_SHARE="1")
    service.wait(lambda: service.metric('model_candidate_reload_count_total{outcome="refused",role="canary"}'))
    found = service.wait(lambda: (state_now := state(service, "canary"))["detail"] and state_now)
    assert "is damaged" in found["detail"]
    assert (found["wanted"], found["model"], found["source"], found["share"]) == ("challenger", None, None, 1)
    assert service.get("/readyz").json()["detail"] is None
    assert {version_for(service, key) for key in KEYS[:50]} == {champion}
    assert service.metric("model_candidate_info{") == 0
    better = registry.register(variant(1.2))
    registry.set_alias("challenger", better)
    service.wait(lambda: version_for(service, "any") == better)
    assert state(service, "canary")["detail"] is None
    assert service.get("/model").json()["canary"] == state(service, "canary")


def test_a_canary_that_breaks_later_keeps_the_version_that_it_had(canary, registry, challenger, variant, break_version):
    service = canary(1)
    broken = registry.register(variant(1.1))
    break_version(registry, broken)
    registry.set_alias("challenger", broken)
    service.wait(lambda: state(service, "canary")["detail"])
    assert version_for(service, "any") == challenger


def test_a_canary_that_becomes_champion_is_not_loaded_again(canary, registry, challenger, break_version, tmp_path):
    service = canary(0.5, MODEL_CACHE=str(tmp_path / "models"))
    break_version(registry, challenger)
    for folder in (tmp_path / "models").iterdir():
        if folder.is_dir():
            (folder / "weights.npy").write_bytes(b"what is loaded already needs no file")
    registry.set_alias("champion", challenger)
    service.wait(lambda: service.get("/readyz").json()["model"]["version"] == challenger)
    assert {version_for(service, key) for key in KEYS[:20]} == {challenger}


def test_a_shadow_scores_every_text_and_changes_no_answer(begin, registry, champion, challenger, small_bundle):
    plain, shadowed = begin(), begin(SHADOW="challenger")
    shadowed.wait(lambda: state(shadowed, "shadow")["model"])
    assert state(shadowed, "shadow") == {
        "wanted": "challenger",
        "model": {"name": registry.name, "version": challenger, "digest": registry.resolve("challenger")[1]},
        "source": "registry",
        "detail": None,
    }
    for text in TEXTS:
        assert shadowed.post("/predict", {"text": text}).json() == plain.post("/predict", {"text": text}).json()
    batch = {"texts": [*TEXTS, "", None]}
    assert shadowed.post("/predict/batch", batch).json() == plain.post("/predict/batch", batch).json()
    mine, other = Scorer(Bundle.load(small_bundle)), Scorer(Bundle.load(registry.fetch(challenger).path))
    scores = [(mine.score_text(text), other.score_text(text)) for text in TEXTS]
    disagreements = 2 * sum(one.label != two.label for one, two in scores)
    assert 0 < disagreements < 2 * len(TEXTS)
    shadowed.wait(lambda: shadowed.metric("model_shadow_text_count_total{") == 2 * len(TEXTS))
    label = f'outcome="other_label",version="{challenger}"'
    assert shadowed.metric(f"model_shadow_text_count_total{{{label}}}") == disagreements
    difference = f'model_shadow_score_difference_sum{{version="{challenger}"}}'
    assert shadowed.metric(difference) == pytest.approx(2 * sum(abs(one.score - two.score) for one, two in scores))
    assert shadowed.metric("model_shadow_dropped_count_total{") == 0
    assert shadowed.metric("model_prediction_count_total{") == 2 * len(TEXTS)
    assert not any(text in line for text in TEXTS for line in shadowed.log_path.read_text().splitlines())


def test_a_shadow_scores_the_texts_of_a_stream(begin, challenger):
    service = begin(SHADOW="challenger")
    service.wait(lambda: state(service, "shadow")["model"])
    stream(service, [*TEXTS, ""])
    service.wait(lambda: service.metric("model_shadow_text_count_total{") == len(TEXTS))


def test_the_shadow_scores_what_of_a_long_text_was_scored(begin, champion):
    service = begin(SHADOW="champion", MAX_TEXT_CHARACTERS="20")
    service.wait(lambda: state(service, "shadow")["model"])
    text = "A kettle as it is. Terrible, awful, broken, a waste of money."
    assert service.post("/predict", {"text": text}).json()["truncated"]
    assert service.post("/predict/batch", {"texts": [text]}).json()["results"][0]["truncated"]
    assert stream(service, [text])[0]["truncated"]
    assert not service.post("/predict", {"text": text[:20]}).json()["truncated"]
    service.wait(lambda: service.metric("model_shadow_text_count_total{") == 4)
    assert service.metric(f'model_shadow_score_difference_bucket{{le="1e-06",version="{champion}"}}') == 4


def test_what_the_shadow_cannot_keep_up_with_is_dropped_and_counted(begin, challenger):
    service = begin(SHADOW="challenger", MAX_BATCH_TEXTS="20000", MAX_BODY_BYTES="20000000")
    service.wait(lambda: state(service, "shadow")["model"])
    answer = service.post("/predict/batch", {"texts": ["a kettle that is good and bad at once"] * 20_000})
    assert answer.status == 200
    assert all(answer.json()["results"])

    def told():
        dropped = service.metric('model_shadow_dropped_count_total{reason="full"}')
        return dropped > 0 and dropped + service.metric("model_shadow_text_count_total{") == 20_000

    service.wait(told)


def test_a_shadow_that_cannot_be_loaded_costs_no_answer(begin, champion):
    service = begin(SHADOW="nobody")
    service.wait(lambda: service.metric('model_candidate_reload_count_total{outcome="refused",role="shadow"}'))
    found = service.wait(lambda: (state_now := state(service, "shadow"))["detail"] and state_now)
    assert found["model"] is None
    assert "nobody" in found["detail"]
    assert any(line["event"] == "the model could not be updated" and line["role"] == "shadow" for line in service.log())
    assert {version_for(service, key) for key in KEYS[:10]} == {champion}
    assert service.metric("model_shadow_text_count_total{") == service.metric("model_shadow_dropped_count_total{") == 0


def test_a_service_with_shadow_and_canary_stops_at_once(canary):
    assert canary(0.5, SHADOW="champion").stop() == 0


def test_candidates_stand_beside_a_bundle_too(begin, champion, challenger, variant):
    service = begin(BUNDLE=str(variant(-0.5)), CANARY=str(champion), CANARY_SHARE="0.5", SHADOW="challenger")
    service.wait(lambda: state(service, "canary")["model"] and state(service, "shadow")["model"])
    assert {version_for(service, key) for key in KEYS} == {None, champion}
    assert service.get("/readyz").json()["source"] == "bundle"


def test_with_mlflow_down_at_the_start_the_canary_keeps_its_keys(canary, begin, champion, challenger):
    assert canary(SHARE).stop() == 0
    service = begin(CANARY="challenger", CANARY_SHARE=str(SHARE), MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert service.wait(lambda: state(service, "canary")["source"]) == "cache"
    assert [version_for(service, key) for key in KEYS] == expected_versions(champion, challenger)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"BUNDLE": "model", "MODEL_VERSION": "3", "MLFLOW_TRACKING_URI": "http://mlflow"}, "SENTIMENT_MODEL_VERSION"),
        ({"MODEL_VERSION": "3"}, "SENTIMENT_MLFLOW_TRACKING_URI"),
        ({"CANARY": "challenger"}, "SENTIMENT_MLFLOW_TRACKING_URI"),
        ({"SHADOW": "a b", "MLFLOW_TRACKING_URI": "http://mlflow"}, "SENTIMENT_SHADOW"),
        ({"CANARY_SHARE": "1.5"}, "SENTIMENT_CANARY_SHARE"),
    ],
)
def test_settings_that_contradict_each_other_are_said_at_the_start(settings, named):
    run = subprocess.run(
        [sys.executable, "-c", "from api.contract.settings import settings; settings()"],
        env={f"SENTIMENT_{name}": value for name, value in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    message = run.stderr.splitlines()[-1]
    assert message.startswith("sentiment_core.errors.SettingInvalid: The setting SENTIMENT_")
    assert named in message
