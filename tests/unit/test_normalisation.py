"""Stop words and lemmas: NLTK is used for training only; afterwards a table replaces it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nltk
import numpy as np
import pytest

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.model.scorer import Scorer
from sentiment_core.params import ModelParams, Params
from sentiment_core.text.nltk_normalisation import canonical_table
from sentiment_core.text.specification import identity, token_hash
from sentiment_core.text.tokenizer import hash_tokens
from sentiment_core.training.train import fit, train

TEXTS = ["The movies weren't bad, the LAMPS were", "The lamp is a film", "Movies of a lamp, of geese"]


STOP_WORDS = ("the", "a", "of", "were", "weren't", "is")
NOUNS = ("film", "lamp", "movie", "kettle", "goose")


@pytest.fixture(scope="module", autouse=True)
def language_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of NLTK data in NLTK's formats, with a few words."""
    folder = tmp_path_factory.mktemp("nltk_data")
    stop_words, wordnet = folder / "corpora" / "stopwords", folder / "corpora" / "wordnet"
    for corpus in (stop_words, wordnet):
        corpus.mkdir(parents=True)
    (stop_words / "english").write_text("\n".join(STOP_WORDS))
    (wordnet / "index.sense").write_text("")
    (wordnet / "lexnames").write_text("00\tnoun.all\t1\n")
    for part in ("noun", "verb", "adj", "adv"):
        for file in (f"data.{part}", f"index.{part}", f"{part}.exc"):
            (wordnet / file).write_text("")
    (wordnet / "noun.exc").write_text("geese goose\n")
    (wordnet / "index.noun").write_text("".join(f"{noun} n 1 0 1 0 00000001\n" for noun in NOUNS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nltk.data, "path", [str(folder)])
        yield


@pytest.fixture
def classic(params: Params) -> Params:
    model: ModelParams = params.model.model_copy(update={"stop_words": True, "lemmatize": True})
    return params.model_copy(update={"model": model})


def test_words_are_normalised_as_by_nltk() -> None:
    identities, targets = canonical_table(
        map(TextColumn.from_texts, (TEXTS[:1], TEXTS[1:])), stop_words=True, lemmatize=True
    )
    table = dict(zip(identities.tolist(), targets.tolist(), strict=True))
    for spelled, canonical in (
        ("movies", "movie"),
        ("lamps", "lamp"),
        ("geese", "goose"),
        ("the", ""),
        ("weren't", ""),
        ("a", ""),
    ):
        assert table[identity(token_hash(spelled.encode()))] == (token_hash(canonical.encode()) if canonical else 0)
    assert identity(token_hash(b"lamp")) not in table  # its canonical form is the word itself


def test_no_normalisation_has_no_table() -> None:
    assert [len(each) for each in canonical_table([TextColumn.from_texts(TEXTS)], False, False)] == [0, 0]


def test_the_table_is_part_of_the_model(reviews: LabelledReviews, classic: Params, tmp_path: Path) -> None:
    bundle = train(reviews, classic, {})
    assert len(bundle.tokens)
    bundle.save(tmp_path)
    model = fit(reviews, classic.model)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sentiment_core.model.bundle import Bundle\n"
        "from sentiment_core.model.scorer import Scorer\n"
        "scorer = Scorer(Bundle.load(Path(sys.argv[1])))\n"
        "print(scorer.score_texts(sys.argv[2:]).score.tolist(), 'nltk' in sys.modules)\n"
    )
    texts = ["The kettles were great value", "a waste of the money", ""]
    ran = subprocess.run([sys.executable, "-c", program, tmp_path, *texts], capture_output=True, text=True, check=True)
    scores = Scorer(bundle).score_texts(texts).score
    assert ran.stdout.strip() == f"{scores.tolist()} False"
    margins = model.decision_function(texts)
    (slope,), (intercept,) = bundle.manifest.calibration.slopes[0], bundle.manifest.calibration.intercepts
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-(slope * margins + intercept))), atol=1e-6)


def test_explanations_span_removed_words(reviews: LabelledReviews, classic: Params) -> None:
    scorer = Scorer(train(reviews, classic, {}))
    text = "Surely a waste of the money"
    explanation = scorer.explain(text)
    ngrams = {part.ngram for part in explanation.contributions}
    assert "waste of the money" in ngrams
    assert "of" not in ngrams
    total = explanation.bias + sum(part.weight for part in explanation.contributions)
    assert total == pytest.approx(np.log(explanation.score / (1 - explanation.score)))


def test_spellings_of_one_word_have_the_same_token() -> None:
    column = TextColumn.from_texts(["lamps", "LAMPS"])
    assert len(set(hash_tokens(column).hashes.tolist())) == 1


def test_missing_data_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    program = (
        "from sentiment_core.columnar.columns import TextColumn\n"
        "from sentiment_core.text.nltk_normalisation import canonical_table\n"
        "canonical_table([TextColumn.from_texts(['words'])], stop_words=True, lemmatize=True)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"NLTK_DATA": str(tmp_path), "HOME": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path)},
        check=False,
    )
    wanted = (
        "NLTK cannot find stopwords wordnet. "
        "Run `python -m nltk.downloader stopwords wordnet`, or set NLTK_DATA to the folder"
    )
    assert wanted in " ".join(ran.stderr.split())
