"""The models that the gate passes and those that it rejects, tested with models of known quality."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import PolicyInvalid
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.promotion.behavioural_tests import CUSTOMERS, Cases, pass_rates, run_cases
from sentiment_core.promotion.gate import judge
from sentiment_core.promotion.policy import DEFAULT_POLICY, GatePolicy
from sentiment_core.promotion.shadow_sample import StoredComparison
from sentiment_core.promotion.suite_floors import suite_checks
from sentiment_core.promotion.verdict import MAX_TAG_BYTES, GateCheck, Verdict
from sentiment_core.settings import settings
from tests.contenders import lenient, opinions, write_csv
from tests.starter import starter_scorer


def failed(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.failures}


def skipped(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.checks if check.passed is None}


def joined(*parts: LabelledReviews) -> LabelledReviews:
    return LabelledReviews(
        [text for part in parts for text in part.texts],
        np.concatenate([part.labels for part in parts]),
        [group for part in parts for group in part.groups],
    )


def test_a_better_challenger_passes_every_check(contenders) -> None:
    verdict = judge(contenders.better, contenders.champion, contenders.unseen, lenient())
    assert verdict.passed, verdict.why
    assert failed(verdict) == set()
    assert skipped(verdict) == {"shadow"}
    assert (verdict.challenger, verdict.champion) == (contenders.better.digest, contenders.champion.digest)
    assert (verdict.rows, verdict.rows_sha256) == (1000, contenders.unseen.sha256)


def test_an_equal_challenger_is_not_better_but_not_worse(contenders) -> None:
    pair = (contenders.equal, contenders.better, contenders.unseen)
    assert failed(judge(*pair, lenient())) == {"accuracy better"}
    assert judge(*pair, lenient().not_worse()).passed
    assert not judge(contenders.better, contenders.better, contenders.unseen, lenient()).passed, "the same model"


def test_a_worse_challenger_is_refused_and_the_checks_are_named(contenders) -> None:
    for policy in (lenient(), lenient().not_worse()):
        verdict = judge(contenders.champion, contenders.better, contenders.unseen, policy)
        assert failed(verdict) == {f"accuracy {policy.comparison.policy}", "slices"}
        assert "points" in verdict.why
        assert "length below 500" in verdict.why


def test_without_a_champion_only_absolute_bounds_are_checked_which_is_said(contenders) -> None:
    verdict = judge(contenders.better, None, contenders.unseen, lenient())
    assert verdict.passed
    assert verdict.champion is None
    assert skipped(verdict) == {"accuracy better", "slices", "latency ratio", "size ratio", "shadow"}
    assert all("no champion" in check.detail for check in verdict.checks if check.passed is None)


def test_rows_that_either_model_has_learned_from_are_not_used(contenders) -> None:
    half = np.arange(1500)
    verdict = judge(
        contenders.better, contenders.champion, joined(contenders.learned.take(half), contenders.unseen), lenient()
    )
    assert (verdict.rows_given, verdict.rows) == (2500, 1000)
    # Texts known to only one of the two models, in both orders. A copy that differs only in format counts as the same
    # text.
    shouted = replace(contenders.learned, texts=[f" {text.upper()} " for text in contenders.learned.texts])
    fresh = contenders.champion.with_known_texts(np.array([], np.uint64))
    for pair in ((contenders.better, fresh), (fresh, contenders.better)):
        assert judge(*pair, joined(shouted, contenders.unseen), lenient()).rows == 1000


def test_a_text_that_is_there_often_counts_once(contenders) -> None:
    verdict = judge(contenders.better, contenders.champion, joined(*[contenders.unseen] * 3), lenient())
    assert (verdict.rows_given, verdict.rows) == (3000, 1000)


def test_too_few_unseen_rows_fail(contenders) -> None:
    few = joined(contenders.learned, contenders.unseen.take(np.arange(499)))
    verdict = judge(contenders.better, contenders.champion, few, lenient())
    assert [(check.name, check.figure, check.bound) for check in verdict.failures] == [("unseen rows", 499, 500)]
    assert not judge(contenders.better, None, contenders.learned, lenient()).passed
    mixed = replace(
        contenders.unseen, labels=np.where(np.arange(1000) % 3, contenders.unseen.labels, 1).astype(np.int8)
    )
    (check,) = judge(contenders.better, None, mixed.take(np.arange(700)), lenient()).failures
    assert (check.figure, "rows with a sentiment are new" in check.detail) == (466, True)


@pytest.mark.parametrize("broken", ["challenger", "champion"])
def test_a_model_that_kept_no_hashes_of_its_texts_fails(contenders, broken) -> None:
    pair = {"challenger": contenders.better, "champion": contenders.champion}
    pair[broken] = replace(pair[broken], known_texts=None)
    verdict = judge(**pair, rows=contenders.unseen, policy=lenient())
    assert not verdict.passed
    assert f"the bundle of the {broken} has no hashes" in verdict.why
    assert verdict.rows == 0


def test_other_labels_than_the_models_fail(contenders) -> None:
    neutral = replace(contenders.unseen, labels=np.where(contenders.unseen.labels == 2, 1, 0).astype(np.int8))
    one = contenders.unseen.take(contenders.unseen.labels == 2)
    none = contenders.unseen.take(np.array([], np.int64))
    for rows in (neutral, one, none):
        assert failed(judge(contenders.better, contenders.champion, rows, lenient())) == {"labels"}


def named(verdict: Verdict) -> dict[str, GateCheck]:
    return {check.name: check for check in verdict.checks}


def test_models_of_two_and_three_labels_are_compared_on_rows_with_a_sentiment(
    trained: Bundle, trained_of_three: Bundle, three: LabelledReviews
) -> None:
    unseen = replace(three, texts=[f"{text} Bought in May." for text in three.texts])
    polar = int(np.sum(three.labels != 1))
    policy = lenient().not_worse()
    comparison = policy.comparison.model_copy(update={"margin": 0.1})
    slices = policy.slices.model_copy(update={"most_worse": 0.1})
    policy = policy.model_copy(update={"comparison": comparison, "slices": slices})
    verdict = judge(trained_of_three, trained, unseen, policy)
    checks = named(verdict)
    assert failed(verdict) == set(), verdict.why
    assert (verdict.rows, checks["unseen rows"].figure) == (len(three.texts), polar)
    assert "rows with a sentiment" in checks["unseen rows"].detail
    assert checks["accuracy threshold"].figure > 0.9
    assert checks["macro_f1"].figure > checks["macro_f1"].bound + 0.1, "only the challenger knows neutral rows"
    back = named(judge(trained, trained_of_three, unseen, policy))
    assert back["macro_f1"].passed is False
    assert back["accuracy not_worse"].passed
    assert "labels" not in back


def test_three_labels_on_both_sides_are_compared_on_all_rows(trained_of_three: Bundle, three: LabelledReviews) -> None:
    unseen = replace(three, texts=[f"{text} Bought in May." for text in three.texts])
    checks = named(judge(trained_of_three, trained_of_three, unseen, lenient()))
    assert checks["unseen rows"].figure == len(three.texts)
    assert checks["macro_f1"].passed


@pytest.fixture
def suite_folder(contenders, tmp_path: Path) -> Path:
    """A suite in which the champion is perfect in German and bad in Dutch, and neither model saw the English set."""
    english, german, dutch = (opinions(600, seed=seed) for seed in (3, 4, 5))
    said = Scorer(contenders.champion).score_texts(german.texts).score >= 0.5
    german = replace(german, labels=np.where(said, 2, 0).astype(np.int8))
    dutch = replace(dutch, labels=np.random.default_rng(1).permutation(dutch.labels))
    rows = []
    for name, reviews in (("en", english), ("de", german), ("nl", dutch), ("fr", english.take(np.arange(60)))):
        write_csv(reviews, tmp_path / f"{name}.csv")
        rows.append(f"{name}\t{name}\treviews\t{'hotels' if name == 'de' else 'apps'}")
    # These texts are known to a model, so they do not count.
    write_csv(contenders.learned, tmp_path / "learned.csv")
    rows.append("learned\ten\treviews\tapps")
    (tmp_path / "corpora.tsv").write_text("\n".join(("name\tlanguage\tkind\tdomain", *rows)) + "\n")
    return tmp_path


def with_suite(location: Path | str | None, **changed: object) -> GatePolicy:
    policy = lenient().not_worse()
    suite = policy.suite.model_copy(update={"location": location and str(location), "supported": 0.6, **changed})
    return policy.model_copy(update={"suite": suite})


def test_no_supported_language_or_domain_may_lose_more_than_the_bound(contenders, suite_folder: Path) -> None:
    verdict = judge(contenders.better, contenders.champion, contenders.unseen, with_suite(suite_folder))
    assert failed(verdict) == {"suite language de", "suite domain hotels and travel"}
    checks = named(verdict)
    assert set(checks) >= {"suite", "suite language en", "suite domain apps and devices"}
    assert "suite language nl" not in checks, "the champion does not support it"
    assert "fewer than 200 rows have a sentiment: fr" in checks["suite"].detail
    assert "1,860 rows of 5 sets are new to both models; 4 floors" in checks["suite"].detail
    german = checks["suite language de"]
    assert german.bound == pytest.approx(1 - 0.02)
    assert f"balanced accuracy {german.figure:.4f}, the champion's is 1.0000, on 600 rows" in german.detail
    lenient_bound = with_suite(suite_folder, most_lost=0.6)
    assert judge(contenders.better, contenders.champion, contenders.unseen, lenient_bound).passed


def test_a_suite_that_cannot_be_measured_fails_and_none_changes_nothing(contenders, suite_folder: Path) -> None:
    models = (contenders.better, contenders.champion, contenders.unseen)
    assert not any(name.startswith("suite") for name in named(judge(*models, with_suite(None))))
    assert "it has no corpora.tsv" in named(judge(*models, with_suite(suite_folder.parent)))["suite"].detail
    (suite_folder / "nl.csv").unlink()
    check = named(judge(*models, with_suite(suite_folder)))["suite"]
    assert (check.passed, "nl: " in check.detail) == (False, True)
    none = named(judge(*models, with_suite(suite_folder, supported=1.0)))
    assert none["suite"].passed is False
    alone = judge(contenders.better, None, contenders.unseen, with_suite(suite_folder))
    assert named(alone)["suite"].passed is None


def test_the_suite_of_the_settings_is_used_where_the_policy_names_none(
    contenders, suite_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTIMENT_SUITE", str(suite_folder))
    settings.cache_clear()
    checks = list(suite_checks(contenders.better, contenders.champion, with_suite(None).suite))
    settings.cache_clear()
    assert [check.name for check in checks if check.passed is False] == [
        "suite language de",
        "suite domain hotels and travel",
    ]


@pytest.mark.parametrize("leak", ["labels dealt out anew", "an index that is off by one"])
def test_labels_that_are_not_of_their_texts_score_at_chance_and_are_refused(contenders, leak) -> None:
    dice = np.random.default_rng(3)
    labels = contenders.unseen.labels
    if leak == "labels dealt out anew":
        wrong = dice.permutation(labels)
    else:
        # The labels alternate, so a shift by one would make all of them wrong. The rows are therefore mixed first.
        mixed = contenders.unseen.take(dice.permutation(len(labels)))
        contenders = contenders._replace(unseen=mixed)
        wrong = np.roll(mixed.labels, 1)
    verdict = judge(contenders.better, contenders.champion, replace(contenders.unseen, labels=wrong), lenient())
    accuracy = next(check for check in verdict.checks if check.name == "accuracy threshold")
    assert 0.42 < accuracy.figure < 0.58
    assert {"accuracy threshold", "auc threshold", "accuracy better"} <= failed(verdict)


def test_a_slice_that_got_much_worse_is_refused_though_the_mean_is_better(contenders) -> None:
    lamps = np.array(contenders.unseen.groups) == "lamp"
    # The lamp labels are what the champion predicts. The champion is therefore always right there, and the challenger
    # is not.
    said = Scorer(contenders.champion).score_texts(contenders.unseen.texts).score >= 0.5
    labels = np.where(lamps, np.where(said, 2, 0), contenders.unseen.labels).astype(np.int8)
    policy = lenient().not_worse()
    policy = policy.model_copy(update={"comparison": policy.comparison.model_copy(update={"margin": 0.5})})
    verdict = judge(contenders.better, contenders.champion, replace(contenders.unseen, labels=labels), policy)
    assert failed(verdict) == {"slices"}
    assert "group lamp" in verdict.why


@pytest.mark.parametrize(
    ("section", "changed", "names"),
    [
        ("latency", {"most_us_per_text": 1e-9, "most_ratio": 1e-9}, {"latency", "latency ratio"}),
        ("size", {"most_bytes": 1, "most_ratio": 1e-9}, {"size", "size ratio"}),
        ("behaviour", {"least_share": 1.0}, {"behaviour"}),
        ("behaviour", {"cases": Path("/nowhere/cases.yaml")}, {"behaviour"}),
        ("slices", {"least_rows": 2000}, {"slices"}),
    ],
)
def test_a_bound_that_is_broken_or_cannot_be_found_out_is_named(contenders, section, changed, names) -> None:
    policy = lenient()
    policy = policy.model_copy(update={section: getattr(policy, section).model_copy(update=changed)})
    assert failed(judge(contenders.better, contenders.champion, contenders.unseen, policy)) == names


def test_metrics_are_bounded_in_the_words_of_mlflow(contenders, tmp_path) -> None:
    def judged(better: Bundle, other: Bundle, **metrics: object) -> dict[str, bool | None]:
        document = re.sub(r"metrics:\n(  .*\n)+", f"metrics: {json.dumps(metrics)}\n", DEFAULT_POLICY.read_text())
        (tmp_path / "policy.yaml").write_text(document)
        policy = GatePolicy.load(tmp_path / "policy.yaml")
        verdict = judge(better, other, contenders.unseen, lenient(metrics=policy.metrics))
        return {check.name: check.passed for check in verdict.checks if check.name.split()[0] in metrics}

    bounds = {"min_absolute_change": 0.02, "min_relative_change": 0.02}
    names = {f"{metric} {kind}" for metric in ("auc", "brier") for kind in bounds}
    better, worse = contenders.better, contenders.champion
    assert judged(better, worse, auc=bounds, brier=bounds) == dict.fromkeys(names, True)
    assert judged(worse, better, auc=bounds, brier=bounds) == dict.fromkeys(names, False)
    assert judged(better, worse, ece={"threshold": 0.0001}) == {"ece threshold": False}


def test_stored_reviews_that_change_their_labels_are_counted_overall_and_by_slice(contenders) -> None:
    stored = StoredComparison(opinions(600, seed=9))
    wide = lenient()
    bounds = {"most_changed": 0.5, "most_changed_slice": 0.6}
    wide = wide.model_copy(update={"shadow": wide.shadow.model_copy(update=bounds)})
    verdict = judge(contenders.better, contenders.champion, contenders.unseen, wide, stored)
    assert {"shadow", "shadow slices"} <= {check.name for check in verdict.checks if check.passed}
    labels = [Scorer(each).score_texts(stored.reviews.texts).label for each in (contenders.better, contenders.champion)]
    share = next(check.figure for check in verdict.checks if check.name == "shadow")
    assert share == (labels[0] != labels[1]).mean() > 0
    bounds = {"most_changed": share / 2, "most_changed_slice": 0.0}
    narrow = wide.model_copy(update={"shadow": wide.shadow.model_copy(update=bounds)})
    narrow_verdict = judge(contenders.better, contenders.champion, contenders.unseen, narrow, stored)
    assert failed(narrow_verdict) == {"shadow", "shadow slices"}
    none = judge(contenders.better, contenders.champion, contenders.unseen, wide, StoredComparison(None, "none yet"))
    assert next(check for check in none.checks if check.name == "shadow") == GateCheck.skipped("shadow", "none yet")


def test_a_verdict_survives_being_stored_and_fits_into_a_tag(contenders) -> None:
    verdict = judge(contenders.champion, contenders.better, contenders.unseen, lenient())
    document = json.loads(json.dumps(verdict.as_json()))
    assert document.pop("passed") is False
    assert Verdict.model_validate(document) == verdict
    many = verdict.model_copy(update={"checks": tuple(GateCheck.failed(f"check {n}", "no") for n in range(500))})
    for each in (verdict, many):
        assert len(each.tag().encode()) <= MAX_TAG_BYTES
        assert json.loads(each.tag())["passed"] is False


def test_a_verdict_without_checks_or_with_skipped_ones_only_does_not_pass(contenders) -> None:
    verdict = judge(contenders.better, contenders.champion, contenders.unseen, lenient())
    for checks in ((), (GateCheck.skipped("shadow", "none"),), (GateCheck.at_least("auc", float("nan"), 0.8, ""),)):
        assert not verdict.model_copy(update={"checks": checks}).passed


def test_the_starter_model_does_what_anybody_can_tell() -> None:
    outcomes = run_cases(starter_scorer(), Cases.load())
    assert [outcome.case for outcome in outcomes if not outcome.holds] == []
    assert len(outcomes) > 20


def test_sentences_hold_if_the_model_gives_their_label(tmp_path) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(
        "languages: [en, de]\n"
        "sentences:\n"
        "  films: {en: {positive: [A wonderful film., A terrible film.], negative: [A terrible film.]}}\n"
        "  shops: {de: {neutral: ['']}}\n"
    )
    results = run_cases(starter_scorer(), Cases.load(cases))
    assert [result.holds for result in results[:3]] == [True, False, True]
    assert results[1].case.startswith("positive: 'A terrible film.' is negative (0.")
    by_language = pass_rates(results, lambda each: each.language)
    assert by_language["en"] == (3, 2)
    assert by_language["en"].share == pytest.approx(2 / 3)
    assert set(pass_rates(results, lambda each: each.group)) == {"films", "shops"}
    cases.write_text(cases.read_text().replace("[en, de]", "[en]"))
    with pytest.raises(PolicyInvalid, match="the sentences are in de"):
        Cases.load(cases)


def test_the_sentences_of_customers_are_all_different_and_cover_each_label() -> None:
    sentences = Cases.load(CUSTOMERS).sentences
    texts = [
        text for of_group in sentences.values() for labels in of_group.values() for text in sum(labels.values(), ())
    ]
    assert len(texts) == len(set(texts)) >= 300
    languages = {language for of_group in sentences.values() for language in of_group}
    assert len(languages) >= 6
    for language in languages:
        given = {label for of_group in sentences.values() for label in of_group.get(language, {})}
        assert given == {"negative", "neutral", "positive"}, language


def test_cases_in_other_languages_than_the_models_fail(contenders, tmp_path) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text("languages: [de]\nfunctionality: [{text: Sehr gut, label: positive}]\n")
    policy = lenient()
    policy = policy.model_copy(update={"behaviour": policy.behaviour.model_copy(update={"cases": cases})})
    assert failed(judge(contenders.better, contenders.champion, contenders.unseen, policy)) == {"behaviour"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("policy: better", "policy: best"), "comparison.policy"),
        (("least_rows: 500", "least_rows: many"), "least_rows"),
        (("{ threshold: 0.75 }", "{ treshold: 0.75 }"), "metrics.accuracy.treshold"),
        (("{ threshold: 0.75 }", "{}"), "metrics.accuracy: Value error, set threshold"),
        (("auc:", "acu:"), "metrics.acu"),
        (("days: 7", "days: 7\n  days_off: 1"), "shadow.days_off"),
        (("least_rows: 200", "least_rows: 20000"), "shadow: Value error"),
        (("size:", "size: ["), "it is not YAML"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_and_the_place_named(tmp_path, change, words) -> None:
    document = DEFAULT_POLICY.read_text()
    assert change[0] in document
    (tmp_path / "policy.yaml").write_text(document.replace(*change, 1))
    with pytest.raises(PolicyInvalid, match=re.escape(words)):
        GatePolicy.load(tmp_path / "policy.yaml")
    with pytest.raises(PolicyInvalid, match="No such file"):
        GatePolicy.load(tmp_path / "none.yaml")
