"""The pipelines that experiments compare: each kind fits and predicts, and its parameters have their effect."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from threadpoolctl import threadpool_limits

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.experiments.catalogue import EXPERIMENTS, PipelineName, Trial
from sentiment_core.experiments.pipelines import MostFrequent, feature_count, fit
from sentiment_core.labels import LABELS
from sentiment_core.params import Params

GOOD, BAD = "great value, I love it", "broke within days, awful"
ONE_OF_EACH = {  # trials of the catalogue that together use every kind, classifier and weighting that needs no NLTK
    "500 rows",
    "logistic regression, bag of words",
    "linear SVM, TF-IDF",
    "naive Bayes, bag of words",
    "random forest, TF-IDF",
    "gradient boosting, TF-IDF",
    "C = 3, l1, 1-2-grams",
}


def trial_of(recipe: PipelineName, **parameters: str | int | float | bool) -> Trial:
    return Trial("a test", recipe, parameters)


@pytest.fixture(scope="module")
def few(reviews: LabelledReviews) -> LabelledReviews:
    """Half of the generated reviews."""
    return reviews.take(np.arange(0, len(reviews.texts), 2))


@pytest.fixture(scope="module")
def others(reviews: LabelledReviews) -> LabelledReviews:
    """The other half."""
    return reviews.take(np.arange(1, len(reviews.texts), 2))


@pytest.mark.parametrize(
    "trial",
    [trial for each in EXPERIMENTS for trial in each.candidates if trial.name in ONE_OF_EACH],
    ids=lambda trial: trial.name,
)
def test_a_trial_predicts_reviews_that_it_has_not_seen_the_same_each_time(
    trial: Trial, few: LabelledReviews, others: LabelledReviews, params: Params
) -> None:
    with threadpool_limits(1):  # as in a trial; more threads wait for each other on a busy machine
        model, again = (fit(trial, few, params.model) for _ in range(2))
    predicted = model.predict(others.texts)
    assert np.mean(predicted == others.labels) > 0.8
    assert feature_count(model) <= trial.parameters["features"]
    np.testing.assert_array_equal(again.predict(others.texts), predicted)


def test_the_list_above_names_trials_of_the_catalogue() -> None:
    assert {trial.name for each in EXPERIMENTS for trial in each.candidates} >= ONE_OF_EACH


def test_the_shipped_kind_varies_the_training_configuration(few: LabelledReviews, params: Params) -> None:
    shipped = fit(trial_of("shipped"), few, params.model)
    unigrams = fit(trial_of("shipped", shortest_ngram=1, longest_ngram=1), few, params.model)
    assert feature_count(unigrams) < feature_count(shipped)
    assert unigrams.predict([GOOD, BAD]).tolist() == shipped.predict([GOOD, BAD]).tolist()


def test_a_word_pipeline_has_the_weighting_the_ngrams_and_the_penalty_of_its_trial(
    few: LabelledReviews, params: Params
) -> None:
    model = fit(
        trial_of("words", weighting="tf-idf", features=40, longest_ngram=2, penalty="l1", C=3.0), few, params.model
    )
    vectorizer, classifier = model
    assert isinstance(vectorizer, TfidfVectorizer)
    names = vectorizer.get_feature_names_out().tolist()
    assert len(names) == 40
    assert {len(name.split()) for name in names} == {1, 2}
    assert (classifier.l1_ratio, classifier.C) == (1.0, 3.0)
    ridge = fit(trial_of("words", weighting="counts", features=40, longest_ngram=1), few, params.model)
    assert {len(name.split()) for name in ridge[0].get_feature_names_out()} == {1}
    # Only the L1 penalty sets weights to zero.
    assert (classifier.coef_ == 0).any()
    assert (ridge[-1].coef_ != 0).all()


def test_the_weighting_of_a_token_pipeline_is_a_separate_step(few: LabelledReviews, params: Params) -> None:
    def steps(weighting: str) -> list[type]:
        trial = trial_of("tokens", classifier="naive Bayes", weighting=weighting, features=30, longest_ngram=1)
        return [type(step) for step in fit(trial, few, params.model)]

    assert TfidfTransformer in steps("tf-idf")
    assert TfidfTransformer not in steps("presence")


def test_three_labels_are_learned(three: LabelledReviews, params: Params) -> None:
    rows = np.arange(len(three.texts))[::4]
    trial = trial_of("words", weighting="counts", features=200, longest_ngram=1)
    model = fit(trial, three.take(rows), params.model)
    predicted = model.predict([GOOD, BAD, "It is a lamp, number 7."])
    assert [LABELS[label] for label in predicted] == ["positive", "negative", "neutral"]


def test_the_features_of_most_texts_are_kept_in_their_order() -> None:
    presences = csr_array(np.array([[1, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]]))
    assert MostFrequent(2).fit(presences).kept_.tolist() == [2, 3]
    # The first of equally frequent features is kept.
    assert MostFrequent(3).fit(presences).kept_.tolist() == [0, 2, 3]
    assert MostFrequent(9).fit(presences).kept_.tolist() == [0, 1, 2, 3]
    kept = MostFrequent(2).fit(presences).transform(csr_array(np.array([[5, 6, 7, 8]])))
    assert kept.toarray().tolist() == [[7, 8]]


def test_features_cannot_be_chosen_before_they_are_learned() -> None:
    with pytest.raises(NotFittedError):
        MostFrequent(1).transform(csr_array(np.ones((1, 2))))
