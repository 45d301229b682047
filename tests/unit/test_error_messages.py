"""Errors reach the user whole: by name, across processes, and without docstrings."""

import inspect
import pickle
import re
import subprocess
import sys

import pytest

import api.contract.errors
import demo.errors
import sentiment_core.errors
from sentiment_core.errors import SentimentError, TerminalError, TransientError

ERRORS = sorted(
    {
        each
        for module in (sentiment_core.errors, api.contract.errors, demo.errors)
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, SentimentError)
    },
    key=lambda each: each.__name__,
)


def raised(kind: type[SentimentError]) -> SentimentError:
    """An error with a number for each of its placeholders."""
    return kind(**dict.fromkeys(re.findall(r"{(\w+)", kind.message), 3))


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_survives_pickling(kind: type[SentimentError]) -> None:
    error = raised(kind)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- written here
    assert (type(copy), str(copy), copy.details, copy.code) == (kind, str(error), error.details, error.code)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_transient_or_terminal_and_its_message_is_a_sentence(kind: type[SentimentError]) -> None:
    assert kind is SentimentError or issubclass(kind, TransientError) != issubclass(kind, TerminalError)
    assert kind.message == " ".join(kind.message.split())
    assert kind.message.endswith((".", "}"))
    assert kind is SentimentError or kind.__doc__ == kind.message


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in ERRORS]
    assert len(set(codes)) == len(codes)


def test_a_message_does_not_depend_on_docstrings() -> None:
    program = "from sentiment_core.errors import BundleMissing; print(BundleMissing(path='p', why='w'), end='')"
    printed = subprocess.check_output([sys.executable, "-OO", "-c", program], text=True)
    assert printed == "There is no model bundle at p: w."
